"""Which edition a paper joins, and what matching keeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.editions import (
    EditionError,
    freeze_edition,
    has_id,
    hide_papers,
    list_due_days,
    match_edition,
    match_newcomers,
    open_edition,
    pack_ids,
)
from newsletter.models import Edition, Paper, QueryMatches
from subscribers.models import Query
from subscribers.services import add_interest
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe

pytestmark = pytest.mark.django_db
TOMORROW = DAY + timedelta(days=1)
NEXT_MORNING = MORNING + timedelta(days=1)


def freeze(day: date = DAY, now: datetime = MORNING) -> list[tuple[str, bool]]:
    freeze_edition(open_edition(day, now), now)
    papers = Paper.objects.filter(edition__date=day).order_by("title")
    return list(papers.values_list("title", "late"))


def test_it_takes_the_papers_listed_on_its_day() -> None:
    store(RL)
    store(FOLDING, listed_on=TOMORROW)
    assert freeze() == [(RL, False)]


def test_it_takes_late_papers_into_the_next_edition() -> None:
    store(RL)
    freeze()
    store(FOLDING)  # listed on DAY, but DAY is frozen
    store("New today", listed_on=TOMORROW)
    assert freeze(TOMORROW, NEXT_MORNING) == [("New today", False), (FOLDING, True)]


def test_it_leaves_papers_more_than_seven_days_late_in_the_archive() -> None:
    store(RL, listed_on=DAY - timedelta(days=7))
    store(FOLDING, listed_on=DAY - timedelta(days=8))
    assert freeze() == [(RL, True)]
    assert Paper.objects.get(title=FOLDING).edition is None


def test_it_takes_only_its_own_papers_on_a_day_of_the_past() -> None:
    old = date(2025, 12, 9)
    store(RL, listed_on=old)
    store(FOLDING, listed_on=old - timedelta(days=1))
    assert freeze(old) == [(RL, False)]


def test_it_gives_a_paper_to_one_edition_for_ever() -> None:
    store(RL)
    freeze()
    store(RL, listed_on=TOMORROW)
    assert freeze(TOMORROW, NEXT_MORNING) == []


def test_it_refuses_a_day_too_far_ahead() -> None:
    with pytest.raises(EditionError, match="more than a day ahead"):
        open_edition(DAY + timedelta(days=2), MORNING)
    assert not Edition.objects.exists()


def test_it_is_not_due_before_the_cutoff() -> None:
    store(RL)
    Paper.objects.update(stored_at=MORNING - timedelta(hours=3))
    assert list_due_days(datetime(2026, 11, 20, 5, 59, tzinfo=UTC)) == []
    assert list_due_days(datetime(2026, 11, 20, 6, 0, tzinfo=UTC)) == [DAY]


def test_it_waits_until_the_papers_have_settled() -> None:
    store(RL)
    Paper.objects.update(stored_at=MORNING - timedelta(minutes=9))
    assert list_due_days(MORNING) == []
    assert list_due_days(MORNING + timedelta(minutes=1)) == [DAY]


def test_it_catches_up_days_whose_papers_were_in_time() -> None:
    yesterday = DAY - timedelta(days=1)
    store(RL, listed_on=yesterday)
    Paper.objects.update(stored_at=MORNING - timedelta(days=1))
    assert list_due_days(MORNING) == [yesterday]
    Paper.objects.update(stored_at=MORNING)  # came today: late, so today's edition takes it
    assert list_due_days(MORNING) == []


def test_it_matches_each_distinct_interest_once() -> None:
    for _ in range(3):
        subscribe("reinforcement learning", "Reinforcement Learning")
    subscribe("astronomy")
    store(RL, FOLDING)
    freeze()
    assert match_edition(Edition.objects.get().pk, MORNING) == 1
    assert [len(row.hits) for row in QueryMatches.objects.all()] == [1]


def test_it_matches_an_interest_that_came_later() -> None:
    reader = subscribe("reinforcement learning")
    store(RL, FOLDING)
    freeze()
    edition = Edition.objects.get()
    match_edition(edition.pk, MORNING)
    add_interest(reader, "protein folding")
    add_interest(reader, "no such thing")
    for _ in range(2):  # again: nothing more
        match_newcomers(edition.pk, Query.objects.values_list("pk", flat=True))
    rows = dict(QueryMatches.objects.values_list("query__text", "hits"))
    assert {text: len(hits) for text, hits in rows.items()} == {
        "reinforcement learning": 1,
        "protein folding": 1,
        "no such thing": 0,
    }


def test_it_does_not_match_hidden_papers() -> None:
    subscribe("reinforcement learning")
    store(RL)
    assert hide_papers(Paper.objects.values_list("pk", flat=True), hidden=True) == 1
    freeze()
    assert match_edition(Edition.objects.get().pk, MORNING) == 0


def test_it_refuses_to_hide_papers_of_a_frozen_edition() -> None:
    store(RL)
    freeze()
    with pytest.raises(EditionError, match="frozen"):
        hide_papers(Paper.objects.values_list("pk", flat=True), hidden=True)


def test_it_packs_ids_into_a_bitmap() -> None:
    bitmap = pack_ids([1, 8, 77])
    assert [n for n in range(200) if has_id(bitmap, n)] == [1, 8, 77]
    assert pack_ids([]) == b""
