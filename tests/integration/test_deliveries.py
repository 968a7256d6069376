"""The ledger: planned once, claimed by one, recorded by its owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from newsletter.days import prepare_edition
from newsletter.deliveries import (
    Entry,
    claim_deliveries,
    prepare_deliveries,
    record_outcomes,
)
from newsletter.models import Delivery, Edition
from newsletter.planning import plan_deliveries, plan_edition
from subscribers.models import Subscriber
from tests.factories import DAY, MORNING, RL, store, subscribe

pytestmark = pytest.mark.django_db
EIGHT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def prepare(day: date = DAY, now: datetime = MORNING) -> int:
    store(f"{RL} {day}", listed_on=day)
    return prepare_edition(day, now)[0]


def rows() -> list[tuple[date, date]]:
    found = Delivery.objects.order_by("edition__date", "id")
    return list(found.values_list("covers_from", "edition__date"))


def test_it_plans_readers_whose_hour_has_come() -> None:
    subscribe(send_time=time(8))
    subscribe(send_time=time(9))
    prepare()
    assert plan_deliveries(EIGHT - timedelta(seconds=1)) == 0
    assert plan_deliveries(EIGHT) == 1
    assert plan_deliveries(EIGHT) == 0


def test_it_plans_each_reader_at_their_own_hour() -> None:
    subscribe(timezone="Asia/Tokyo", send_time=time(18))  # 09:00 UTC
    subscribe(timezone="America/New_York", send_time=time(4))  # 09:00 UTC
    prepare()
    assert plan_deliveries(EIGHT) == 0
    assert plan_deliveries(EIGHT + timedelta(hours=1)) == 2


def test_it_moves_the_cursor_and_the_next_instant() -> None:
    subscribe()
    prepare()
    plan_deliveries(EIGHT)
    reader = Subscriber.objects.get()
    assert (reader.covered_until, reader.next_send_at) == (DAY, EIGHT + timedelta(days=1))


def test_it_writes_no_row_where_no_edition_is_new() -> None:
    subscribe()
    assert plan_deliveries(EIGHT) == 0
    assert Subscriber.objects.get().next_send_at == EIGHT + timedelta(days=1)


def test_it_covers_missed_days_in_one_letter() -> None:
    subscribe()
    for back in (2, 1, 0):
        prepare(DAY + timedelta(days=2 - back), MORNING + timedelta(days=2 - back))
    assert plan_deliveries(EIGHT + timedelta(days=2)) == 1
    assert rows() == [(DAY, DAY + timedelta(days=2))]


def test_it_waits_for_the_next_letter_when_that_is_near() -> None:
    subscribe()
    prepare(DAY, MORNING)
    early = EIGHT + timedelta(days=1, hours=-5)  # down since before eight, back at three at night
    assert plan_deliveries(early) == 0
    assert Subscriber.objects.get().next_send_at == EIGHT + timedelta(days=1)


def test_it_plans_everyone_once() -> None:
    subscribe()
    edition = prepare()
    assert plan_edition(edition, MORNING, everyone=True) == 1
    assert plan_edition(edition, MORNING, everyone=True) == 0
    assert plan_deliveries(EIGHT) == 0


def test_it_never_plans_a_past_day_that_a_letter_covered() -> None:
    subscribe()
    days = [DAY + timedelta(days=n) for n in range(3)]
    editions = [prepare(day, MORNING + timedelta(days=n)) for n, day in enumerate(days)]
    plan_deliveries(EIGHT + timedelta(days=2))  # covers all three
    later = EIGHT + timedelta(days=2)
    assert [plan_edition(edition, later, everyone=True) for edition in editions] == [0, 0, 0]


def test_it_plans_a_day_before_the_reader_came_by_the_operators_word() -> None:
    subscribe()
    old = prepare(date(2025, 12, 9), MORNING)
    assert plan_edition(old, MORNING, everyone=True) == 1
    assert Subscriber.objects.get().covered_until == DAY - timedelta(days=1)


def test_it_plans_any_number_of_readers_in_bulk(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(30):
        subscribe()
    prepare()
    with django_assert_max_num_queries(10):
        assert plan_deliveries(EIGHT) == 30


def plan_some(number: int) -> None:
    for _ in range(number):
        subscribe()
    prepare()
    plan_deliveries(EIGHT)


def test_it_claims_a_delivery_for_one_owner() -> None:
    plan_some(3)
    first = claim_deliveries("a", 2)
    second = claim_deliveries("b", 2)
    assert [len(first), len(second)] == [2, 1]
    assert not {c.id for c in first} & {c.id for c in second}
    assert {c.attempts for c in first} == {1}


@pytest.mark.parametrize("plan", ["hashjoin", "mergejoin", "nestloop"])
def test_it_claims_no_more_than_the_limit_whatever_the_planner_chooses(plan: str) -> None:
    plan_some(12)
    with connection.cursor() as cursor:
        for other in {"hashjoin", "mergejoin", "nestloop"} - {plan}:
            cursor.execute(f"SET LOCAL enable_{other} = off")
        for setting in ("hashagg", "sort", "material", "indexscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{setting} = off")
    assert len(claim_deliveries("a", 5)) == 5


def test_it_records_only_for_the_owner() -> None:
    plan_some(1)
    (claimed,) = claim_deliveries("a", 1)
    assert record_outcomes("b", [Entry(claimed.id, "empty")]) == set()
    assert record_outcomes("a", [Entry(claimed.id, "empty")]) == {claimed.id}
    assert record_outcomes("a", [Entry(claimed.id, "failed")]) == set()


def test_it_prepares_only_while_the_lease_lasts() -> None:
    plan_some(1)
    (claimed,) = claim_deliveries("a", 1)
    letter = (claimed.id, "<x@example.org>", "[[1, [2]]]")
    assert prepare_deliveries("a", [letter]) == {claimed.id}
    Delivery.objects.update(lease_until=F("lease_until") - timedelta(hours=1))
    assert prepare_deliveries("a", [letter]) == set()
    assert Delivery.objects.get().picks == [[1, [2]]]


def test_the_database_refuses_a_second_row_for_one_reader_and_edition() -> None:
    plan_some(1)
    values = Delivery.objects.values("edition_id", "subscriber_id", "covers_from").get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(**values, planned_at=EIGHT, next_at=EIGHT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "sent"},
        {"state": "sending"},
        {"state": "failed"},
        {"state": "lost"},
        {"owner": "x"},
    ],
)
def test_the_database_refuses_states_without_their_proof(wrong: dict[str, str]) -> None:
    plan_some(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.update(**wrong)


@pytest.mark.parametrize("state", ["failed", "cancelled", "empty"])
def test_the_database_refuses_to_leave_a_final_state(state: str) -> None:
    plan_some(1)
    Delivery.objects.update(state=state, finished_at=EIGHT)
    with pytest.raises(DatabaseError, match="is final"), transaction.atomic():
        Delivery.objects.update(state="queued", finished_at=None)


@pytest.mark.django_db(transaction=True)
def test_it_never_gives_a_delivery_to_two_workers() -> None:
    plan_some(40)

    def claim(owner: str) -> list[int]:
        try:
            return [c.id for _ in range(10) for c in claim_deliveries(owner, 3)]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        claimed = [key for some in pool.map(claim, "abcdef") for key in some]
    assert len(claimed) == len(set(claimed)) == 40


@pytest.mark.django_db(transaction=True)
def test_it_plans_once_when_two_plan_at_the_same_time() -> None:
    for _ in range(5):
        subscribe()
    prepare()

    def plan(_: int) -> int:
        try:
            return plan_deliveries(EIGHT)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(plan, range(4))) == 5
    assert Edition.objects.get().deliveries.count() == 5
