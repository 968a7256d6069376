"""The words of one field of many papers as arrays, and where each word stands in them.

A place is the number of a word in the stream. What papers a word is in, and how often, is kept
beside its places.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from newsletter.matching.lexicon import Arrays, Lexicon
from newsletter.matching.packs import Array

MOST_COUNTED = 255  # of a word in a paper; more are as many
_WORTH = 2  # a place that is looked up costs as much as so many words that are read in order
MANY = 48  # surfaces: where papers have any of so many is not worth to be told beforehand
Numbers = range | Array  # surfaces; a range where they are side by side


class Stream:
    """The words of one field, paper after paper, and where each surface stands."""

    def __init__(self, lexicon: Lexicon, arrays: Arrays) -> None:
        self.lexicon = lexicon
        self.codes = arrays["codes"]  # a word's number, doubled; odd where it joins the next
        self.starts = arrays["starts"]  # of papers, and one beyond all
        self.paper_of = arrays["paper of"]
        self._order, self._offsets = arrays["order"], arrays["offsets"]
        self._papers, self._often = arrays["papers"], arrays["often"]  # of each surface
        self._paper_offsets = arrays["paper offsets"]

    @classmethod
    def of_field(cls, lexicon: Lexicon, arrays: Arrays, field: int) -> Stream:
        """The stream of a field among the arrays of all, as `compile_stream` names them."""
        prefix = _prefix(field)
        size = len(prefix)
        parts = {name[size:]: part for name, part in arrays.items() if name.startswith(prefix)}
        return cls(lexicon, parts)

    def words(self, places: Array) -> Array:
        """The numbers of the words at these places."""
        return self.codes[places] >> 1

    def joined(self, places: Array) -> Array:
        """Which words there are part of one hyphen or slash run with the next."""
        return (self.codes[places] & 1).astype(np.bool_)

    def count(self, first: int, last: int) -> int:
        """How often surfaces first..last-1 stand here."""
        return int(self._offsets[last]) - int(self._offsets[first])

    def counts(self) -> Array:
        """How often each surface stands here."""
        return np.diff(self._offsets)

    @cached_property
    def text_ends(self) -> Array:
        """Where texts end, in order."""
        return self._order[self._offsets[0] : self._offsets[1]]

    def places(self, numbers: Numbers) -> Array:
        """Where surfaces stand."""
        return _slices(self._order, self._offsets, numbers)

    def papers(self, places: Array) -> Array:
        """A mask over papers: whether one of the places is theirs."""
        mask = np.zeros(len(self.starts) - 1, np.bool_)
        mask[self.paper_of[places]] = True
        return mask

    def having(self, numbers: Numbers) -> Array:
        """A mask over papers: whether they have one of the surfaces."""
        mask = np.zeros(len(self.starts) - 1, np.bool_)
        mask[_slices(self._papers, self._paper_offsets, numbers)] = True
        return mask

    def how_often(self, numbers: Numbers) -> Array:
        """How often each paper has one of the surfaces, each counted up to 255 times."""
        papers = _slices(self._papers, self._paper_offsets, numbers)
        often = _slices(self._often, self._paper_offsets, numbers)
        return np.bincount(papers, often, len(self.starts) - 1).astype(np.int64)

    def by_surface(self) -> tuple[Array, Array, Array]:
        """Papers, how often each has a surface, and where the papers of each surface begin."""
        return self._papers, self._often, self._paper_offsets

    def text(self, first: int, last: int) -> str:
        """Words first..last-1 as they may have been written."""
        codes = self.codes[first:last].tolist()
        return "".join(
            self.lexicon.surface(code >> 1) + ("-" if code & 1 else " ") for code in codes
        )

    def places_in(self, numbers: Numbers, papers: Array | None) -> Array:
        """Where surfaces stand in these papers."""
        if papers is None:
            return self.places(numbers)
        rows = np.flatnonzero(papers)
        starts, ends = self.starts[rows].astype(np.int64), self.starts[rows + 1].astype(np.int64)
        total = int((ends - starts).sum())
        if _count(self._offsets, numbers) <= total * _WORTH:
            places = self.places(numbers)
            kept: Array = places[papers[self.paper_of[places]]]
            return kept
        before = np.cumsum(ends - starts) - (ends - starts)
        all_places = np.arange(total) + np.repeat(starts - before, ends - starts)
        found = all_places[among(self.words(all_places), numbers)]
        return found.astype(self._order.dtype)  # type: ignore[no-any-return]

    def followed(
        self, numbers: Numbers, following: Sequence[Numbers], papers: Array | None
    ) -> Array:
        """Where surfaces stand in these papers, at least where one of `following` comes next."""
        often = sum(_count(self._offsets, others) for others in following)
        if _count(self._offsets, numbers) <= often * _WORTH:
            return self.places_in(numbers, papers)
        after = np.concatenate([self.places_in(others, papers) for others in following])
        before = after[after > 0] - 1
        return before[among(self.words(before), numbers)]


def compile_stream(field: int, codes: Array, lengths: Array, surfaces: int) -> dict[str, Array]:
    """The arrays of a field's `Stream`: its codes, the words of each paper, how many surfaces."""
    paper_type = np.min_scalar_type(len(lengths))
    starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.uint32)
    paper_of = np.repeat(np.arange(len(lengths), dtype=paper_type), lengths)
    order, offsets = _sorted_places(codes >> 1, surfaces)
    of_places = paper_of[order]
    new = np.ones(len(of_places), np.bool_)
    new[1:] = of_places[1:] != of_places[:-1]
    new[offsets[:-1][np.diff(offsets) > 0]] = True  # another word, though in the same paper
    begun = np.flatnonzero(new).astype(np.uint32)
    often = np.diff(begun, append=np.uint32(len(of_places)))
    np.minimum(often, MOST_COUNTED, out=often)
    parts = {
        "codes": codes,
        "starts": starts,
        "paper of": paper_of,
        "order": order.astype(np.uint32),
        "offsets": offsets.astype(np.uint32),
        "papers": of_places[begun],
        "often": often.astype(np.uint8),
        "paper offsets": np.searchsorted(begun, offsets).astype(np.uint32),
    }
    return {_prefix(field) + name: part for name, part in parts.items()}


