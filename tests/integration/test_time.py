"""Days as readers live them: clocks that change, sites that were down, clocks that were wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from newsletter import clock, planning, planning_sql
from newsletter.days import prepare_edition, run_minute
from newsletter.deliveries import CLAIM
from newsletter.models import Delivery, Tick
from newsletter.planning import mend_schedules, plan_deliveries
from subscribers.models import Query, Subscriber
from tests.factories import DAY, MORNING, RL, store, subscribe

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


def prepare(day: date, now: datetime) -> int:
    store(f"{RL} {day}", listed_on=day)
    return prepare_edition(day, now)[0]


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


def add_readers(number: int) -> None:
    """Readers in 24 zones, all due at eight, written in bulk."""
    zones = [f"Etc/GMT{sign}{n}" for sign in "+-" for n in range(12)]
    Subscriber.objects.bulk_create(
        Subscriber(
            email=f"bulk{n}@reader.example",
            status="confirmed",
            timezone=zones[n % 24],
            send_time=time(8),
            confirmed_at=MORNING,
            next_send_at=EIGHT,
            covered_until=DAY - timedelta(days=1),
        )
        for n in range(number)
    )


def test_it_plans_many_readers_of_many_zones_in_a_few_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_readers(3000)
    prepare(DAY, MORNING)
    monkeypatch.setattr(planning, "CHUNK", 1000)
    with django_assert_max_num_queries(2 + 4 * 5):  # slots, bounds, then five for each thousand
        assert plan_deliveries(EIGHT) == 3000
    assert plan_deliveries(EIGHT) == 0


@pytest.mark.parametrize("chunk", [1, 7, 50, 60, 61])
def test_chunks_plan_what_one_statement_plans(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Readers due at other instants than their neighbours, and some not at all."""
    add_readers(60)
    keys = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    earlier, later = EIGHT - timedelta(minutes=30), EIGHT + timedelta(hours=1)
    Subscriber.objects.filter(pk__in=keys[::3]).update(next_send_at=earlier)
    Subscriber.objects.filter(pk__in=keys[::4]).update(next_send_at=later)
    Subscriber.objects.filter(pk__in=keys[-9:-4]).update(status="unsubscribed")
    due = Subscriber.objects.filter(status="confirmed", next_send_at__lte=EIGHT)
    expected = set(due.values_list("pk", flat=True))
    prepare(DAY, MORNING)
    monkeypatch.setattr(planning, "CHUNK", chunk)
    assert plan_deliveries(EIGHT) == len(expected)
    assert set(Delivery.objects.values_list("subscriber_id", flat=True)) == expected
    assert not due.exists()
    assert plan_deliveries(EIGHT) == 0


def test_who_comes_or_moves_between_two_chunks_is_planned_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_readers(30)
    prepare(DAY, MORNING)
    monkeypatch.setattr(planning, "CHUNK", 10)
    keys = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    columns, calls = planning._plan_columns, []

    def meddle(*arguments: Any) -> dict[str, Any]:
        calls.append(arguments)
        if len(calls) == 2:  # the first ten are planned
            moved = Subscriber.objects.filter(pk__in=[keys[0], keys[15]])
            moved.update(next_send_at=EIGHT - timedelta(minutes=5))
            Subscriber.objects.filter(pk=keys[25]).update(status="unsubscribed")
            Subscriber.objects.create(
                email="late@reader.example", status="confirmed", timezone="Etc/GMT+0",
                send_time=time(8), confirmed_at=MORNING, next_send_at=EIGHT,
                covered_until=DAY - timedelta(days=1),
            )  # fmt: skip
        return columns(*arguments)

    monkeypatch.setattr(planning, "_plan_columns", meddle)
    # The one whose hour was changed is in a slot that was not known at the start.
    assert plan_deliveries(EIGHT) == 29
    assert plan_deliveries(EIGHT) == 1
    assert Delivery.objects.count() == 30
    assert not Delivery.objects.filter(subscriber=keys[25]).exists()
    assert plan_deliveries(EIGHT) == 0


def explain(sql: str, values: Any, *, small: bool = True) -> str:
    with connection.cursor() as cursor:
        if small:
            cursor.execute("SET LOCAL enable_seqscan = off")  # a test's tables are small
        cursor.execute(f"EXPLAIN {sql}", values)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_the_due_readers_are_found_by_the_index() -> None:
    """By the planner's own choice, with statistics, where a few of many readers are due."""
    add_readers(20_000)
    Subscriber.objects.update(next_send_at=EIGHT + timedelta(days=1))
    first = Subscriber.objects.order_by("pk").values_list("pk", flat=True)[:20]
    Subscriber.objects.filter(pk__in=list(first)).update(next_send_at=EIGHT)
    edition = prepare(DAY, MORNING)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber")
    slot = planning.Slot("Etc/GMT+0", time(8), 127, EIGHT)
    values = planning._plan_columns([slot], True, EIGHT)
    values |= {"now": EIGHT, "after": 0, "last": planning_sql.LAST, "edition": edition, "date": DAY}
    plan = explain(planning_sql.PLAN.format(which=planning_sql.DUE), values, small=False)
    assert "subscriber_due" in plan
    assert "Seq Scan on subscribers_subscriber" not in plan
    slots = Subscriber.objects.filter(
        status=Subscriber.Status.CONFIRMED, next_send_at__isnull=False, next_send_at__lte=EIGHT
    )
    assert "subscriber_due" in slots.values_list("timezone", "send_time").distinct().explain()


