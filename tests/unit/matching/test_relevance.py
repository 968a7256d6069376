"""Scores of many papers at once are those of the index, which reads papers one by one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.base import Document
from newsletter.matching.index import match_query
from newsletter.matching.packs import Pack
from newsletter.matching.postings import Postings
from newsletter.matching.query import parse_query
from newsletter.matching.relevance import score_papers
from newsletter.matching.synonyms import DEFAULT_SYNONYMS
from newsletter.sample import load_sample

QUERIES = [
    *("RL", "reinforcement learning", '"reinforcement learning"', "trained", "model"),
    *("learning OR model", "learning AND model -robot", "learn*", '"language model"~3', "the"),
    *("title:language", "abs:language", "cat:cs", 'author:"Ada Example"', "org:institute", "LLM"),
    *("RL OR cat:cs.LG", "(title:model OR abs:learning) AND cat:cs", "data -(model OR learning)"),
]
WORDS = ("RL", "pre-training", "pretraining", "lazy", "model,", "models", "reinforcement learning")


def sample() -> list[Document]:
    return [
        Document(
            id=number,
            title=paper.title,
            abstract=paper.abstract,
            keywords=paper.ai_keywords,
            authors=paper.authors,
            categories=paper.categories,
            organizations=tuple(filter(None, (paper.organization_handle, paper.organization))),
            upvotes=paper.upvotes or 0,
        )
        for number, paper in enumerate(load_sample(date(2026, 1, 16)).papers, 1)
    ]


def agree(documents: list[Document], text: str) -> int:
    """How many papers match, after both ways have given the same scores."""
    query = parse_query(text)
    postings = Postings([Pack.of(documents)])
    mask = postings.find(query, DEFAULT_SYNONYMS)
    scores = dict(zip(postings.ids.tolist(), score_papers(postings, query).tolist(), strict=True))
    matches = {match.document_id: match.score for match in match_query(query, documents)}
    assert {key: scores[key] for key in postings.ids[mask].tolist()} == matches
    return len(matches)


@pytest.mark.parametrize("text", QUERIES)
def test_it_scores_the_sample_as_the_index_does(text: str) -> None:
    assert agree(sample(), text) > 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" and ".join), min_size=1, max_size=4)
)
def test_it_counts_hits_as_the_index_does(abstracts: list[str]) -> None:
    documents = [Document(number, "Lazy", text) for number, text in enumerate(abstracts, 1)]
    for text in ("RL", "pre-training", "lazy OR model", "pre-train*", '"lazy model"~2'):
        agree(documents, text)
