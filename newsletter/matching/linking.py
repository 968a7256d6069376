"""Where very many chains stand in many texts: words with slack between them, and prefixes.

The rules are those of `chains` and `phrases`, tried on all places at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.beginnings import Beginnings
from newsletter.matching.chains import MANY_CUTS, ONE_WORD, FiledChain
from newsletter.matching.hashes import Hashes, Ints, group, join, spread
from newsletter.matching.phrases import Chain, Phrase, Prefix
from newsletter.matching.text import NormalText
from newsletter.matching.texts import Texts
from newsletter.matching.ways import hash_keys, mask_of
from newsletter.matching.windows import Places, Windows

_BEYOND = np.iinfo(np.int64).max


class _Units(NamedTuple):
    """Where units stand, by unit and then first word: words starts..ends-1 of `size` in all."""

    units: Ints
    starts: Ints
    ends: Ints
    by_unit: Ints  # where each unit's begin
    keys: Ints  # unit * size + start, and one beyond all
    size: int

    def next(self, units: Ints, words: Ints) -> Ints:
        """The rows of the next place of each unit at or after a word; of another unit if none."""
        return np.searchsorted(self.keys[:-1], units * self.size + words)


class Links:
    """Chains compiled. Their units are numbered: first the phrases, then the prefixes."""

    def __init__(self, chains: Sequence[FiledChain]) -> None:
        self.chains = chains
        numbers: dict[Phrase | Prefix, int] = {}
        for kind in (Phrase, Prefix):
            for filed in chains:
                for unit in filed.way.units:
                    if isinstance(unit, kind):
                        numbers.setdefault(unit, len(numbers))
        self._units = list(numbers)
        self._phrases = [unit for unit in self._units if isinstance(unit, Phrase)]
        self._beginnings = Beginnings([unit.key for unit in self._units[len(self._phrases) :]])
        lengths = np.array([len(filed.way.units) for filed in chains], np.int64)
        self._lengths = lengths
        self._table = np.full((len(chains), max(lengths, default=0)), -1, np.int64)
        for row, filed in enumerate(chains):
            self._table[row, : lengths[row]] = [numbers[unit] for unit in filed.way.units]
        self._slacks = np.array([filed.way.slack for filed in chains], np.int64)
        self._fields = np.array([mask_of(filed.fields) for filed in chains], np.int64)
        self._atoms = np.array([filed.number for filed in chains], np.int64)
        self._spellings = np.array([filed.spelling for filed in chains], np.int64)
        self._choosy = np.array([_is_choosy(filed.way) for filed in chains], np.bool_)

    def hash_phrases(self) -> tuple[Hashes, Hashes, Ints]:
        """The hashes, those of their heads, and the letters of the units that are phrases."""
        letters = np.array([len(unit.key) for unit in self._phrases], np.int64)
        ends = np.cumsum(letters)
        keys = "".join(unit.key for unit in self._phrases)
        return *hash_keys(keys, ends - letters, ends), letters

    def find(self, texts: Texts, windows: Windows, by_key: tuple[Ints, Ints]) -> Places:
        """Where chains stand; `by_key` has the phrases of each key of `windows`, grouped."""
        units = self._occurring(texts, windows, by_key)
        rows, at = self._begin(units)
        fits = self._fields[rows] >> texts.fields[texts.text_of[units.starts[at]]] & 1 == 1
        rows, at = rows[fits], at[fits]
        firsts, lasts = units.starts[at], units.ends[at]
        uneven = self._uneven(units)[rows]
        found = [self._follow(texts, units, rows[~uneven], firsts[~uneven], lasts[~uneven])]
        found.append(self._ask(texts, rows[uneven], firsts[uneven]))
        rows, firsts, lasts = map(join, map(list, zip(*found, strict=True)))
        keep = np.ones(len(rows), np.bool_)
        for row in np.flatnonzero(self._choosy[rows]).tolist():
            text, _ = texts.place(firsts[row])
            keep[row] = _has_anchor(self.chains[rows[row]].way, text)
        rows, firsts, lasts = rows[keep], firsts[keep], lasts[keep]
        return Places(self._atoms[rows], firsts, lasts, self._spellings[rows])

    def _occurring(self, texts: Texts, windows: Windows, by_key: tuple[Ints, Ints]) -> _Units:
        """Where units stand."""
        order, starts = by_key
        at, listed = spread(starts, windows.keys)
        units, firsts = order[listed], windows.firsts[at]
        lasts = firsts + windows.sizes[at]
        begun, words, within = self._beginnings.find(texts)
        plain = np.array(
            [
                not unit.capitals and (isinstance(unit, Prefix) or not unit.cuts)
                for unit in self._units
            ],
            np.bool_,
        )
        units = np.concatenate((units, begun + len(self._phrases)))
        sure = np.concatenate((lasts - firsts == 1, within)) & plain[units]
        firsts = np.concatenate((firsts, words))
        lasts = np.concatenate((lasts, words + 1))
        for row in np.flatnonzero(~sure).tolist():
            text, first = texts.place(firsts[row])
            ends = list(self._units[units[row]].ends(text, first))
            lasts[row] = firsts[row] - first + ends[0] if ends else -1
        keys = units * len(texts) + firsts
        order = np.argsort(keys, kind="stable")
        order = order[lasts[order] >= 0]
        keys = keys[order]
        # The rows of a phrase with several cuts, whose places were looked at one by one, recur.
        new = np.ones(len(keys), np.bool_)
        new[1:] = keys[1:] != keys[:-1]
        order, keys = order[new], keys[new]
        _, by_unit = group(units[order], len(self._units))
        return _Units(
            units[order], firsts[order], lasts[order], by_unit, np.append(keys, _BEYOND), len(texts)
        )

    def _begin(self, units: _Units) -> tuple[Ints, Ints]:
        """Chains and rows of their first unit from where the second comes soon enough."""
        counts = np.diff(units.by_unit)
        lone = np.flatnonzero(self._lengths == 1)
        at, found = spread(units.by_unit, self._table[lone, 0])
        begun = [(lone[at], found)]
        pairs = np.flatnonzero(self._lengths > 1)
        if len(pairs):
            first, second = self._table[pairs, 0], self._table[pairs, 1]
            forward = counts[first] <= counts[second]
            at, found = spread(units.by_unit, first[forward])
            rows = pairs[forward][at]
            following = self._table[rows, 1]
            near = units.keys[units.next(following, units.ends[found])]
            latest = following * units.size + units.ends[found] + self._slacks[rows]
            begun.append((rows[near <= latest], found[near <= latest]))
            begun.extend(self._look_back(units, pairs[~forward]))
        rows, at = (join(list(column)) for column in zip(*begun, strict=True))
        _, new = np.unique(rows * max(1, len(units.units)) + at, return_index=True)
        return rows[new], at[new]

    def _look_back(self, units: _Units, pairs: Ints) -> list[tuple[Ints, Ints]]:
        """As `_begin`, from the places of the second unit."""
        by_end = np.argsort(units.units * units.size + units.ends, kind="stable")
        keys = np.append((units.units * units.size + units.ends)[by_end], _BEYOND)
        at, found = spread(units.by_unit, self._table[pairs, 1])
        rows = pairs[at]
        latest = self._table[rows, 0] * units.size + units.starts[found]
        place = np.searchsorted(keys[:-1], latest - self._slacks[rows])
        begun: list[tuple[Ints, Ints]] = []
        while len(rows):
            near = keys[place] <= latest
            rows, latest, place = rows[near], latest[near], place[near]
            begun.append((rows, by_end[place]))
            place = place + 1
        return begun

    def _uneven(self, units: _Units) -> NDArray[np.bool_]:
        """Which chains have a unit in their middle that stands as different numbers of words.

        Of all others the nearest next unit is the best one.
        """
        sizes = units.ends - units.starts
        uneven = np.zeros(len(self._units) + 1, np.bool_)  # the last is for no unit
        first = units.by_unit[units.units]
        uneven[units.units[sizes != sizes[first]]] = True
        middle = np.arange(self._table.shape[1]) < self._lengths[:, None] - 1
        middle[:, :1] = False
        result: NDArray[np.bool_] = np.any(uneven[self._table] & middle, axis=1)
        return result

    def _follow(
        self, texts: Texts, units: _Units, rows: Ints, firsts: Ints, ends: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Chains that stand, their first words and ends."""
        done: list[tuple[Ints, Ints, Ints]] = []
        left = self._slacks[rows]
        for unit in range(1, self._table.shape[1] + 1):
            whole = self._lengths[rows] == unit
            done.append((rows[whole], firsts[whole], ends[whole]))
            rows, firsts, ends, left = rows[~whole], firsts[~whole], ends[~whole], left[~whole]
            if not len(rows):
                break
            following = self._table[rows, unit]
            at = units.next(following, ends)
            near = units.keys[at] <= following * units.size + ends + left
            rows, firsts, ends, left, at = (c[near] for c in (rows, firsts, ends, left, at))
            starts = units.starts[at]
            unbroken = texts.breaks[starts] == texts.breaks[ends]
            left = (left - (starts - ends))[unbroken]
            rows, firsts, ends = rows[unbroken], firsts[unbroken], units.ends[at][unbroken]
        first, second, third = zip(*done, strict=True)
        return join(list(first)), join(list(second)), join(list(third))

    def _ask(self, texts: Texts, rows: Ints, firsts: Ints) -> tuple[Ints, Ints, Ints]:
        """As `_follow`, one by one."""
        ends = np.full(len(rows), -1, np.int64)
        for at, (row, word) in enumerate(zip(rows.tolist(), firsts.tolist(), strict=True)):
            text, first = texts.place(word)
            last = self.chains[row].way.end(text, first)
            if last is not None:
                ends[at] = word - first + last
        return rows[ends >= 0], firsts[ends >= 0], ends[ends >= 0]


def _is_choosy(chain: Chain) -> bool:
    """Whether a text may not cut the chain's anchor into many words."""
    anchor = chain.anchor
    return not isinstance(anchor, Prefix) and (
        len(anchor.key) < ONE_WORD and len(anchor.cuts) < MANY_CUTS
    )


def _has_anchor(chain: Chain, text: NormalText) -> bool:
    """Whether the anchor stands in the text as one word or as two."""
    return chain.anchor.key in text.forms or chain.anchor.key in text.grams[1]
