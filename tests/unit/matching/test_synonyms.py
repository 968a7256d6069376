"""Acronyms and long forms: both ways, with capitals, never in exclusions."""

from __future__ import annotations

import pytest

from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms, is_short_form
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


def test_it_ships_about_a_hundred_unambiguous_acronyms() -> None:
    shorts = [short for short, _ in DEFAULT_SYNONYMS.pairs]
    assert 95 <= len(shorts) <= 110
    assert len(set(shorts)) == len(shorts)
    assert all(map(is_short_form, shorts))
    assert not {"SAM", "MAP", "CLIP", "AI", "ML", "DP", "DFT", "VLA", "OCR"} & set(shorts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in ("RL", "LoRA", "t-SNE")),
        *((text, False) for text in ("rl", "Sam", "RL x", "", "TRANSFORMER", "(")),
    ],
)
def test_it_tells_what_can_be_a_short_form(text: str, expected: bool) -> None:
    assert is_short_form(text) is expected
