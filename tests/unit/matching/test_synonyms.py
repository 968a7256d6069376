"""Acronyms and long forms: both ways, with capitals, never in exclusions."""

from __future__ import annotations

import pytest

from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from tests.unit.matching.papers import make_document


@pytest.mark.parametrize(
    ("text", "also"),
    [
        ("RL", ("reinforcement learning",)),
        ("Reinforcement Learning", ("RL",)),
        ("LLMs", ("large language model",)),
        ("supervised finetuning", ("SFT",)),
        ("title:RAG", ("retrieval-augmented generation",)),
        ('"RL"', ()),
        ("rl", ()),
        ("grokking -RL", ()),
        ("RL OR reinforcement learning", ("reinforcement learning", "RL")),
        ("reinforcement learning theory", ()),
        ("author:RL", ()),
    ],
)
def test_it_tells_what_a_query_also_finds(text: str, also: tuple[str, ...]) -> None:
    assert DEFAULT_SYNONYMS.also_finds(parse_query(text)) == also


def test_it_finds_both_forms_only_when_asked() -> None:
    long = make_document("On Reinforcement Learning")
    query = parse_query("RL")
    assert match_query(query, [long])
    assert not match_query(query, [long], expand=False)
    assert not match_query(query, [long], Synonyms())


def test_it_never_expands_an_exclusion() -> None:
    document = make_document("Games and reinforcement learning")
    assert match_query(parse_query("games -RL"), [document])
    assert not match_query(parse_query('games -"reinforcement learning"'), [document])


def test_it_takes_several_long_forms() -> None:
    synonyms = Synonyms.of([("CV", "computer vision"), ("CV", "cross-validation"), ("", "x")])
    assert synonyms.also_finds(parse_query("CV")) == ("computer vision", "cross-validation")


def test_it_ships_a_table_without_ambiguous_acronyms() -> None:
    shorts = {short for short, _ in DEFAULT_SYNONYMS.pairs}
    assert 60 <= len(DEFAULT_SYNONYMS.pairs) <= 110
    assert not shorts & {"SAM", "MAP", "CLIP", "AI", "ML", "IT", "US", "CL", "AC"}