def test_a_chunk_reads_its_own_readers_alone() -> None:
    """Be they joined or looked up one by one: else a million are read fifty times."""
    add_readers(20_000)
    edition = prepare(DAY, MORNING)
    slot = planning.Slot("Etc/GMT+0", time(8), 127, EIGHT)
    values = planning._plan_columns([slot], True, EIGHT)
    keys = Subscriber.objects.order_by("pk").values_list("pk", flat=True)
    values |= {"now": EIGHT, "after": keys[9000], "last": keys[10_000]}
    values |= {"edition": edition, "date": DAY}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber")
        cursor.execute("SET LOCAL enable_nestloop = off")
    plan = explain(planning_sql.PLAN.format(which=planning_sql.DUE), values, small=False)
    assert "Seq Scan on subscribers_subscriber" not in plan
    assert plan.count(f"(id > {keys[9000]}") == 2


def test_a_walk_in_many_chunks_does_not_go_by_what_is_due() -> None:
    """With statistics of an hour when nobody was: else each chunk passes all who are."""
    add_readers(20_000)
    Subscriber.objects.update(next_send_at=EIGHT + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber")
    Subscriber.objects.update(next_send_at=EIGHT)
    edition = prepare(DAY, MORNING)
    values = planning._plan_columns([planning.Slot("Etc/GMT+0", time(8), 127, EIGHT)], True, EIGHT)
    keys = Subscriber.objects.order_by("pk").values_list("pk", flat=True)
    values |= {"now": EIGHT, "after": keys[9000], "last": keys[10_000]}
    values |= {"edition": edition, "date": DAY}
    which = planning_sql.walked(planning_sql.DUE)
    plan = explain(planning_sql.PLAN.format(which=which), values, small=False)
    assert "subscriber_due" not in plan
    assert "Seq Scan on subscribers_subscriber" not in plan


def test_a_chunk_reads_the_waiting_letters_of_its_own_readers() -> None:
    """Whatever waits of others: the ledger is read neither whole nor by what is due."""
    add_readers(20_000)
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 20_000
    after = DAY + timedelta(days=1)
    edition = prepare(after, MORNING + timedelta(days=1))
    now = EIGHT + timedelta(days=1)
    values = planning._plan_columns([planning.Slot("Etc/GMT+0", time(8), 127, now)], True, now)
    keys = Subscriber.objects.order_by("pk").values_list("pk", flat=True)
    values |= {"now": now, "after": keys[9000], "last": keys[10_000]}
    values |= {"edition": edition, "date": after}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber, newsletter_delivery")
    which = planning_sql.walked(planning_sql.DUE)
    plan = explain(planning_sql.PLAN.format(which=which), values, small=False)
    assert "Seq Scan on newsletter_delivery" not in plan
    assert "delivery_due" not in plan
    found = plan.partition("CTE waiting")[2].partition("CTE merged")[0]
    assert "delivery_waiting" in found
    assert f"(subscriber_id > {keys[9000]})" in found
    assert "SubPlan" not in plan.partition("CTE made")[2]  # nothing is looked up reader by reader


@pytest.mark.parametrize("chunk", [1, 7, 60])
def test_chunks_merge_what_one_statement_merges(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """A third had their letter, a fifth perhaps: the others' covers both days."""
    add_readers(30)
    keys = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    prepare(DAY, MORNING)
    assert plan_deliveries(EIGHT) == 30
    done = Delivery.objects.filter(subscriber__in=keys[::3])
    done.update(state="empty", finished_at=EIGHT)
    Delivery.objects.filter(subscriber__in=keys[1::5]).update(doubts=1)
    waiting = Delivery.objects.filter(state="queued", doubts=0)
    expected = set(waiting.values_list("subscriber_id", flat=True))
    after = DAY + timedelta(days=1)
    prepare(after, MORNING + timedelta(days=1))
    Subscriber.objects.update(next_send_at=EIGHT + timedelta(days=1))
    monkeypatch.setattr(planning, "CHUNK", chunk)
    assert plan_deliveries(EIGHT + timedelta(days=1)) == 30
    letters = Delivery.objects.filter(edition__date=after)
    assert set(letters.values_list("subscriber_id", flat=True)) == set(keys)
    both = letters.filter(covers_from=DAY).values_list("subscriber_id", flat=True)
    assert set(both) == expected
    assert letters.filter(covers_from=after).count() == 30 - len(expected)
    merged = Delivery.objects.filter(state="cancelled", edition__date=DAY)
    assert set(merged.values_list("subscriber_id", flat=True)) == expected


def test_the_due_letters_are_found_by_the_index() -> None:
    subscribe()
    plan = explain(CLAIM, [[], 100, "me", timedelta(minutes=5)])
    assert "delivery_due" in plan
    assert Query.objects.exists()
