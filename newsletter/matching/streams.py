"""Where words, phrases and chains stand in one field of many papers, all papers at once.

The rules are those of `phrases`, over arrays: a place is the number of a word in the stream.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from newsletter.matching.packs import Array, lowers_of
from newsletter.matching.phrases import MAX_PARTS, Chain, Pattern, Phrase, Prefix, is_loose
from newsletter.matching.text import BREAK, normalise

_FEW_LETTERS = 8


class Lexicon:
    """The surfaces of all streams, those of one form side by side; number 0 ends a text."""

    def __init__(self, surfaces: Sequence[str], forms: Sequence[str]) -> None:
        self.surfaces = surfaces
        self.forms = forms  # by surface
        self.by_form: dict[str, tuple[int, int]] = {}  # surfaces first..last-1
        changes = [at for at in range(1, len(forms)) if forms[at] != forms[at - 1]]
        for first, last in pairwise([*changes, len(forms)]):  # the first of all ends texts
            self.by_form[forms[first]] = first, last
        # Forms that may be one word with the next one, see `phrases`.
        self.loose = np.array(list(map(is_loose, forms)), np.bool_)
        self.stops = np.zeros(len(surfaces), np.bool_)
        self.stops[[0, *range(*self.by_form.get(BREAK, (0, 0)))]] = True

        lowers = lowers_of(surfaces)
        self._by_lower = sorted(range(len(lowers)), key=lowers.__getitem__)
        self._lowers = [lowers[number] for number in self._by_lower]

    def with_lower(self, lower: str) -> list[int]:
        """The surfaces that read `lower` when casefolded."""
        return self._between(lower, f"{lower}\0")

    def beginning(self, head: str) -> list[int]:
        """The surfaces that begin so when casefolded."""
        return self._between(head, f"{head}\U0010ffff")

    def _between(self, low: str, high: str) -> list[int]:
        return self._by_lower[bisect_left(self._lowers, low) : bisect_left(self._lowers, high)]

    def capitals(self, number: int) -> str:
        """A surface's capitals as written, as long as its form."""
        words = normalise(self.surfaces[number]).words
        return words[0].capitals if words else ""


