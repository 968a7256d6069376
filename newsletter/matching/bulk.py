"""What each of very many readers gets, from the matches of distinct queries: by NumPy, in chunks.

`pick_bulk` gives row for row what `rank.pick_papers` gives. Where more papers match than a letter
holds the interests take turns, one round after another, for all readers of a chunk at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.base import Document
from newsletter.matching.rank import FURTHER_INTEREST, document_order, popularity

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CHUNK = 20_000  # readers at once, which bounds the memory


class Hits(NamedTuple):
    """What queries matched: those of query q at starts[q]..starts[q+1]-1.

    `papers` are places in the order of the edition (`rank.document_order`), not ids.
    """

    starts: Ints
    papers: Ints
    scores: Floats


class Readers(NamedTuple):
    """Whose interests: those of reader r at starts[r]..starts[r+1]-1, in the reader's order."""

    starts: Ints
    queries: Ints  # each at most once for a reader
    weights: Ints
    limits: Ints  # papers per letter, by reader


class Picks(NamedTuple):
    """Picked papers, reader after reader, best first: of reader r at starts[r]..starts[r+1]-1."""

    starts: Ints
    papers: Ints
    scores: Floats
    left_out: Ints  # by reader


class _Rows(NamedTuple):
    """A chunk's (reader, paper) pairs, each reader's best first, and the hits they come from."""

    readers: Ints
    scores: Floats
    papers: Ints
    hit_rows: Ints  # of each hit: its row; hits sorted by interest, then row
    hit_interests: Ints


def order_papers(documents: Sequence[Document]) -> tuple[list[Document], Floats]:
    """The papers in their order for equal scores, and what upvotes add to each."""
    ordered = sorted(documents, key=document_order)
    return ordered, np.array([popularity(document.upvotes) for document in ordered])


def pick_bulk(hits: Hits, readers: Readers, extra: Floats, chunk: int = CHUNK) -> Iterator[Picks]:
    """The picks of all readers, a chunk at a time; `extra` is added to a paper's score."""
    for first in range(0, len(readers.starts) - 1, chunk):
        last = min(first + chunk, len(readers.starts) - 1)
        yield _pick_chunk(hits, readers, first, last, extra)


def _pick_chunk(hits: Hits, readers: Readers, first: int, last: int, extra: Floats) -> Picks:
    number = last - first
    begin, end = readers.starts[first], readers.starts[last]
    rows = _rank(hits, readers, slice(first, last), slice(begin, end), extra)
    counts = np.bincount(rows.readers, minlength=number)
    limits = np.maximum(readers.limits[first:last], 0)
    keep = np.ones(len(rows.readers), dtype=bool)
    crowded = counts > limits
    if crowded.any():
        keep = ~crowded[rows.readers]
        sizes = np.diff(readers.starts[first : last + 1])
        _take_turns(rows, sizes, crowded, limits, keep)
    kept = np.minimum(counts, limits)
    starts = np.concatenate(([0], np.cumsum(kept)))
    return Picks(starts, rows.papers[keep], rows.scores[keep], counts - kept)


def _rank(hits: Hits, readers: Readers, who: slice, which: slice, extra: Floats) -> _Rows:
    """Every paper that matched, once for a reader, best first: as `rank.rank_papers`."""
    queries, weights = readers.queries[which], readers.weights[which]
    sizes = np.diff(readers.starts[who.start : who.stop + 1])
    reader_of = np.repeat(np.arange(len(sizes)), sizes)
    lengths = hits.starts[queries + 1] - hits.starts[queries]
    interests = np.repeat(np.arange(len(queries)), lengths)
    skipped = hits.starts[queries] - (np.cumsum(lengths) - lengths)
    at = np.arange(len(interests)) + skipped[interests]
    if not len(at):
        none = np.empty(0, dtype=np.int64)
        return _Rows(none, none.astype(np.float64), none, none, none)
    pairs = reader_of[interests] * len(extra) + hits.papers[at]
    scores = hits.scores[at] * weights[interests]
    by_pair = _sort_stably(pairs)
    pairs = pairs[by_pair]
    is_first = np.concatenate(([True], pairs[1:] != pairs[:-1]))
    begins = np.flatnonzero(is_first)
    best = np.maximum.reduceat(scores[by_pair], begins)
    further = np.diff(np.append(begins, len(pairs))) - 1
    row_readers, row_papers = np.divmod(pairs[begins], len(extra))
    row_scores = best + FURTHER_INTEREST * further + extra[row_papers]
    order = np.argsort(-row_scores, kind="stable")  # rows come by reader, then paper
    order = order[_sort_stably(row_readers[order])]
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    hit_rows = np.empty_like(by_pair)
    hit_rows[by_pair] = ranks[np.cumsum(is_first) - 1]
    return _Rows(row_readers[order], row_scores[order], row_papers[order], hit_rows, interests)


def _take_turns(
    rows: _Rows, sizes: Ints, crowded: NDArray[np.bool_], limits: Ints, keep: NDArray[np.bool_]
) -> None:
    """Marks in `keep` what the interests of the crowded readers take, in turns.

    `sizes` is how many interests each reader has. The first interests of all readers take a paper
    at once, then the second ones, and so on, until every letter is full.
    """
    owners = np.repeat(np.arange(len(sizes)), sizes)
    queued = crowded[owners[rows.hit_interests]]
    order = _sort_stably(rows.hit_rows[queued])
    order = order[_sort_stably(rows.hit_interests[queued][order])]
    queue = rows.hit_rows[queued][order]
    lengths = np.bincount(rows.hit_interests[queued], minlength=len(owners))
    ends = np.cumsum(lengths)
    heads = ends - lengths
    places = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    waiting = crowded[owners] & (lengths > 0)
    turns = [np.flatnonzero(waiting & (places == place)) for place in range(int(sizes.max()))]
    left = np.where(crowded, limits, 0)
    while left.any():
        for place, turn in enumerate(turns):
            turn = turn[left[owners[turn]] > 0]
            behind = turn
            while len(behind):  # past what other interests have taken
                behind = behind[heads[behind] < ends[behind]]
                behind = behind[keep[queue[heads[behind]]]]
                heads[behind] += 1
            turn = turn[heads[turn] < ends[turn]]
            keep[queue[heads[turn]]] = True
            heads[turn] += 1
            left[owners[turn]] -= 1
            turns[place] = turn


def _sort_stably(keys: Ints) -> Ints:
    """As argsort(kind="stable"), for keys from 0: NumPy sorts 16 bits at a time by counting."""
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    high = keys >> 16
    while high.any():
        order = order[np.argsort((high[order] & 0xFFFF).astype(np.uint16), kind="stable")]
        high = high >> 16
    return order
