"""What many readers get of the same editions, picked by arrays: `rank.pick_papers` for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from newsletter.matches import PackedHits
from newsletter.matching.base import Document
from newsletter.matching.bulk import (
    Floats,
    Hits,
    Ints,
    Picks,
    Readers,
    list_finders,
    order_papers,
    pick_bulk,
)
from newsletter.matching.rank import Pick, Picked
from subscribers.queries import Reader

Matches = Mapping[tuple[int, int], PackedHits]  # by edition and query


@dataclass(slots=True)
class Scores:
    """How well queries match the papers of some editions, kept from batch to batch.

    Papers are numbered as they come; `places` has by number the place in the order of the editions.
    """

    editions: tuple[int, ...]
    numbers: dict[int, int] = field(default_factory=dict)  # by paper id
    by_query: dict[int, Floats] = field(default_factory=dict)  # rows of a number and a score
    ids: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # by place
    places: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    extra: Floats = field(default_factory=lambda: np.zeros(0))  # by place

    def learn(self, query_id: int, matches: Matches, papers: Collection[int]) -> None:
        """Take in what a query matches among `papers`."""
        numbers = self.numbers
        found = {
            int(paper): score
            for edition in self.editions
            if (edition, query_id) in matches
            for paper, score in matches[edition, query_id].tolist()
        }
        rows = [
            (numbers.setdefault(paper, len(numbers)), score)
            for paper, score in found.items()
            if paper in papers
        ]
        self.by_query[query_id] = np.array(rows, np.float64).reshape(-1, 2)

    def order(self, documents: Mapping[int, Document]) -> None:
        """Put the papers in their order again, if some are new."""
        if len(self.places) == len(self.numbers):
            return
        ordered, self.extra = order_papers([documents[paper] for paper in self.numbers])
        self.ids = np.array([document.id for document in ordered], np.int64)
        self.places = np.empty(len(ordered), np.int64)
        self.places[[self.numbers[document.id] for document in ordered]] = np.arange(len(ordered))


def pick_many(
    readers: Sequence[Reader],
    scores: Scores,
    matches: Matches,
    documents: Mapping[int, Document],
    withdrawn: Collection[int] = (),
) -> list[Picked]:
    """Return each reader's picks, without reasons, and how many more matched.

    Papers that are `withdrawn` or not in `documents` are left out.
    """
    queries = list(dict.fromkeys([i.query_id for reader in readers for i in reader.interests]))
    fresh = [query for query in queries if query not in scores.by_query]
    if fresh:
        papers = documents.keys() - withdrawn
        for query in fresh:
            scores.learn(query, matches, papers)
    scores.order(documents)
    hits = _make_hits([scores.by_query[query] for query in queries], scores.places)
    wanted = _make_readers(readers, {query: n for n, query in enumerate(queries)})
    names = np.array(queries, np.int64)
    picked: list[Picked] = []
    for picks in pick_bulk(hits, wanted, scores.extra):
        picked += _list_picked(picks, scores.ids, names)
    return picked


def _make_hits(tables: Sequence[Floats], places: Ints) -> Hits:
    starts = np.concatenate(([0], np.cumsum([len(some) for some in tables]))).astype(np.int64)
    rows = np.concatenate(tables) if tables else np.zeros((0, 2))
    return Hits(starts, places[rows[:, 0].astype(np.int64)], rows[:, 1])


def _make_readers(readers: Sequence[Reader], numbers: Mapping[int, int]) -> Readers:
    interests = [interest for reader in readers for interest in reader.interests]
    counts = [len(reader.interests) for reader in readers]
    return Readers(
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.array([numbers[interest.query_id] for interest in interests], np.int64),
        np.array([interest.weight for interest in interests], np.int64),
        np.array([reader.papers_per_letter for reader in readers], np.int64),
    )


def _list_picked(picks: Picks, ids: Ints, names: Ints) -> list[Picked]:
    """Return the picks with the interests that found each paper, the strongest first."""
    finders = list_finders(picks)
    queries, begins = names[finders.queries].tolist(), finders.starts.tolist()
    papers, scores = ids[picks.papers].tolist(), picks.scores.tolist()
    starts = picks.starts.tolist()
    return [
        Picked(
            tuple(
                [
                    Pick(
                        papers[at],
                        scores[at],
                        at - start + 1,
                        queries[begins[at]],
                        tuple(queries[begins[at] + 1 : begins[at + 1]]),
                        (),
                    )
                    for at in range(start, end)
                ]
            ),
            left_out,
        )
        for start, end, left_out in zip(
            starts[:-1], starts[1:], picks.left_out.tolist(), strict=True
        )
    ]