class Stream:
    """The words of one field, paper after paper, and where each surface stands."""

    def __init__(self, lexicon: Lexicon, words: Array, joined: Array, lengths: Array) -> None:
        self.lexicon = lexicon
        self.words = words
        self.joined = joined
        self.starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))  # of papers
        papers = np.arange(len(lengths), dtype=np.min_scalar_type(len(lengths)))
        self.paper_of = np.repeat(papers, lengths)
        self._order, self._offsets = _sorted_places(words, len(lexicon.surfaces))

    def count(self, first: int, last: int) -> int:
        """How often surfaces first..last-1 stand here."""
        return int(self._offsets[last] - self._offsets[first])

    def counts(self) -> Array:
        """How often each surface stands here."""
        return np.diff(self._offsets)

    def places(self, numbers: Iterable[int]) -> Array:
        """Where surfaces stand."""
        found = [self._order[self._offsets[n] : self._offsets[n + 1]] for n in numbers]
        return np.concatenate(found) if found else self._order[:0]

    def papers(self, places: Array) -> Array:
        """A mask over papers: whether one of the places is theirs."""
        mask = np.zeros(len(self.starts) - 1, np.bool_)
        mask[self.paper_of[places]] = True
        return mask

    def named(self, part: str) -> tuple[Array, Array]:
        """Where a part of a name stands, and where a run begins that may be it without hyphens."""
        head = part.removesuffix("*")
        begun = self._prefix(Prefix(head, tuple(range(len(part)))))[0]
        whole = self.lexicon.with_lower(part) if part == head else self.lexicon.beginning(head)
        return self.places(whole), begun[self.joined[begun]]

    def text(self, first: int, last: int) -> str:
        """Words first..last-1 as they may have been written."""
        words = self.words[first:last].tolist()
        joiners = self.joined[first:last].tolist()
        pairs = zip(words, joiners, strict=True)
        return "".join(self.lexicon.surfaces[n] + ("-" if joins else " ") for n, joins in pairs)

    def find(self, way: Pattern) -> Array:
        """The papers in which the pattern stands, as the index of interests finds it."""
        return self.papers(self.places_of(way)[0])

    def places_of(self, way: Pattern) -> tuple[Array, Array]:
        """The first words of the pattern's places and their sizes; a chain's are not told: 0."""
        if isinstance(way, Phrase):
            starts, ends = self._phrase(way, _most_words(way))
            return starts, ends - starts
        starts = self._chain(way)
        return starts, np.zeros(len(starts), np.int64)

    def _phrase(self, phrase: Phrase, most: int) -> tuple[Array, Array]:
        """First words and ends of the places of a phrase of at most so many words."""
        found: list[tuple[Array, int]] = []
        begun = {0: np.zeros(0, self._order.dtype)}
        for size in range(most):
            reached: dict[int, list[Array]] = {}
            for at, starts in begun.items():
                for end, some in self._continue(phrase, at, starts, size):
                    reached.setdefault(end, []).append(some)
            whole = reached.pop(len(phrase.key), [])
            found.extend((starts, size + 1) for starts in whole)
            begun = {
                at: self._may_end(np.concatenate(some), size, at in phrase.cuts)
                for at, some in reached.items()
            }
            begun = {at: starts for at, starts in begun.items() if len(starts)}
            if not begun:
                break
        return _ranges(found)

    def _continue(
        self, phrase: Phrase, at: int, starts: Array, size: int
    ) -> Iterator[tuple[int, Array]]:
        """What of `starts`, `size` words long so far, goes on with a form of the key at `at`."""
        by_form = self.lexicon.by_form
        forms = [
            (end, by_form[form])
            for end in range(at + 1, len(phrase.key) + 1)
            if (form := phrase.key[at:end]) in by_form
        ]
        if size:
            codes = np.zeros(len(self.lexicon.surfaces), np.uint16)
            for end, (first, last) in forms:
                codes[self._allowed(phrase, at, end, first, last)] = end - at
            following = codes[self.words[starts + size]]
        for end, (first, last) in forms:
            if size:
                some = starts[following == end - at]
            elif not phrase.capitals:
                some = self._order[self._offsets[first] : self._offsets[last]]
            else:
                some = self.places(self._allowed(phrase, at, end, first, last))
            if len(some):
                yield end, some

    def _allowed(self, phrase: Phrase, at: int, end: int, first: int, last: int) -> list[int]:
        """Which of surfaces first..last-1 have the capitals that key[at:end] asks for."""
        numbers = list(range(first, last))
        for start, acronym in phrase.capitals:
            low, high = max(start, at), min(start + len(acronym), end)
            if low < high:
                wanted = acronym[low - start : high - start]
                numbers = [
                    number
                    for number in numbers
                    if self.lexicon.capitals(number)[low - at : high - at] == wanted
                ]
        return numbers

    def _may_end(self, starts: Array, size: int, cut: bool) -> Array:
        """Which of `starts` may be cut after the word `size`: as typed, or where words join."""
        if cut or not len(starts):
            return starts
        last = starts + size
        loose = self.lexicon.loose
        joins: Array = self.joined[last]
        rest = np.flatnonzero(~joins)
        rest = rest[loose[self.words[last[rest]]]]
        joins[rest] = loose[self.words[last[rest] + 1]]
        kept: Array = starts[joins]
        return kept

    def _prefix(self, prefix: Prefix) -> tuple[Array, Array]:
        """First words and ends of the words that begin so."""
        found: list[tuple[Array, int]] = []
        begun = {0: np.zeros(0, self._order.dtype)}
        for size in range(MAX_PARTS):
            reached: dict[int, list[Array]] = {}
            for at, starts in begun.items():
                rest = prefix.key[at:]
                found.append((self._next(starts, size, self.lexicon.beginning(rest)), size + 1))
                for end in range(1, len(rest)):
                    some = self._next(starts, size, self.lexicon.with_lower(rest[:end]))
                    if len(some):
                        reached.setdefault(at + end, []).append(some)
            begun = {
                at: self._may_end(np.concatenate(some), size, at in prefix.cuts)
                for at, some in reached.items()
            }
            if not begun:
                break
        if prefix.capitals:
            found = [(self._as_written(prefix, *some), some[1]) for some in found]
        return _ranges(found)

    def _next(self, starts: Array, size: int, numbers: list[int]) -> Array:
        if not size or not numbers:
            return self.places(numbers)
        wanted = np.zeros(len(self.lexicon.surfaces), np.bool_)
        wanted[numbers] = True
        kept: Array = starts[wanted[self.words[starts + size]]]
        return kept

    def _as_written(self, prefix: Prefix, starts: Array, size: int) -> Array:
        surfaces = self.lexicon.surfaces
        return np.array(
            [
                start
                for start in starts.tolist()
                if "".join(surfaces[word] for word in self.words[start : start + size].tolist())
                .replace("'", "")
                .startswith(prefix.capitals)
            ],
            starts.dtype,
        )

    def _chain(self, chain: Chain) -> Array:
        """First words of the places of a chain."""
        units = [
            self._phrase(unit, len(unit.key)) if isinstance(unit, Phrase) else self._prefix(unit)
            for unit in chain.units
        ]
        common = np.logical_and.reduce([self.papers(starts) for starts, _ in units])
        kept = [common[self.paper_of[starts]] for starts, _ in units]
        units = [
            (starts[keep], ends[keep]) for (starts, ends), keep in zip(units, kept, strict=True)
        ]
        found: Array = self._linked(units, chain.slack)
        anchor = chain.anchor
        if isinstance(anchor, Phrase) and _most_words(anchor) < len(anchor.key):
            found = found[self._in_texts_with(anchor.key, found)]
        return found

    def _linked(self, units: Sequence[tuple[Array, Array]], slack: int) -> Array:
        """Where units follow one another, at most `slack` words and no break between in all."""
        starts, ends = units[0]
        used = np.zeros(len(starts), np.int64)
        for next_starts, next_ends in units[1:]:
            order = np.argsort(next_starts)
            sorted_starts, sorted_ends = next_starts[order], next_ends[order]
            rows: list[tuple[Array, Array, Array]] = []
            here, at, gone = starts, ends, used
            for gap in range(slack + 1):
                index = np.searchsorted(sorted_starts, at)
                index[index == len(sorted_starts)] = 0
                hit = sorted_starts[index] == at if len(sorted_starts) else index < 0
                rows.append((here[hit], sorted_ends[index[hit]], gone[hit] + gap))
                open_ = (gone + gap < slack) & ~self.lexicon.stops[self.words[at]]
                here, at, gone = here[open_], at[open_] + 1, gone[open_]
            starts, ends, used = (np.concatenate(column) for column in zip(*rows, strict=True))
            order = np.lexsort((used, ends, starts))
            starts, ends, used = starts[order], ends[order], used[order]
            new = np.ones(len(starts), np.bool_)
            new[1:] = (np.diff(starts) != 0) | (np.diff(ends) != 0)
            starts, ends, used = starts[new], ends[new], used[new]
        return starts

    def _in_texts_with(self, key: str, places: Array) -> Array:
        """Which places are in a text where `key` stands as one word or as two, however joined.

        The index of interests looks for a chain only where its anchor is found so.
        """
        loose = Phrase(key, tuple(range(1, len(key))))
        ends_of_texts = np.sort(self.places([0]))
        texts = np.searchsorted(ends_of_texts, self._phrase(loose, 2)[0])
        return np.isin(np.searchsorted(ends_of_texts, places), texts)


def _most_words(phrase: Phrase) -> int:
    """Into how many words a text may cut a phrase: a short key only into two, unless so typed."""
    size = len(phrase.key)
    return size if size >= _FEW_LETTERS or len(phrase.cuts) >= 2 else 2


def _ranges(found: Sequence[tuple[Array, int]]) -> tuple[Array, Array]:
    starts = [some for some, _ in found] or [np.zeros(0, np.int32)]
    ends = [some + size for some, size in found] or [np.zeros(0, np.int32)]
    return np.concatenate(starts), np.concatenate(ends)


def _sorted_places(words: Array, size: int) -> tuple[Array, Array]:
    """The places of each word in order, and where in them each word's begin: a counting sort."""
    from scipy.sparse import csr_array  # slow to import, and most processes never need it

    count = len(words)
    table = csr_array(
        (np.ones(count, np.bool_), words, np.arange(count + 1, dtype=np.int32)), (count, size)
    ).tocsc()
    return table.indices, table.indptr
