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
CHUNK = 20_000  # readers at once,
CELLS = 300_000  # and readers times papers, which bounds the memory


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


class Rows(NamedTuple):
    """A chunk's (reader, paper) pairs, each reader's best first, and the hits they come from.

    Those that no letter can have are not among them; `counts` counts them all, by reader.
    """

    readers: Ints
    scores: Floats
    papers: Ints
    hit_rows: Ints  # of each hit: its row; hits sorted by interest
    hit_interests: Ints
    hit_scores: Floats
    counts: Ints


class Picks(NamedTuple):
    """Picked papers, reader after reader, best first: of reader r at starts[r]..starts[r+1]-1."""

    starts: Ints
    papers: Ints
    scores: Floats
    left_out: Ints  # by reader
    rows: Rows
    kept: NDArray[np.bool_]  # which of the rows were picked
    queries: Ints  # of the chunk's interests


class Finders(NamedTuple):
    """The queries that found each pick: those of pick p at starts[p]..starts[p+1]-1."""

    starts: Ints
    queries: Ints


def order_papers(documents: Sequence[Document]) -> tuple[list[Document], Floats]:
    """The papers in their order for equal scores, and what upvotes add to each."""
    ordered = sorted(documents, key=document_order)
    return ordered, np.array([popularity(document.upvotes) for document in ordered])


def pick_bulk(hits: Hits, readers: Readers, extra: Floats, chunk: int = CHUNK) -> Iterator[Picks]:
    """The picks of all readers, a chunk at a time; `extra` is added to a paper's score."""
    chunk = max(1, min(chunk, CELLS // max(1, len(extra))))
    for first in range(0, len(readers.starts) - 1, chunk):
        yield _pick_chunk(hits, _slice(readers, first, first + chunk), extra)


def list_finders(picks: Picks) -> Finders:
    """The queries that found each pick, the strongest first, equals in the reader's order."""
    rows = picks.rows
    some = picks.kept[rows.hit_rows]
    row, strength = rows.hit_rows[some], rows.hit_scores[some]
    order = np.argsort(row, kind="stable")
    counts = np.bincount(row, minlength=len(picks.kept))
    several = np.flatnonzero(counts[row[order]] > 1)
    those = order[several]
    order[several] = those[np.lexsort((-strength[those], row[those]))]
    starts = np.concatenate(([0], np.cumsum(counts[picks.kept])))
    return Finders(starts, picks.queries[rows.hit_interests[some][order]])


def _slice(readers: Readers, first: int, last: int) -> Readers:
    starts = readers.starts[first : last + 1]
    which = slice(starts[0], starts[-1])
    limits = np.maximum(readers.limits[first:last], 0)
    return Readers(starts - starts[0], readers.queries[which], readers.weights[which], limits)


def _pick_chunk(hits: Hits, readers: Readers, extra: Floats) -> Picks:
    rows = _rank(hits, readers, extra)
    keep = np.ones(len(rows.readers), dtype=bool)
    crowded = rows.counts > readers.limits
    if crowded.any():
        keep = ~crowded[rows.readers]
        _take_turns(rows, np.diff(readers.starts), crowded, readers.limits, keep)
    kept = np.minimum(rows.counts, readers.limits)
    starts = np.concatenate(([0], np.cumsum(kept)))
    left_out = rows.counts - kept
    papers, scores = rows.papers[keep], rows.scores[keep]
    return Picks(starts, papers, scores, left_out, rows, keep, readers.queries)


def _rank(hits: Hits, readers: Readers, extra: Floats) -> Rows:
    """The papers that matched, once for a reader, best first: as `rank.rank_papers`.

    A table has a cell for each reader and paper. Of the papers that an interest matched no letter
    has one below as many others as it holds; so many are at least as good as the worst of the
    interest's first ones is by itself.
    """
    queries, sizes = readers.queries, np.diff(readers.starts)
    reader_of = np.repeat(np.arange(len(sizes)), sizes)
    lengths = hits.starts[queries + 1] - hits.starts[queries]
    begins = np.cumsum(lengths) - lengths
    interests = np.repeat(np.arange(len(queries)), lengths)
    at = np.arange(len(interests)) + (hits.starts[queries] - begins)[interests]
    papers = hits.papers[at]
    scores = hits.scores[at] * readers.weights[interests]
    cells = (reader_of * len(extra))[interests] + papers
    times = np.bincount(cells, minlength=len(sizes) * len(extra))
    counts = np.count_nonzero(times.reshape(len(sizes), len(extra)), axis=1)
    totals = _find_best(cells, scores, len(times)) + FURTHER_INTEREST * (times - 1)
    totals = (totals.reshape(counts.size, len(extra)) + extra).ravel()
    needed = _find_least(scores + extra[papers], begins, lengths, readers.limits[reader_of])
    chosen = np.zeros(len(times), dtype=bool)
    chosen[cells[totals[cells] >= needed[interests]]] = True
    some = np.flatnonzero(chosen[cells])
    rows = np.flatnonzero(chosen)  # by reader, then paper
    row_scores = totals[rows]
    row_readers, row_papers = np.divmod(rows, len(extra))
    order = _order_within(row_readers, row_scores)
    ranks = np.zeros(len(times), np.int64)
    ranks[rows[order]] = np.arange(len(rows))
    return Rows(
        row_readers[order],
        row_scores[order],
        row_papers[order],
        ranks[cells[some]],
        interests[some],
        scores[some],
        counts,
    )


def _find_best(cells: Ints, scores: Floats, number: int) -> Floats:
    """The highest score of each cell: as `np.maximum.at`, which takes ten times as long."""
    best = np.zeros(number)
    while len(cells):
        best[cells] = scores  # of those of one cell the last
        higher = scores > best[cells]
        cells, scores = cells[higher], scores[higher]
    return best


def _order_within(groups: Ints, scores: Floats) -> Ints:
    """The order by group, then best first, of equals as they stand: sorted as one whole number."""
    number = len(scores)
    order = np.argsort(-scores)
    levels = np.empty(number, np.int64)
    levels[order] = np.cumsum(np.diff(scores[order], prepend=np.inf) != 0)
    ordered: Ints = np.sort((groups * (number + 1) + levels) * number + np.arange(number))
    return ordered % number if number else ordered


def _find_least(alone: Floats, begins: Ints, lengths: Ints, limits: Ints) -> Floats:
    """What a paper needs, by interest, to be among as many as a letter holds: -inf if any is.

    `alone` is what each hit of an interest makes of its paper by itself.
    """
    least = np.full(len(begins), -np.inf)
    least[limits == 0] = np.inf
    long = np.flatnonzero((lengths >= limits) & (limits > 0))
    if len(long):
        ends = np.column_stack((begins[long], begins[long] + limits[long])).ravel()
        least[long] = np.minimum.reduceat(np.append(alone, np.inf), ends)[::2]
    return least


def _take_turns(
    rows: Rows, sizes: Ints, crowded: NDArray[np.bool_], limits: Ints, keep: NDArray[np.bool_]
) -> None:
    """Marks in `keep` what the interests of the crowded readers take, in turns.

    `sizes` is how many interests each reader has. The first interests of all readers take a paper
    at once, then the second ones, and so on, until every letter is full.
    """
    owners = np.repeat(np.arange(len(sizes)), sizes)
    queued = crowded[owners[rows.hit_interests]]
    number = max(1, len(rows.readers))
    queue = np.sort(rows.hit_interests[queued] * number + rows.hit_rows[queued]) % number
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
