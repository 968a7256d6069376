"""What many readers get of the same editions, picked by arrays: `rank.pick_papers` for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from newsletter.matching.base import Document, Match
from newsletter.matching.bulk import Hits, Picks, Readers, order_papers, pick_bulk
from newsletter.matching.rank import Pick, Picked
from subscribers.queries import Reader

Matches = Mapping[tuple[int, int], Sequence[Match]]  # by edition and query


@dataclass(slots=True)
class Scores:
    """How well queries match the papers of some editions: {paper id: score} by query, kept."""

    editions: tuple[int, ...]
    by_query: dict[int, dict[int, float]] = field(default_factory=dict)

    def of(self, query_id: int, matches: Matches) -> dict[int, float]:
        """Return {paper id: score} of a query."""
        found = self.by_query.get(query_id)
        if found is None:
            found = self.by_query[query_id] = {
                match.document_id: match.score
                for edition in self.editions
                for match in matches.get((edition, query_id), ())
            }
        return found


def pick_many(
    readers: Sequence[Reader],
    scores: Scores,
    matches: Matches,
    documents: Mapping[int, Document],
) -> list[Picked]:
    """Return each reader's picks, without reasons, and how many more matched."""
    queries = list(dict.fromkeys(i.query_id for reader in readers for i in reader.interests))
    tables = [scores.of(query, matches) for query in queries]
    found = list(dict.fromkeys(paper for table in tables for paper in table if paper in documents))
    ordered, extra = order_papers([documents[paper] for paper in found])
    places = {document.id: place for place, document in enumerate(ordered)}
    hits = _make_hits(tables, places)
    wanted = _make_readers(readers, {query: n for n, query in enumerate(queries)})
    picked: list[Picked] = []
    for picks in pick_bulk(hits, wanted, extra):
        some = readers[len(picked) : len(picked) + len(picks.left_out)]
        ids = [ordered[place].id for place in picks.papers.tolist()]
        picked += _name_interests(some, picks, ids, scores.by_query)
    return picked


def _make_hits(tables: Sequence[Mapping[int, float]], places: Mapping[int, int]) -> Hits:
    known = [[(places[p], s) for p, s in table.items() if p in places] for table in tables]
    starts = np.concatenate(([0], np.cumsum([len(some) for some in known]))).astype(np.int64)
    flat = [pair for some in known for pair in some]
    papers = np.array([place for place, _ in flat], np.int64)
    return Hits(starts, papers, np.array([score for _, score in flat], np.float64))


def _make_readers(readers: Sequence[Reader], numbers: Mapping[int, int]) -> Readers:
    interests = [interest for reader in readers for interest in reader.interests]
    counts = [len(reader.interests) for reader in readers]
    return Readers(
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.array([numbers[interest.query_id] for interest in interests], np.int64),
        np.array([interest.weight for interest in interests], np.int64),
        np.array([reader.papers_per_letter for reader in readers], np.int64),
    )


def _name_interests(
    readers: Sequence[Reader],
    picks: Picks,
    papers: Sequence[int],
    by_query: Mapping[int, Mapping[int, float]],
) -> list[Picked]:
    """Return the picks with the interests that found each paper, the strongest first."""
    found = []
    starts, scores, left = picks.starts.tolist(), picks.scores.tolist(), picks.left_out.tolist()
    for number, reader in enumerate(readers):
        interests = [(i.query_id, i.weight, by_query[i.query_id]) for i in reader.interests]
        own = []
        for rank, at in enumerate(range(starts[number], starts[number + 1]), 1):
            paper = papers[at]
            strengths = [
                (-table[paper] * weight, query)
                for query, weight, table in interests
                if paper in table
            ]
            strengths.sort(key=_strength)  # stable: of equal ones the reader's order counts
            first, *also = [query for _, query in strengths]
            own.append(Pick(paper, scores[at], rank, first, tuple(also), ()))
        found.append(Picked(tuple(own), left[number]))
    return found


def _strength(one: tuple[float, int]) -> float:
    return one[0]
