"""Where words, phrases and chains stand in one field of many papers, all papers at once.

The rules are those of `phrases`, over arrays: a place is the number of a word in the stream. What
papers a word is in, and how often, is kept beside its places; places are looked at only in papers
that have every word that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from newsletter.matching.lexicon import Arrays, Lexicon
from newsletter.matching.packs import Array
from newsletter.matching.phrases import MAX_PARTS, Chain, Pattern, Phrase, Prefix

_FEW_LETTERS = 8
MOST_COUNTED = 255  # of a word in a paper; more are as many
_WORTH = 2  # a place that is looked up costs as much as so many words that are read in order
_MANY = 48  # surfaces: where papers have any of so many is not worth to be told beforehand
Numbers = range | Array  # surfaces; a range where they are side by side
_Steps = Mapping[int, list[tuple[int, Numbers]]]  # from a letter of a key to (a letter, words)


class Hits(NamedTuple):
    """Where a pattern stands: words that are it, and places of several words."""

    numbers: Numbers
    starts: Array
    ends: Array


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

    def named(self, part: str) -> tuple[Array, Array]:
        """Where a part of a name stands, and where a run begins that may be it without hyphens."""
        head = part.removesuffix("*")
        runs = self._prefix(Prefix(head, tuple(range(len(part)))))
        begun = np.concatenate((self.places(runs.numbers), runs.starts))
        whole = self.lexicon.with_lower(part) if part == head else self.lexicon.beginning(head)
        return self.places(whole), begun[self.joined(begun)]

    def text(self, first: int, last: int) -> str:
        """Words first..last-1 as they may have been written."""
        codes = self.codes[first:last].tolist()
        return "".join(
            self.lexicon.surface(code >> 1) + ("-" if code & 1 else " ") for code in codes
        )

    def hits(self, way: Pattern) -> Hits:
        """Where the pattern stands, as the index of interests finds it; of a chain no ends."""
        if isinstance(way, Phrase):
            return self._phrase(way, _most_words(way))
        if len(way.units) == 1:
            return self._lone(way)
        starts = self._chain(way)
        return Hits(range(0), starts, starts)

    def mask(self, hits: Hits) -> Array:
        """The papers that have one of the hits."""
        mask = self.having(hits.numbers)
        mask[self.paper_of[hits.starts]] = True
        return mask

    def _lone(self, way: Chain) -> Hits:
        unit = way.units[0]
        if isinstance(unit, Prefix):
            return self._prefix(unit)
        hits = self._phrase(unit, len(unit.key))
        starts = np.concatenate((self.places(hits.numbers), hits.starts))
        return Hits(range(0), self._anchored(way, starts), starts[:0])

    def _phrase(self, phrase: Phrase, most: int) -> Hits:
        """The places of a phrase of at most so many words."""
        size = len(phrase.key)
        whole: Numbers = range(0)
        steps: dict[int, list[tuple[int, Numbers]]] = {}
        for at, end, surfaces in self.lexicon.forms_in(phrase.key):
            numbers: Numbers = surfaces
            if phrase.capitals:
                numbers = self._allowed(phrase, at, end, surfaces)
            if end - at == size:
                whole = numbers
            elif len(numbers):
                steps.setdefault(at, []).append((end, numbers))
        steps = _on_the_way(steps, size, most)
        return Hits(whole, *self._walk(steps, size, most, phrase.cuts))

    def _walk(
        self, steps: _Steps, size: int, most: int, cuts: Sequence[int]
    ) -> tuple[Array, Array]:
        """First words and ends of the places of several words that go all steps of a key."""
        papers = self._with_steps(steps, size)
        found: list[tuple[Array, int]] = []
        begun: dict[int, Array | None] = {0: None} if papers is not None else {}
        for words in range(most):
            reached: dict[int, list[Array]] = {}
            for at, starts in begun.items():
                for end, numbers in steps.get(at, ()):
                    if starts is None:
                        following = [others for _, others in steps.get(end, ())]
                        some = self._followed(numbers, following, papers)
                    else:
                        some = starts[_among(self.words(starts + words), numbers)]
                    if len(some):
                        reached.setdefault(end, []).append(some)
            found.extend((starts, words + 1) for starts in reached.pop(size, []))
            kept = {
                at: self._may_end(np.concatenate(some), words, at in cuts)
                for at, some in reached.items()
            }
            begun = {at: starts for at, starts in kept.items() if len(starts)}
            if not begun:
                break
        return _ranges(found)

    def _with_steps(self, steps: _Steps, size: int) -> Array | None:
        """The papers that may have words for all steps of a key; None if there are none."""
        reached: dict[int, Array] = {}
        for at in sorted(steps):
            if at and (at not in reached or not reached[at].any()):
                continue
            for end, numbers in steps[at]:
                if at and len(numbers) > _MANY:
                    papers = reached[at]
                else:
                    papers = self.having(numbers)
                    if at:
                        papers &= reached[at]
                reached[end] = reached[end] | papers if end in reached else papers
        last = reached.get(size)
        return last if last is not None and last.any() else None

    def _places_in(self, numbers: Numbers, papers: Array | None) -> Array:
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
        found = all_places[_among(self.words(all_places), numbers)]
        return found.astype(self._order.dtype)  # type: ignore[no-any-return]

    def _followed(
        self, numbers: Numbers, following: Sequence[Numbers], papers: Array | None
    ) -> Array:
        """Where surfaces stand in these papers, at least where one of `following` comes next."""
        often = sum(_count(self._offsets, others) for others in following)
        if _count(self._offsets, numbers) <= often * _WORTH:
            return self._places_in(numbers, papers)
        after = np.concatenate([self._places_in(others, papers) for others in following])
        before = after[after > 0] - 1
        return before[_among(self.words(before), numbers)]

    def _allowed(self, phrase: Phrase, at: int, end: int, numbers: range) -> Array:
        """Which of the surfaces have the capitals that key[at:end] asks for."""
        allowed = list(numbers)
        for start, acronym in phrase.capitals:
            low, high = max(start, at), min(start + len(acronym), end)
            if low < high:
                wanted = acronym[low - start : high - start]
                allowed = [
                    number
                    for number in allowed
                    if self.lexicon.capitals(number)[low - at : high - at] == wanted
                ]
        return np.array(allowed, np.uint32)

    def _may_end(self, starts: Array, size: int, cut: bool) -> Array:
        """Which of `starts` may be cut after the word `size`: as typed, or where words join."""
        if cut or not len(starts):
            return starts
        last = starts + size
        loose = self.lexicon.loose
        joins = self.joined(last)
        rest = np.flatnonzero(~joins)
        rest = rest[loose[self.words(last[rest])]]
        joins[rest] = loose[self.words(last[rest] + 1)]
        kept: Array = starts[joins]
        return kept

    def _prefix(self, prefix: Prefix) -> Hits:
        """The words that begin so."""
        key, size = prefix.key, len(prefix.key)
        whole: Numbers = self.lexicon.beginning(key)
        steps: dict[int, list[tuple[int, Numbers]]] = {}
        for at, end, numbers in self.lexicon.lowers_in(key):
            if end < size:
                steps.setdefault(at, []).append((end, numbers))
        for at in {end for some in steps.values() for end, _ in some}:
            last = self.lexicon.beginning(key[at:])
            if len(last):
                steps.setdefault(at, []).append((size, last))
        steps = _on_the_way(steps, size, MAX_PARTS)
        starts, ends = self._walk(steps, size, MAX_PARTS, prefix.cuts)
        if prefix.capitals:
            whole = np.array([n for n in whole if self._is_written(prefix, (n,))], np.uint32)
            pairs = zip(starts.tolist(), ends.tolist(), strict=True)
            good = [self._is_written(prefix, self.words(np.arange(*two)).tolist()) for two in pairs]
            kept = np.array(good, np.bool_)
            starts, ends = starts[kept], ends[kept]
        return Hits(whole, starts, ends)

    def _is_written(self, prefix: Prefix, words: Sequence[int]) -> bool:
        written = "".join(map(self.lexicon.surface, words)).replace("'", "")
        return written.startswith(prefix.capitals)

    def _chain(self, chain: Chain) -> Array:
        """First words of the places of a chain of several units."""
        units = [
            self._phrase(unit, len(unit.key)) if isinstance(unit, Phrase) else self._prefix(unit)
            for unit in chain.units
        ]
        common = np.logical_and.reduce([self.mask(hits) for hits in units])
        if not common.any():
            return self._order[:0]
        linked = self._linked([self._within(hits, common) for hits in units], chain.slack)
        return self._anchored(chain, linked)

    def _within(self, hits: Hits, papers: Array) -> tuple[Array, Array]:
        """First words and ends of the places in these papers."""
        single = self._places_in(hits.numbers, papers)
        kept = papers[self.paper_of[hits.starts]]
        return (
            np.concatenate((single, hits.starts[kept])),
            np.concatenate((single + 1, hits.ends[kept])),
        )

    def _anchored(self, chain: Chain, found: Array) -> Array:
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
                open_ = (gone + gap < slack) & ~self.lexicon.is_stop(self.words(at))
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
        hits = self._phrase(Phrase(key, tuple(range(1, len(key)))), 2)
        starts, _ = self._within(hits, self.papers(places))
        texts = np.searchsorted(self._text_ends, starts)
        return np.isin(np.searchsorted(self._text_ends, places), texts)

    @cached_property
    def _text_ends(self) -> Array:
        return self.text_ends()


def compile_stream(codes: Array, lengths: Array, surfaces: int) -> dict[str, Array]:
    """The arrays of a `Stream`: its codes, the words of each paper, how many surfaces there are."""
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
    return {
        "codes": codes,
        "starts": starts,
        "paper of": paper_of,
        "order": order.astype(np.uint32),
        "offsets": offsets.astype(np.uint32),
        "papers": of_places[begun],
        "often": often.astype(np.uint8),
        "paper offsets": np.searchsorted(begun, offsets).astype(np.uint32),
    }


def _on_the_way(
    steps: Mapping[int, list[tuple[int, Numbers]]], size: int, most: int
) -> dict[int, list[tuple[int, Numbers]]]:
    """The steps that lead from the first letter of a key to its end in at most so many words."""
    before = {0: 0}  # the fewest words to a letter, and from it to the end
    after = {size: 0}
    for at in sorted(steps):
        if at in before:
            for end, _ in steps[at]:
                before[end] = min(before.get(end, size), before[at] + 1)
    for at in sorted(steps, reverse=True):
        ways = [after[end] + 1 for end, _ in steps[at] if end in after]
        if ways:
            after[at] = min(ways)
    kept: dict[int, list[tuple[int, Numbers]]] = {}
    for at, some in steps.items():
        for end, numbers in some:
            if at in before and end in after and before[at] + 1 + after[end] <= most:
                kept.setdefault(at, []).append((end, numbers))
    return kept


def _most_words(phrase: Phrase) -> int:
    """Into how many words a text may cut a phrase: a short key only into two, unless so typed."""
    size = len(phrase.key)
    return size if size >= _FEW_LETTERS or len(phrase.cuts) >= 2 else 2


def _ranges(found: Sequence[tuple[Array, int]]) -> tuple[Array, Array]:
    starts = [some for some, _ in found] or [np.zeros(0, np.uint32)]
    ends = [some + size for some, size in found] or [np.zeros(0, np.uint32)]
    return np.concatenate(starts), np.concatenate(ends)


def _slices(values: Array, offsets: Array, numbers: Numbers) -> Array:
    """The values of these surfaces, one after another."""
    if isinstance(numbers, range):
        return values[offsets[numbers.start] : offsets[numbers.stop]] if numbers else values[:0]
    starts, ends = offsets[numbers], offsets[numbers + 1]
    if len(numbers) < _MANY:
        found = [values[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(found) if found else values[:0]
    sizes = (ends - starts).astype(np.int64)
    before = np.cumsum(sizes) - sizes
    return values[np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)]  # type: ignore[no-any-return]


def _count(offsets: Array, numbers: Numbers) -> int:
    if isinstance(numbers, range):
        return int(offsets[numbers.stop]) - int(offsets[numbers.start]) if numbers else 0
    return int(offsets[numbers + 1].sum(dtype=np.int64) - offsets[numbers].sum(dtype=np.int64))


def _among(words: Array, numbers: Numbers) -> Array:
    """Which of the words are one of the surfaces."""
    if isinstance(numbers, range):
        among: Array = (words >= numbers.start) & (words < numbers.stop)
        return among
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
