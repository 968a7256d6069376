"""Days as readers live them: clocks that change, sites that were down, clocks that were wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F

from newsletter import clock
from newsletter.days import run_minute
from newsletter.models import Delivery, Edition, Paper, Source, Tick
from newsletter.planning import mend_schedules, plan_deliveries
from subscribers.models import Subscriber
from tests.factories import DAY, MORNING, store, subscribe
from tests.integration.planned import prepare

pytestmark = pytest.mark.django_db
EIGHT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CHANGES = [
    ("Europe/London", date(2026, 3, 29), time(1, 30)),  # skipped
    ("Europe/London", date(2026, 10, 25), time(1, 30)),  # twice
    ("America/New_York", date(2026, 3, 8), time(2, 30)),
    ("America/New_York", date(2026, 11, 1), time(1, 30)),
    ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15)),  # by half an hour
    ("Africa/Cairo", date(2026, 4, 24), time(0, 30)),  # at midnight
    ("America/Havana", date(2026, 3, 8), time(0, 30)),
    ("Pacific/Apia", date(2026, 4, 5), time(23, 30)),
]


@pytest.mark.parametrize(("zone", "day", "at"), CHANGES)
def test_f20_each_local_date_gets_one_letter_when_the_clocks_change(
    zone: str, day: date, at: time
) -> None:
    noon_before = datetime.combine(day - timedelta(days=2), time(12), UTC)
    reader = subscribe(timezone=zone, send_time=at, now=noon_before)
    got: list[date] = []
    now = noon_before
    while now < noon_before + timedelta(days=4):
        if now.minute == now.hour == 0:
            prepare(now.date(), now)
        if plan_deliveries(now):
            got.append(now.astimezone(ZoneInfo(zone)).date())
        now += timedelta(minutes=15)
    assert len(got) == len(set(got)) >= 3
    assert day in got
    assert Delivery.objects.filter(subscriber=reader).count() == len(got)


@pytest.mark.parametrize("days", [2, 3, 6])
def test_it_catches_up_in_one_letter_that_covers_the_days_missed(days: int) -> None:
    subscribe()
    for n in range(days):
        prepare(DAY + timedelta(days=n), MORNING + timedelta(days=n))
    back = EIGHT + timedelta(days=days - 1, minutes=30)
    assert plan_deliveries(back) == 1
    letter = Delivery.objects.select_related("edition").get()
    assert (letter.covers_from, letter.edition.date) == (DAY, DAY + timedelta(days=days - 1))


def test_who_is_due_while_the_edition_settles_gets_it_the_same_day() -> None:
    reader, late = subscribe(), subscribe(send_time=time(7))
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 2
    tomorrow = EIGHT + timedelta(days=1)
    store("Robots that wait for a slow import", listed_on=DAY + timedelta(days=1))
    Paper.objects.filter(edition=None).update(stored_at=tomorrow)
    assert run_minute(tomorrow) == 0  # the papers may be half of them yet
    due = dict(Subscriber.objects.values_list("pk", "next_send_at"))
    assert due == {reader: tomorrow, late: tomorrow - timedelta(hours=1)}
    assert run_minute(tomorrow + timedelta(minutes=11)) == 2
    assert Delivery.objects.filter(edition__date=DAY + timedelta(days=1)).count() == 2


def test_who_has_a_letter_to_come_does_not_wait_for_papers_that_settle() -> None:
    subscribe()
    prepare(DAY, MORNING)
    store("Robots of another day", listed_on=DAY + timedelta(days=1))
    assert plan_deliveries(EIGHT + timedelta(days=1)) == 1


@pytest.mark.parametrize("state", ["frozen", "matched"])
def test_an_edition_that_is_matched_is_waited_for(state: str) -> None:
    subscribe()
    Edition.objects.create(
        date=DAY, frozen_at=MORNING, matched_at=MORNING if state == "matched" else None
    )
    assert plan_deliveries(EIGHT) == (state == "matched")
    assert Subscriber.objects.filter(next_send_at=EIGHT).exists() == (state == "frozen")


def test_after_a_downtime_the_letter_waits_for_the_sources_that_day() -> None:
    subscribe()
    prepare(DAY, MORNING)
    clock.check_clock(EIGHT)
    assert plan_deliveries(EIGHT) == 1
    Delivery.objects.update(state="empty", finished_at=EIGHT)
    Tick.objects.update(boot="before")
    today = DAY + timedelta(days=4)
    noon = EIGHT + timedelta(days=4, hours=4)
    source = Source.objects.create(
        name="a journal", kind="atom", first_day=DAY, next_at=EIGHT + timedelta(hours=1)
    )
    assert clock.check_clock(noon) == ""
    assert run_minute(noon) == 0  # nothing is there yet, and the source has not been asked
    assert Subscriber.objects.get().next_send_at == EIGHT + timedelta(days=1)
    for missed in range(1, 5):
        store(f"Reinforcement learning {missed}", listed_on=DAY + timedelta(days=missed))
    Paper.objects.filter(edition=None).update(stored_at=noon + timedelta(minutes=2))
    Source.objects.filter(pk=source.pk).update(next_at=noon + timedelta(hours=1))
    assert run_minute(noon + timedelta(minutes=3)) == 0
    assert run_minute(noon + timedelta(minutes=13)) == 1
    letter = Delivery.objects.select_related("edition").get(state="queued")
    assert (letter.covers_from, letter.edition.date) == (DAY + timedelta(days=1), today)
    assert letter.edition.papers.count() == 4
    assert Subscriber.objects.get().next_send_at == EIGHT + timedelta(days=5)


def test_a_site_is_catching_up_once_after_it_was_down() -> None:
    Source.objects.create(name="a journal", kind="atom", first_day=DAY, next_at=EIGHT)
    Tick.objects.create(boot="before", wall=EIGHT - timedelta(hours=3), uptime=100)
    clock.check_clock(EIGHT)
    clock.check_clock(EIGHT + timedelta(minutes=10))
    back_at = clock.last_return()
    assert back_at == EIGHT
    assert clock.is_catching_up(back_at, EIGHT + timedelta(minutes=10))
    assert not clock.is_catching_up(back_at, EIGHT + timedelta(minutes=16))
    Source.objects.update(next_at=EIGHT + timedelta(hours=1))
    assert not clock.is_catching_up(back_at, EIGHT + timedelta(minutes=10))


def test_nobody_waits_longer_than_an_hour_for_an_edition() -> None:
    subscribe()
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 1
    tomorrow = EIGHT + timedelta(days=1)
    store("Robots that come without end", listed_on=DAY + timedelta(days=1))
    Paper.objects.filter(edition=None).update(stored_at=tomorrow)
    plan_deliveries(tomorrow + timedelta(minutes=59))
    assert Subscriber.objects.get().next_send_at == tomorrow
    plan_deliveries(tomorrow + timedelta(minutes=61))
    assert Subscriber.objects.get().next_send_at == tomorrow + timedelta(days=1)


def test_a_letter_that_still_waits_is_merged_into_the_next() -> None:
    reader = subscribe()
    for n in range(3):
        prepare(DAY + timedelta(days=n), MORNING + timedelta(days=n))
        assert plan_deliveries(EIGHT + timedelta(days=n)) == 1
    letters = Delivery.objects.filter(subscriber=reader).order_by("edition__date")
    assert [letter.state for letter in letters] == ["cancelled", "cancelled", "queued"]
    assert letters[2].covers_from == DAY
    assert letters[0].detail == f"merged into the letter of {DAY + timedelta(days=1)}"


@pytest.mark.parametrize("change", [{"state": "in_doubt", "doubts": 1}, {"doubts": 1}])
def test_a_letter_that_may_be_out_is_not_merged(change: dict[str, Any]) -> None:
    subscribe()
    prepare(DAY, MORNING)
    plan_deliveries(EIGHT)
    Delivery.objects.update(**change)
    prepare(DAY + timedelta(days=1), MORNING + timedelta(days=1))
    plan_deliveries(EIGHT + timedelta(days=1))
    first, second = Delivery.objects.order_by("edition__date")
    assert first.state == change.get("state", "queued")
    assert second.covers_from == DAY + timedelta(days=1)


@pytest.mark.parametrize("state", ["sending", "sent", "in_doubt"])
def test_a_letter_is_not_merged_over_one_in_between_that_is_out(state: str) -> None:
    subscribe()
    for n in range(2):
        prepare(DAY + timedelta(days=n), MORNING + timedelta(days=n))
        plan_deliveries(EIGHT + timedelta(days=n))
        if n == 0:  # in hand while the next is planned, given back after
            first = Delivery.objects.get()
            Delivery.objects.update(state="sending", owner="w", lease_until=EIGHT)
    Delivery.objects.filter(pk=first.pk).update(state="queued", owner="", lease_until=None)
    proofs: dict[str, dict[str, Any]] = {
        "sending": {"owner": "w", "lease_until": EIGHT},
        "sent": {"code": 250, "finished_at": EIGHT, "message_id": "<x@example.org>"},
        "in_doubt": {"doubts": 1},
    }
    Delivery.objects.exclude(pk=first.pk).update(state=state, **proofs[state])
    prepare(DAY + timedelta(days=2), MORNING + timedelta(days=2))
    plan_deliveries(EIGHT + timedelta(days=2))
    letters = Delivery.objects.order_by("edition__date").values_list("state", "covers_from")
    days = [DAY + timedelta(days=n) for n in range(3)]
    assert list(letters) == [("queued", days[0]), (state, days[1]), ("queued", days[2])]


def test_a_clock_set_back_plans_nothing_twice() -> None:
    subscribe()
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 1
    assert run_minute(EIGHT - timedelta(hours=1)) == 0
    assert plan_deliveries(EIGHT) == 0


def test_f19_a_clock_that_jumped_ahead_is_not_believed() -> None:
    now = datetime.now(UTC)
    assert clock.check_clock(now) == ""
    assert clock.check_clock(now + timedelta(minutes=50)) == ""
    why = clock.check_clock(now + timedelta(days=31))
    assert "30 days ahead" in why
    assert clock.check_clock(now + timedelta(minutes=51)) == ""
    clock.accept_clock()
    assert clock.check_clock(now + timedelta(days=31)) == ""


def test_f19_a_night_without_the_site_is_no_jump() -> None:
    now = datetime.now(UTC)
    clock.check_clock(now - timedelta(days=9))
    Tick.objects.update(uptime=F("uptime") - 9 * 86400)
    assert clock.check_clock(now) == ""


def test_f19_another_boot_long_after_waits_for_the_operator() -> None:
    now = datetime.now(UTC)
    Tick.objects.create(boot="before", wall=now - timedelta(days=31), uptime=100)
    assert "31 days since" in clock.check_clock(now)
    Tick.objects.update(wall=now - timedelta(days=29))
    assert clock.check_clock(now) == ""


def test_a_reader_put_off_by_a_wrong_clock_is_due_again() -> None:
    put_off, weekly = subscribe(), subscribe(weekdays=0b1)
    Subscriber.objects.filter(pk=put_off).update(next_send_at=EIGHT + timedelta(days=31))
    before = Subscriber.objects.get(pk=weekly).next_send_at
    assert mend_schedules(MORNING) == 1
    assert Subscriber.objects.get(pk=put_off).next_send_at == EIGHT
    assert Subscriber.objects.get(pk=weekly).next_send_at == before


@pytest.mark.parametrize("poison", [{"timezone": "Mars/Base"}, {"timezone": "../x"}])
def test_f21_one_readers_unreadable_zone_stops_no_other(poison: dict[str, Any]) -> None:
    poisoned, fine = subscribe(), subscribe()
    Subscriber.objects.filter(pk=poisoned).update(**poison)
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 2
    assert set(Subscriber.objects.values_list("next_send_at", flat=True)) == {
        EIGHT + timedelta(days=1)
    }
    Subscriber.objects.update(next_send_at=EIGHT + timedelta(days=60))
    assert mend_schedules(EIGHT) == 2
    prepare(DAY + timedelta(days=1), MORNING + timedelta(days=1))
    assert run_minute(EIGHT + timedelta(days=1)) == 2
    assert Delivery.objects.filter(subscriber=fine).count() == 2
