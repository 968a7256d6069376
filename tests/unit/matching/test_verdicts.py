"""Why a query misses: every statement is true of the document, near misses are the nearest."""

from __future__ import annotations

import pytest

from newsletter.matching.base import Document
from newsletter.matching.verdicts import judge_query

PAPER = Document(
    1,
    "A survey of sample folding with Sam",
    "We use reinforcement learning. Prompt tuning and learning are studied in galaxies.",
    authors=("Yann LeCun",),
    categories=("cs.LG", "stat.ML"),
    organizations=("Sample Institute",),
)
WHERE = "the title, the abstract or the keywords"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("quantum", f"“quantum” does not occur in {WHERE}"),
        ("SAM", "found as “Sam” in the title, but SAM must have its capitals"),
        ('"RL"', "found as “reinforcement learning” in the abstract, but quotes find only what"),
        ("folding -survey", "excluded by -survey: “survey” in the title"),
        ("folding -(survey OR x)", "excluded by -(survey OR x): “survey” in the title"),
        ("protein folding", f"“protein folding” does not occur in {WHERE}: there is no “protein”"),
        ("prompt learning", "as one phrase, though each of its words does"),
        ('"prompt learning"~1', "so close together, though each of its words does"),
        ("title:galaxies", "“galaxies” is not in the title: it is in the abstract"),
        ("abs:folding", "“folding” is not in the abstract: it is in the title"),
        ("author:Hinton", "none of its authors is “Hinton”"),
        ("cat:cs.AI", "its categories are cs.LG, stat.ML, not “cs.AI”"),
        ("org:Acme", "“Acme” does not occur in the organisation"),
    ],
)
def test_it_says_what_is_missing(query: str, why: str) -> None:
    verdict = judge_query(query, PAPER)
    assert not verdict.matches
    assert verdict.why_not[0].startswith(why) or verdict.why_not[0].endswith(why)


def test_it_says_every_part_that_failed_and_no_other() -> None:
    verdict = judge_query("folding AND quantum -survey", PAPER)
    assert len(verdict.why_not) == 2
    assert "quantum" in verdict.why_not[0]
    assert verdict.why_not[1].startswith("excluded by -survey")
    assert len(judge_query("quantum OR tensor", PAPER).why_not) == 2


def test_it_says_that_synonyms_are_off() -> None:
    verdict = judge_query("RL", PAPER, expand=False)
    assert verdict.why_not == (
        "found as “reinforcement learning” in the abstract, but its synonyms are switched off",
    )


def test_it_gives_the_places_of_what_matches() -> None:
    verdict = judge_query("RL AND folding", PAPER)
    assert verdict.matches
    assert verdict.score == 13.0
    assert [reason.text for reason in verdict.reasons] == ["folding", "reinforcement learning"]
    assert verdict.why_not == ()