def _prefix(field: int) -> str:
    return f"{field} "


def _slices(values: Array, offsets: Array, numbers: Numbers) -> Array:
    """The values of these surfaces, one after another."""
    if isinstance(numbers, range):
        return values[offsets[numbers.start] : offsets[numbers.stop]] if numbers else values[:0]
    starts, ends = offsets[numbers], offsets[numbers + 1]
    if len(numbers) < MANY:
        found = [values[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(found) if found else values[:0]
    sizes = (ends - starts).astype(np.int64)
    before = np.cumsum(sizes) - sizes
    return values[np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)]  # type: ignore[no-any-return]


def _count(offsets: Array, numbers: Numbers) -> int:
    if isinstance(numbers, range):
        return int(offsets[numbers.stop]) - int(offsets[numbers.start]) if numbers else 0
    return int(offsets[numbers + 1].sum(dtype=np.int64) - offsets[numbers].sum(dtype=np.int64))


def among(words: Array, numbers: Numbers) -> Array:
    """Which of the words are one of the surfaces."""
    if isinstance(numbers, range):
        inside: Array = (words >= numbers.start) & (words < numbers.stop)
        return inside
    return np.isin(words, numbers)


def _sorted_places(words: Array, size: int) -> tuple[Array, Array]:
    """The places of each word in order, and where in them each word's begin: a counting sort."""
    from scipy.sparse import csr_array  # slow to import, and most processes never need it

    count = len(words)
    table = csr_array(
        (np.ones(count, np.bool_), words.astype(np.int32), np.arange(count + 1, dtype=np.int32)),
        (count, size),
    ).tocsc()
    return table.indices, table.indptr
