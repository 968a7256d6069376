"""What the facts of a source's day mean: every combination that can be."""

from __future__ import annotations

from itertools import product

import pytest

from newsletter.freshness import Facts, judge_day


def facts(**given: object) -> Facts:
    usual = {
        "unseen": 0, "quiet": False, "daily": True, "answered": True, "failing": False,
        "past": True,
    }  # fmt: skip
    return Facts(**{**usual, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"unseen": 3}, "fresh"),
        ({"unseen": 1, "quiet": True, "failing": True}, "fresh"),  # a calendar can be wrong
        ({"quiet": True}, "quiet"),
        ({"quiet": True, "failing": True}, "quiet"),
        ({"past": False}, "waiting"),
        ({"past": False, "answered": False}, "waiting"),
        ({}, "stalled"),  # yesterday's batch under today's date, or nothing at all
        ({"witness": True}, "stalled"),  # a sister is fresh, this one serves old papers
        ({"witness": True, "empty": True}, "quiet"),  # a sister is fresh, this one had nothing
        ({"empty": True}, "stalled"),
        ({"agreed": True}, "quiet"),  # its own list of the day has nothing that is not stored
        ({"agreed": True, "past": False}, "quiet"),
        ({"agreed": True, "failing": True}, "failed"),
        ({"witness": True, "empty": True, "lacking": True}, "stalled"),
        ({"failing": True}, "failed"),
        ({"failing": True, "past": False}, "failed"),
        ({"answered": False}, "failed"),  # nobody asked
        ({"daily": False}, "quiet"),  # a journal
        ({"daily": False, "failing": True}, "failed"),
        ({"daily": False, "answered": False, "past": False}, "waiting"),
    ],
)
def test_it_judges_a_day_by_what_it_brought(given: dict[str, object], state: str) -> None:
    assert judge_day(facts(**given)) == state


def test_it_calls_nothing_fresh_without_news() -> None:
    names = ("quiet", "daily", "answered", "failing", "past", "empty", "witness", "agreed")
    for values in product([False, True], repeat=len(names)):
        given = dict(zip(names, values, strict=True))
        assert judge_day(facts(**given)) != "fresh"
        assert judge_day(facts(unseen=1, **given)) == "fresh"
