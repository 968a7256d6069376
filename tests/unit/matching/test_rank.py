"""Scores, the total order, and which papers a reader gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.matching.base import Document, Match, Reason
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.matching.rank import document_order, pick_papers, popularity, rank_papers
from tests.unit.matching.papers import make_document

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def score(text: str, document: Document) -> float:
    matches = match_query(parse_query(text), [document])
    return matches[0].score if matches else 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lazy", 10 + 3),  # title and abstract
        ("rich", 3 + 1),  # twice in the abstract
        ("grokking", 3 + 2),  # four times: at most two more
        ("vision", 5),  # keyword
        ("author:lima", 12),
        ("org:meta", 6),
        ("cat:cs", 2),
        ("lazy OR rich", 13 + 4),  # every atom that is found
        ("rich AND author:lima -nothing", 4 + 12),
        ("RL", 10 + 3 + 1),  # synonyms share: twice spelt out, once as an acronym
        ("absent", 0),
    ],
)
def test_it_scores(text: str, expected: float) -> None:
    document = make_document(
        "Lazy lazy RL",
        "Rich and lazy. Rich RL is reinforcement learning, reinforcement learning. "
        "Grokking, grokking, grokking, grokking.",
        keywords=("vision", "computer vision"),
        authors=("Ana Lima",),
        categories=("cs.AI", "cs.LG"),
        organizations=("AI-at-Meta", "Meta AI"),
    )
    assert score(text, document) == expected


@pytest.mark.parametrize(
    ("upvotes", "extra"), [(0, 0), (1, 0.5), (3, 1), (63, 3), (9999, 3), (-1, 0)]
)
def test_it_adds_little_for_popularity(upvotes: int, extra: float) -> None:
    assert popularity(upvotes) == extra


def test_it_orders_totally() -> None:
    ordered = [
        make_document("Lazy", id=9, upvotes=2, comments=0),
        make_document("Lazy", id=8, upvotes=1, comments=5),
        make_document("Lazy", id=7, upvotes=1, comments=1, published_at=DAY + timedelta(1)),
        make_document("Lazy", id=1, upvotes=1, comments=1, published_at=DAY),
        make_document("Lazy", id=2, upvotes=1, comments=1, published_at=DAY.replace(tzinfo=None)),
        make_document("Lazy", id=3, upvotes=1, comments=1, published_at=None),
    ]
    assert sorted(ordered, key=document_order) == ordered
    for documents in (ordered, ordered[::-1]):
        matches = match_query(parse_query("lazy"), documents)
        assert [match.document_id for match in matches] == [one.id for one in ordered]


def make_match(document_id: int, points: float = 10) -> Match:
    return Match(document_id, points, (Reason("title", "x", 0, 1, f"a{points}"),))


def make_documents(*ids: int) -> dict[int, Document]:
    return {number: make_document("x", id=number) for number in ids}


def test_it_ranks_a_paper_of_several_interests_once_and_higher() -> None:
    matches = {1: [make_match(5), make_match(6)], 2: [make_match(6, 3)], 3: [make_match(6, 4)]}
    first, second = rank_papers(matches, {}, [1, 2, 3], make_documents(5, 6))
    assert (first.document_id, first.score, first.rank) == (6, 12, 1)
    assert (first.interest_id, first.also) == (1, (3, 2))
    assert [reasons[0].atom for reasons in first.reasons] == ["a10", "a4", "a3"]
    assert (second.document_id, second.score, second.also) == (5, 10, ())


def test_it_counts_the_weight_of_an_interest() -> None:
    matches = {1: [make_match(5, 10)], 2: [make_match(6, 6)]}
    ranked = rank_papers(matches, {2: 2}, [1, 2], make_documents(5, 6))
    assert [(pick.document_id, pick.score) for pick in ranked] == [(6, 12), (5, 10)]


def test_it_does_not_let_a_broad_interest_starve_a_narrow_one() -> None:
    broad = [make_match(number, 15) for number in range(1, 30)]
    matches = {1: broad, 2: [make_match(50, 3), make_match(51, 3)]}
    picked = pick_papers(matches, {}, [1, 2], make_documents(*range(1, 60)), 5)
    assert [pick.document_id for pick in picked.picks] == [1, 2, 3, 50, 51]
    assert [pick.rank for pick in picked.picks] == [1, 2, 3, 4, 5]
    assert picked.left_out == 26


def test_it_takes_all_where_all_fit() -> None:
    matches = {1: [make_match(1)], 2: [make_match(2)]}
    picked = pick_papers(matches, {}, [1, 2], make_documents(1, 2), 10)
    assert (len(picked.picks), picked.left_out) == (2, 0)


def test_it_takes_none_where_none_are_wanted() -> None:
    assert pick_papers({1: [make_match(1)]}, {}, [1], make_documents(1), 0).left_out == 1
    assert pick_papers({}, {}, [], {}, 10).picks == ()


MATCHES = st.dictionaries(
    st.integers(1, 5),
    st.dictionaries(st.integers(1, 12), st.sampled_from([3.0, 4, 10, 13, 15])).map(
        lambda found: [make_match(number, points) for number, points in found.items()]
    ),
)


@given(MATCHES, st.dictionaries(st.integers(1, 5), st.integers(1, 2)), st.integers(0, 8))
def test_it_picks_fairly(
    matches: dict[int, list[Match]], weights: dict[int, int], limit: int
) -> None:
    documents = make_documents(*range(1, 13))
    order = sorted(matches)
    picked = pick_papers(matches, weights, order, documents, limit)
    all_papers = {match.document_id for found in matches.values() for match in found}
    chosen = [pick.document_id for pick in picked.picks]
    assert len(chosen) == len(set(chosen)) == min(limit, len(all_papers))
    assert picked.left_out == len(all_papers) - len(chosen)
    scores = [pick.score for pick in picked.picks]
    assert scores == sorted(scores, reverse=True)
    if limit >= len(order):  # every interest that found something is in the letter
        assert all(
            {match.document_id for match in matches[interest]} & set(chosen)
            for interest in order
            if matches[interest]
        )
    assert picked == pick_papers(matches, weights, order, documents, limit)
