"""Readers planned in bulk: by chunks as by one statement, and what is read for it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from newsletter import planning, planning_sql
from newsletter.deliveries import CLAIM
from newsletter.models import Delivery
from newsletter.planning import plan_deliveries, plan_edition
from subscribers.models import Subscriber
from tests.factories import DAY, MORNING, subscribe
from tests.integration.planned import prepare

pytestmark = pytest.mark.django_db
EIGHT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


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
    with django_assert_max_num_queries(4 + 4 * 5):  # slots, bounds, what comes; five a thousand
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


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("chunk", [1, 8, 33])
def test_chunks_leave_readers_and_letters_as_one_statement_leaves_them(
    monkeypatch: pytest.MonkeyPatch, chunk: int, by_hand: bool
) -> None:
    """Whatever hour, cursor and status each reader has, by the minute or by hand."""
    chance = random.Random(chunk)
    add_readers(80)
    hours = [None, *(EIGHT + timedelta(hours=hours) for hours in (-30, -3, -1, 0, 1, 24))]
    for reader in Subscriber.objects.all():
        reader.next_send_at = chance.choice(hours)
        reader.covered_until = chance.choice([None, *(DAY - timedelta(days=n) for n in range(4))])
        reader.status = chance.choice(["confirmed", "confirmed", "confirmed", "paused"])
        reader.save()
    edition = prepare(DAY, MORNING)

    def plan(size: int) -> tuple[Any, ...]:
        monkeypatch.setattr(planning, "CHUNK", size)
        planned = plan_edition(edition, EIGHT, everyone=True) if by_hand else plan_deliveries(EIGHT)
        letters = Delivery.objects.values_list("subscriber_id", "covers_from", "state")
        readers = Subscriber.objects.values_list("pk", "next_send_at", "covered_until")
        return planned, sorted(letters), sorted(readers, key=itemgetter(0))

    point = transaction.savepoint()
    whole = plan(1000)
    transaction.savepoint_rollback(point)
    assert whole[0] > 20
    assert plan(chunk) == whole


def test_who_comes_or_moves_between_two_chunks_is_planned_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_readers(30)
    prepare(DAY, MORNING)
    monkeypatch.setattr(planning, "CHUNK", 10)
    keys = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    columns, calls = planning._plan_columns, []

    def meddle(*arguments: Any, **options: Any) -> dict[str, Any]:
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
        return columns(*arguments, **options)

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
