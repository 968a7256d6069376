"""Picking for very many readers at once gives row for row what picking for each gives."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.base import Document, Match
from newsletter.matching.bulk import Hits, Readers, list_finders, order_papers, pick_bulk
from newsletter.matching.rank import pick_papers
from tests.unit.matching.papers import make_document

Interests = list[tuple[int, int]]  # query, weight
Letter = tuple[list[tuple[int, float, list[int]]], int]  # paper, score, what found it; left out
PAPERS = 8
QUERIES = 6

documents = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(1, 3)),
    min_size=1,
    max_size=PAPERS,
).map(
    lambda rows: [
        make_document(
            id=90 - number,
            upvotes=upvotes,
            comments=comments,
            published_at=datetime(2026, 1, day, tzinfo=UTC),
        )
        for number, (upvotes, comments, day) in enumerate(rows)
    ]
)
scores = st.dictionaries(
    st.tuples(st.integers(0, QUERIES - 1), st.integers(0, PAPERS - 1)),
    st.sampled_from([2.0, 3.0, 4.0, 10.0, 13.0]),
)
interests = st.lists(
    st.tuples(st.integers(0, QUERIES - 1), st.sampled_from([1, 2])),
    unique_by=lambda one: one[0],
    max_size=QUERIES,
)
readers = st.lists(st.tuples(interests, st.integers(0, 5)), min_size=1, max_size=6)


def pick_each(
    documents: list[Document],
    scores: dict[tuple[int, int], float],
    readers: list[tuple[Interests, int]],
) -> list[Letter]:
    matches: dict[int, list[Match]] = {}
    for (query, paper), score in scores.items():
        if paper < len(documents):
            matches.setdefault(query, []).append(Match(documents[paper].id, score, ()))
    by_id = {document.id: document for document in documents}
    picked = [
        pick_papers(matches, dict(some), [query for query, _ in some], by_id, limit)
        for some, limit in readers
    ]
    return [
        ([(p.document_id, p.score, [p.interest_id, *p.also]) for p in one.picks], one.left_out)
        for one in picked
    ]


def pick_all(
    documents: list[Document],
    scores: dict[tuple[int, int], float],
    readers: list[tuple[Interests, int]],
    chunk: int,
) -> list[Letter]:
    ordered, extra = order_papers(documents)
    places = {document.id: place for place, document in enumerate(ordered)}
    rows = sorted(
        (query, places[documents[paper].id], score)
        for (query, paper), score in scores.items()
        if paper < len(documents)
    )
    counts = np.bincount([row[0] for row in rows] or [0], minlength=QUERIES) * bool(rows)
    hits = Hits(
        np.concatenate(([0], np.cumsum(counts))),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
    )
    wanted = Readers(
        np.cumsum([0, *(len(some) for some, _ in readers)]),
        np.array([query for some, _ in readers for query, _ in some], dtype=np.int64),
        np.array([weight for some, _ in readers for _, weight in some], dtype=np.int64),
        np.array([limit for _, limit in readers]),
    )
    result = []
    for picks in pick_bulk(hits, wanted, extra, chunk):
        begins, queries = (column.tolist() for column in list_finders(picks))
        finders = [queries[a:b] for a, b in pairwise(begins)]
        for first, last, left_out in zip(
            picks.starts[:-1], picks.starts[1:], picks.left_out, strict=True
        ):
            papers = [ordered[place].id for place in picks.papers[first:last]]
            rest = picks.scores[first:last].tolist()
            found = finders[first:last]
            result.append((list(zip(papers, rest, found, strict=True)), int(left_out)))
    return result


@given(documents, scores, readers, st.integers(1, 4))
@settings(deadline=None, max_examples=200)
def test_it_picks_for_all_what_it_picks_for_each(
    documents: list[Document],
    scores: dict[tuple[int, int], float],
    readers: list[tuple[Interests, int]],
    chunk: int,
) -> None:
    assert pick_all(documents, scores, readers, chunk) == pick_each(documents, scores, readers)
