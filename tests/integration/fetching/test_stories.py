"""A day's story, in one word and in a sentence: by what its sources did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from newsletter.freshness import describe_day, tell_day
from newsletter.models import Source, SourceDay

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
SIX = datetime(2026, 11, 20, 6, tzinfo=UTC)


def make_day(*states: str, came: datetime = SIX - timedelta(hours=2)) -> None:
    """Hugging Face in the first state, arXiv's categories in the others."""
    names = [("Hugging Face", ""), ("arXiv", "cs.LG"), ("arXiv", "cs.RO")]
    for (name, part), state in zip(names, states, strict=False):
        source, _ = Source.objects.get_or_create(
            name=name, defaults={"kind": "huggingface", "first_day": DAY}
        )
        fresh: dict[str, Any] = {"unseen": 9, "fresh_at": came} if state == "fresh" else {}
        SourceDay.objects.create(source=source, part=part, day=DAY, state=state, papers=9, **fresh)


@pytest.mark.parametrize(
    ("states", "case", "sentence"),
    [
        ([], "unknown", ""),
        (["quiet", "quiet"], "quiet", "The sources announce nothing on this day."),
        (["fresh", "fresh"], "complete", ""),
        (["fresh", "quiet"], "complete", ""),
        (["fresh", "fresh", "stalled"], "partial", "Without arXiv cs.RO, whose papers have not"),
        (["fresh", "failed", "stalled"], "partial", "Without arXiv, whose papers have not come."),
        (["waiting", "fresh"], "partial", "Without Hugging Face, whose papers have not come."),
        (["waiting", "waiting"], "waiting", "The day’s papers have not come yet."),
        (["failed", "stalled"], "missing", "No papers came: nothing new from Hugging Face, arXiv"),
        (["failed", "waiting"], "waiting", "The day’s papers have not come yet."),
    ],
)
def test_it_tells_what_became_of_a_day(
    states: list[str], case: str, sentence: str, django_assert_num_queries: Any
) -> None:
    make_day(*states)
    with django_assert_num_queries(1):
        story = describe_day(DAY)
    assert story.case == case
    assert tell_day(story).startswith(sentence)
    assert bool(tell_day(story)) == bool(sentence)


def test_it_tells_what_came_after_the_edition_was_made() -> None:
    make_day("fresh", "fresh", came=SIX + timedelta(hours=3))
    assert describe_day(DAY).case == "complete"
    story = describe_day(DAY, frozen_at=SIX)
    assert story.case == "late"
    assert (
        tell_day(story) == "Some papers came after the edition was made: they are in the next one."
    )
    assert [one.late for one in story.sources] == [True, True]
