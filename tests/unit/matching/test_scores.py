"""The matcher of very many queries finds and scores exactly what the index does."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.bench.generation import make_workload
from newsletter.matching import scores as module
from newsletter.matching.base import Document
from newsletter.matching.index import Index
from newsletter.matching.query import Query, QueryError, parse_query
from newsletter.matching.scores import Matcher, Scores
from tests.unit.matching.papers import CONTRACT_SYNONYMS, make_document, needs_pages, page_documents
from tests.unit.matching.test_postings import EXPECTED, papers, queries

Compiled = dict[int, tuple[Query, bool]]
Rows = dict[tuple[int, int], float]


def parse_all(texts: list[str], expand: bool = True) -> Compiled:
    parsed: Compiled = {}
    for number, text in enumerate(texts):
        try:
            parsed[7 + 3 * number] = parse_query(text), expand
        except QueryError:
            continue
    return parsed


def rows_of(scores: Scores) -> Rows:
    columns = (column.tolist() for column in scores)
    rows = [((query, document), score) for query, document, score in zip(*columns, strict=True)]
    assert len(dict(rows)) == len(rows), "a match is there twice"
    return dict(rows)


def rows_of_index(wanted: Compiled, documents: list[Document]) -> Rows:
    matches = Index(wanted).match(documents)
    return {(query, one.document_id): one.score for query, some in matches.items() for one in some}


@settings(max_examples=500, deadline=None)
@given(papers, st.lists(queries, min_size=1, max_size=20), st.booleans())
@example([make_document("a-b-cd", "abcd -x")], ['"abcd x"~2', "a b cd", "ab-cd", "abcd"], True)
@example([make_document("very very very deep")], ["very very", '"very deep"~2'], True)
@example([make_document("x", "RL RL agents, reinforcement learning")], ["RL", "RL -x"], True)
@example([make_document("a b c d e f g h", "a-b-c-d-e-f")], ["abcdefgh", "a b c d e f"], True)
@example([make_document("", "learning")], ["learning", 'learning AND "learning"'], False)
@example([make_document("the models of federated learning")], ['"the learn*"~4'], True)
def test_it_finds_what_the_index_finds(
    documents: list[Document], texts: list[str], expand: bool
) -> None:
    wanted = parse_all(texts, expand)
    assert rows_of(Matcher(wanted).score(documents)) == rows_of_index(wanted, documents)


def test_it_finds_what_the_index_finds_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    work = make_workload(150, 4_000, seed=5)
    monkeypatch.setattr(module, "AT_ONCE", 40)
    wanted = {number: (parse_query(text), True) for number, text in enumerate(work.interests)}
    found = rows_of(Matcher(wanted).score(work.papers))
    assert len(found) > 1_000
    assert found == pytest.approx(rows_of_index(wanted, list(work.papers)))


@needs_pages
def test_it_finds_the_expected_titles() -> None:
    texts = list(EXPECTED)
    matcher = Matcher(
        {n: (parse_query(text), True) for n, text in enumerate(texts)}, CONTRACT_SYNONYMS
    )
    titles = {document.id: document.title for document in page_documents()}
    found: dict[str, list[str]] = {text: [] for text in texts}
    for query, document in rows_of(matcher.score(page_documents())):
        found[texts[query]].append(titles[document])
    assert {text: sorted(some) for text, some in found.items()} == {
        text: sorted(some) for text, some in EXPECTED.items()
    }


def test_it_finds_nothing_where_there_is_nothing() -> None:
    some = parse_all(["grokking", "lear*", '"a b"~2', "author:li", "x -y", "cat:cs OR RL"])
    for wanted in ({}, some):
        for documents in ([], [make_document("")], [make_document("none of these")]):
            assert rows_of(Matcher(wanted).score(documents)) == {}


def test_it_takes_a_phrase_of_two_hundred_letters() -> None:
    text = " ".join(["averylongword", "of", "many"] * 11)
    wanted = parse_all([text, "word" * 40])
    documents = [make_document(f"On {text}", "word" * 40), make_document(text.replace(" ", "-"))]
    assert rows_of(Matcher(wanted).score(documents)) == rows_of_index(wanted, documents)
