"""Where phrases, prefixes and chains stand in one field of many papers, all papers at once.

The rules are those of `phrases`, over the arrays of a `Stream`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from newsletter.matching.lexicon import Lexicon
from newsletter.matching.packs import Array
from newsletter.matching.phrases import MAX_PARTS, Chain, Pattern, Phrase, Prefix
from newsletter.matching.steps import on_the_way, walk
from newsletter.matching.streams import Numbers, Stream

_FEW_LETTERS = 8  # a key of fewer is cut only in two


class Hits(NamedTuple):
    """Where a pattern stands: words that are it, and places of several words."""

    numbers: Numbers
    starts: Array
    ends: Array


def find_hits(stream: Stream, way: Pattern) -> Hits:
    """Where the pattern stands, as the index of interests finds it; of a chain no ends."""
    if isinstance(way, Phrase):
        return _phrase(stream, way, _most_words(way))
    if len(way.units) == 1:
        return _lone(stream, way)
    starts = _chain(stream, way)
    return Hits(range(0), starts, starts)


def papers_with(stream: Stream, hits: Hits) -> Array:
    """A mask over papers: whether they have one of the hits."""
    mask = stream.having(hits.numbers)
    mask[stream.paper_of[hits.starts]] = True
    return mask


def find_prefix(stream: Stream, prefix: Prefix) -> Hits:
    """Where words begin so, as one word or cut into several."""
    key, size = prefix.key, len(prefix.key)
    whole: Numbers = stream.lexicon.beginning(key)
    steps: dict[int, list[tuple[int, Numbers]]] = {}
    for at, end, numbers in stream.lexicon.lowers_in(key):
        if end < size:
            steps.setdefault(at, []).append((end, numbers))
    for at in {end for some in steps.values() for end, _ in some}:
        last = stream.lexicon.beginning(key[at:])
        if len(last):
            steps.setdefault(at, []).append((size, last))
    steps = on_the_way(steps, size, MAX_PARTS)
    starts, ends = walk(stream, steps, size, MAX_PARTS, prefix.cuts)
    if prefix.capitals:
        whole = np.array([n for n in whole if _is_written(stream.lexicon, prefix, (n,))], np.uint32)
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        good = [
            _is_written(stream.lexicon, prefix, stream.words(np.arange(*two)).tolist())
            for two in pairs
        ]
        kept = np.array(good, np.bool_)
        starts, ends = starts[kept], ends[kept]
    return Hits(whole, starts, ends)


def _lone(stream: Stream, way: Chain) -> Hits:
    unit = way.units[0]
    if isinstance(unit, Prefix):
        return find_prefix(stream, unit)
    hits = _phrase(stream, unit, len(unit.key))
    starts = np.concatenate((stream.places(hits.numbers), hits.starts))
    return Hits(range(0), _anchored(stream, way, starts), starts[:0])


def _phrase(stream: Stream, phrase: Phrase, most: int) -> Hits:
    """The places of a phrase of at most so many words."""
    size = len(phrase.key)
    whole: Numbers = range(0)
    steps: dict[int, list[tuple[int, Numbers]]] = {}
    for at, end, surfaces in stream.lexicon.forms_in(phrase.key):
        numbers: Numbers = surfaces
        if phrase.capitals:
            numbers = _allowed(stream.lexicon, phrase, at, end, surfaces)
        if end - at == size:
            whole = numbers
        elif len(numbers):
            steps.setdefault(at, []).append((end, numbers))
    steps = on_the_way(steps, size, most)
    return Hits(whole, *walk(stream, steps, size, most, phrase.cuts))


def _allowed(lexicon: Lexicon, phrase: Phrase, at: int, end: int, numbers: range) -> Array:
    """Which of the surfaces have the capitals that key[at:end] asks for."""
    allowed = list(numbers)
    for start, acronym in phrase.capitals:
        low, high = max(start, at), min(start + len(acronym), end)
        if low < high:
            wanted = acronym[low - start : high - start]
            allowed = [
                number
                for number in allowed
                if lexicon.capitals(number)[low - at : high - at] == wanted
            ]
    return np.array(allowed, np.uint32)


def _is_written(lexicon: Lexicon, prefix: Prefix, words: Sequence[int]) -> bool:
    written = "".join(map(lexicon.surface, words)).replace("'", "")
    return written.startswith(prefix.capitals)


def _chain(stream: Stream, chain: Chain) -> Array:
    """First words of the places of a chain of several units."""
    units = [
        _phrase(stream, unit, len(unit.key))
        if isinstance(unit, Phrase)
        else find_prefix(stream, unit)
        for unit in chain.units
    ]
    common = np.logical_and.reduce([papers_with(stream, hits) for hits in units])
    if not common.any():
        return stream.places(range(0))
    linked = _linked(stream, [_within(stream, hits, common) for hits in units], chain.slack)
    return _anchored(stream, chain, linked)


def _within(stream: Stream, hits: Hits, papers: Array) -> tuple[Array, Array]:
    """First words and ends of the places in these papers."""
    single = stream.places_in(hits.numbers, papers)
    kept = papers[stream.paper_of[hits.starts]]
    return (
        np.concatenate((single, hits.starts[kept])),
        np.concatenate((single + 1, hits.ends[kept])),
    )


def _anchored(stream: Stream, chain: Chain, found: Array) -> Array:
    anchor = chain.anchor
    if isinstance(anchor, Phrase) and _most_words(anchor) < len(anchor.key):
        found = found[_in_texts_with(stream, anchor.key, found)]
    return found


def _linked(stream: Stream, units: Sequence[tuple[Array, Array]], slack: int) -> Array:
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
            open_ = (gone + gap < slack) & ~stream.lexicon.is_stop(stream.words(at))
            here, at, gone = here[open_], at[open_] + 1, gone[open_]
        starts, ends, used = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.lexsort((used, ends, starts))
        starts, ends, used = starts[order], ends[order], used[order]
        new = np.ones(len(starts), np.bool_)
        new[1:] = (np.diff(starts) != 0) | (np.diff(ends) != 0)
        starts, ends, used = starts[new], ends[new], used[new]
    return starts


def _in_texts_with(stream: Stream, key: str, places: Array) -> Array:
    """Which places are in a text where `key` stands as one word or as two, however joined.

    The index of interests looks for a chain only where its anchor is found so.
    """
    hits = _phrase(stream, Phrase(key, tuple(range(1, len(key)))), 2)
    starts, _ = _within(stream, hits, stream.papers(places))
    texts = np.searchsorted(stream.text_ends, starts)
    return np.isin(np.searchsorted(stream.text_ends, places), texts)


def _most_words(phrase: Phrase) -> int:
    """Into how many words a text may cut a phrase: a short key only into two, unless so typed."""
    size = len(phrase.key)
    return size if size >= _FEW_LETTERS or len(phrase.cuts) >= 2 else 2
