"""Where words begin with one of many prefixes, in many texts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.hashes import Ints, Letters, Table, group, join, spread
from newsletter.matching.phrases import HEAD
from newsletter.matching.texts import Texts

_HEADS = (HEAD, HEAD + 3, HEAD + 6)


class Beginnings:
    """Prefixes by number and length; looked for only where one's first letters stand."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        sizes = np.fromiter(map(len, prefixes), np.int64, len(prefixes))
        letters = Letters("".join(prefixes))
        ends = np.cumsum(sizes)
        hashes = letters.between(ends - sizes, ends)
        self._heads: list[tuple[int, Table]] = []
        for head in _HEADS:
            begins = (ends - sizes)[sizes >= head]
            self._heads.append((head, Table(np.unique(letters.between(begins, begins + head)))))
        self._by_size: list[tuple[int, Table, Ints, Ints]] = []
        for size in np.unique(sizes).tolist():
            numbers = np.flatnonzero(sizes == size)
            distinct, rows = np.unique(hashes[numbers], return_inverse=True)
            order, starts = group(rows, len(distinct))
            self._by_size.append((size, Table(distinct), numbers[order], starts))

    def find(self, texts: Texts) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Prefixes, words where their letters begin, and whether they are all in that word."""
        found: list[Ints] = [np.zeros(0, np.int64)]
        words: list[Ints] = [np.zeros(0, np.int64)]
        within = [np.zeros(0, np.bool_)]
        if not self._by_size:
            return found[0], words[0], within[0]
        letters, starts = texts.lowers
        some = np.arange(len(texts))
        heads = list(self._heads)
        for size, table, numbers, listed in self._by_size:
            while heads and heads[0][0] <= size:  # from here on no prefix is shorter
                head, begun = heads.pop(0)
                some = some[starts[some] + head <= letters.size]
                hashes = letters.between(starts[some], starts[some] + head)
                some = np.sort(some[begun.find(hashes)[0]])
            some = some[starts[some] + size <= letters.size]
            places, rows = table.find(letters.between(starts[some], starts[some] + size))
            at, here = spread(listed, rows)
            found.append(numbers[here])
            words.append(some[places][at])
            within.append(starts[words[-1]] + size <= starts[words[-1] + 1])
        return join(found), join(words), np.concatenate(within)
