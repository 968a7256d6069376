"""Where very many phrases stand in many texts: every run of words looked up, all runs at once.

The rules are those of `grams` and `phrases`; a run of words is told by the hash of its letters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.chains import MANY_CUTS, ONE_WORD
from newsletter.matching.grams import LONG_HEAD
from newsletter.matching.hashes import Hashes, Ints, Table, join, spread
from newsletter.matching.texts import Texts
from newsletter.matching.ways import MOST_CUTS, Ways

_FEW_WORDS = 4  # runs of so many are all looked up; of the longer ones those that may be a key
Mask = NDArray[np.bool_]


class Windows(NamedTuple):
    """Runs of words that join to a key: first word, how many, and the row of the key."""

    firsts: Ints
    sizes: Ints
    keys: Ints


class Places(NamedTuple):
    """Where atoms stand: words firsts..lasts-1. `spellings` as in `reading.Hit`."""

    atoms: Ints
    firsts: Ints
    lasts: Ints
    spellings: Ints


class Keys:
    """The distinct keys of phrases and of other words, by hash."""

    def __init__(self, hashes: Hashes, letters: Ints) -> None:
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        new = np.ones(len(order), np.bool_)
        new[1:] = ordered[1:] != ordered[:-1]
        self.table = Table(ordered[new])
        rows = np.empty(len(order), np.int64)
        rows[order] = np.cumsum(new) - 1
        self.rows = rows  # by given hash: its row in the table
        self.letters = letters[order[new]]

    def find(self, texts: Texts, heads: Heads) -> Windows:
        """Every run of words that joins to a key."""
        found = [self._look_up(texts, np.arange(len(texts)), 1)]
        for size in range(2, _FEW_WORDS + 1):
            found.append(self._look_up(texts, np.arange(len(texts) - size + 1), size))
        firsts = np.arange(max(0, len(texts) - _FEW_WORDS))
        for size in range(_FEW_WORDS + 1, LONG_HEAD + 1):
            firsts = firsts[firsts + size <= len(texts)]
            letters = texts.starts[firsts + size] - texts.starts[firsts]
            firsts = firsts[letters <= LONG_HEAD]
            found.append(self._look_up(texts, firsts, size))
        found.append(self._find_long(texts, heads))
        return Windows(*(join(list(column)) for column in zip(*found, strict=True)))

    def _look_up(self, texts: Texts, firsts: Ints, size: int) -> Windows:
        starts = texts.starts
        hashes = texts.letters.between(starts[firsts], starts[firsts + size])
        places, rows = self.table.find(hashes)
        return Windows(firsts[places], np.full(len(places), size, np.int64), rows)

    def _find_long(self, texts: Texts, heads: Heads) -> Windows:
        """Runs of more words and more letters than those that are all looked up."""
        last = np.searchsorted(texts.starts, texts.letters.size - LONG_HEAD, "right")
        begins = texts.starts[: max(0, last)]
        places, rows = heads.table.find(texts.letters.between(begins, begins + LONG_HEAD))
        at, lengths = spread(heads.starts, rows)
        firsts = places[at]
        ends = begins[firsts] + heads.lengths[lengths]
        firsts, ends = firsts[ends <= texts.letters.size], ends[ends <= texts.letters.size]
        sizes = texts.words_at[ends] - firsts
        whole = sizes > _FEW_WORDS  # and it ends where a word does
        firsts, ends, sizes = firsts[whole], ends[whole], sizes[whole]
        found, keys = self.table.find(texts.letters.between(texts.starts[firsts], ends))
        return Windows(firsts[found], sizes[found], keys)


class Heads:
    """How keys of more than LONG_HEAD letters begin, and how many letters each such key has."""

    def __init__(self, heads: Hashes, letters: Ints) -> None:
        """`heads` are the hashes of their first LONG_HEAD letters."""
        order = np.lexsort((letters, heads))
        heads, letters = heads[order], letters[order]
        new_head = np.ones(len(heads), np.bool_)
        new_head[1:] = heads[1:] != heads[:-1]
        new = new_head.copy()
        new[1:] |= letters[1:] != letters[:-1]
        self.table = Table(heads[new_head])
        self.lengths = letters[new]
        self.starts = np.append(np.flatnonzero(new_head[new]), len(self.lengths))


def find_places(texts: Texts, ways: Ways, by_key: tuple[Ints, Ints], windows: Windows) -> Places:
    """Where atoms stand by one of their phrases; `by_key` has the ways of each key, grouped."""
    order, starts = by_key
    at, listed = spread(starts, windows.keys)
    way, firsts, sizes = order[listed], windows.firsts[at], windows.sizes[at]
    columns = ways.columns
    cuts = columns.cuts[way]
    keep = columns.fields[way] >> texts.fields[texts.text_of[firsts]] & 1 == 1
    keep &= (sizes <= MANY_CUTS) | (cuts >= MANY_CUTS) | (columns.letters[way] >= ONE_WORD)
    way, firsts, sizes, cuts = way[keep], firsts[keep], sizes[keep], cuts[keep]
    keep = np.ones(len(way), np.bool_)
    special = np.zeros(len(columns.atoms), np.bool_)
    special[list(ways.whole)] = True
    singly = special[way]
    _decide_singly(texts, ways, (way, firsts, sizes), np.flatnonzero(singly), keep)
    several = np.flatnonzero(~singly & (sizes > 1))
    keep[several] = _cut_as_allowed(
        texts, columns.cut_at[way[several]], firsts[several], sizes[several]
    )
    joined = (sizes <= cuts).astype(np.int64)
    places = Places(columns.atoms[way], firsts, firsts + sizes, columns.spellings[way] + joined)
    return Places(*(column[keep] for column in places))


def _decide_singly(
    texts: Texts, ways: Ways, columns: tuple[Ints, Ints, Ints], rows: Ints, keep: Mask
) -> None:
    """Notes in `keep` which of the rows (way, first word, size) stand there."""
    told: dict[tuple[int, str], bool] = {}  # of one word: it is the same wherever it stands
    chosen = (column[rows].tolist() for column in columns)
    for row, way, word, size in zip(rows.tolist(), *chosen, strict=True):
        text, first = texts.place(word)
        if size > 1:
            keep[row] = ways.whole[way].stands(text, first, first + size)
            continue
        key = way, text.surfaces[first]
        stands = told.get(key)
        if stands is None:
            stands = told[key] = ways.whole[way].stands(text, first, first + 1)
        keep[row] = stands


def _cut_as_allowed(texts: Texts, cut_at: Ints, firsts: Ints, sizes: Ints) -> Mask:
    """Whether runs are cut only where their phrase is, or where words may be read as one."""
    keep = np.ones(len(firsts), np.bool_)
    begins = texts.starts[firsts]
    left = np.arange(len(firsts))
    inner = 0  # words before the cut that is looked at
    while len(left):
        inner += 1
        left = left[sizes[left] > inner]
        words = firsts[left] + inner
        cut = (texts.starts[words] - begins[left])[:, None] == cut_at[left]
        fine = cut.any(axis=1) if MOST_CUTS else np.zeros(len(left), np.bool_)
        fine |= texts.loose[words - 1] & texts.loose[words]
        for row in np.flatnonzero(~fine).tolist():
            fine[row] = texts.joined(words[row] - 1)
        keep[left[~fine]] = False
        left = left[fine]
    return keep
