"""The sets of the contract: 47 queries over the 154 papers of the saved pages."""

from __future__ import annotations

import json

import pytest

from newsletter.matching.index import Index, match_query
from newsletter.matching.query import parse_query
from tests.unit.matching.papers import CONTRACT_SYNONYMS, SHARED, needs_pages, page_documents

EXPECTED: dict[str, list[str]] = (
    json.loads((SHARED / "expected-matches.json").read_text(encoding="utf-8"))["queries"]
    if SHARED.is_dir()
    else {}
)
TITLES = {document.id: document.title for document in page_documents()} if EXPECTED else {}


@needs_pages
def test_it_reads_the_154_papers() -> None:
    assert len(page_documents()) == 154
    assert len(EXPECTED) == 47


@needs_pages
@pytest.mark.parametrize("text", EXPECTED)
def test_it_matches_the_expected_titles(text: str) -> None:
    matches = match_query(parse_query(text), page_documents(), CONTRACT_SYNONYMS)
    found = [TITLES[match.document_id] for match in matches]
    assert sorted(found) == sorted(EXPECTED[text])


@needs_pages
@pytest.mark.parametrize("text", EXPECTED)
def test_it_orders_them_best_first(text: str) -> None:
    matches = match_query(parse_query(text), page_documents(), CONTRACT_SYNONYMS)
    scores = {TITLES[match.document_id]: match.score for match in matches}
    ordered = [scores[title] for title in EXPECTED[text]]
    assert ordered == sorted(ordered, reverse=True)


@needs_pages
def test_it_matches_all_queries_at_once_as_one_by_one() -> None:
    queries = {number: parse_query(text) for number, text in enumerate(EXPECTED)}
    index = Index({number: (query, True) for number, query in queries.items()}, CONTRACT_SYNONYMS)
    together = index.match(page_documents())
    for number, query in queries.items():
        alone = match_query(query, page_documents(), CONTRACT_SYNONYMS)
        assert together.get(number, []) == alone
    assert len(index) == len(EXPECTED)
