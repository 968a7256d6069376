"""Adding, scheduling, unsubscribing and suppressing readers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from subscribers import services
from subscribers.models import MOST_INTERESTS, ConsentEvent, Interest, Query, Subscriber
from subscribers.schedule import next_send_at
from subscribers.services import InterestError, ReaderError
from tests.integration.subscribers.people import NOW, add_ada, mark_letter_planned

pytestmark = pytest.mark.django_db


def test_it_adds_a_confirmed_reader() -> None:
    added = services.add_confirmed_subscriber(
        "Ada@Example.org",
        ["diffusion models", "RL"],
        "Europe/Paris",
        time(8, 30),
        starred=["protein folding"],
        source="a test",
        now=NOW,
    )
    assert added.created
    assert added.email == "ada@example.org"
    assert added.interests == ("protein folding", "diffusion models", "RL")
    assert added.next_send_at == datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    row = Subscriber.objects.get(pk=added.id)
    assert (row.status, row.confirmed_at, row.next_send_at) == (
        "confirmed",
        NOW,
        added.next_send_at,
    )
    assert list(row.interests.values_list("weight", flat=True)) == [2, 1, 1]


def test_it_starts_with_the_edition_of_the_sites_day(settings: pytest.FixtureRequest) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # type: ignore[attr-defined]
    assert add_ada().covered_until == date(2026, 11, 20)  # it is the 21st there


def test_it_records_consent_with_the_source_and_the_wording() -> None:
    ada = add_ada(source="manage.py add_subscriber")
    event = ConsentEvent.objects.get(subscriber=ada)
    assert event.kind == ConsentEvent.Kind.CONFIRMED_BY_OPERATOR
    assert event.source == "manage.py add_subscriber"
    assert event.wording == services.OPERATOR_WORDING


def test_it_refuses_a_second_subscription() -> None:
    add_ada()
    with pytest.raises(ReaderError, match="is already subscribed: edit the reader in the admin"):
        add_ada(email="ADA@example.org")
    assert ConsentEvent.objects.count() == 1


def test_it_confirms_an_address_that_waits() -> None:
    Subscriber.objects.create(email="ada@example.org", send_time=time(6))
    added = services.add_confirmed_subscriber("ada@example.org", ["RL"], source="t", now=NOW)
    assert not added.created
    assert Subscriber.objects.get().status == Subscriber.Status.CONFIRMED


def test_it_brings_back_only_a_reader_who_asked() -> None:
    ada = add_ada()
    services.unsubscribe(ada.pk, "a letter", NOW)
    with pytest.raises(ReaderError, match="unsubscribed on 2026-11-20: only add_subscriber"):
        add_ada()
    back = add_ada(returning=True, interests=["RL", "attention"])
    assert (back.pk, back.status, back.unsubscribed_at) == (ada.pk, "confirmed", None)
    assert [i.text for i in back.interests.all()] == ["diffusion models", "RL", "attention"]


def test_it_refuses_a_suppressed_address() -> None:
    services.suppress_address("ada@example.org", "complaint")
    with pytest.raises(ReaderError, match=r"is suppressed \(complaint\): if the address works"):
        add_ada()
    assert not Subscriber.objects.exists()


def test_it_keeps_nothing_of_a_reader_with_a_refused_query() -> None:
    with pytest.raises(InterestError) as refused:
        add_ada(interests=["RL", "foo(bar"])
    assert refused.value.position == 3
    assert not Subscriber.objects.exists()
    assert not Query.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Mars/Base"}, {"weekdays": 0}, {"papers_per_letter": 31}]
)
def test_it_refuses_a_wrong_schedule(wrong: dict[str, object]) -> None:
    with pytest.raises(ReaderError):
        add_ada(**wrong)


def test_it_shares_a_query_between_readers() -> None:
    first = services.intern_query("  reinforcement   learning ")
    assert services.intern_query("reinforcement learning") == first
    assert services.intern_query("reinforcement learning", expand=False) != first


@pytest.mark.django_db(transaction=True)
def test_it_interns_a_query_once_when_many_ask_at_once() -> None:
    def intern(_: int) -> int:
        try:
            return services.intern_query("graph neural network")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(intern, range(32)))
    assert ids == {Query.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_it_adds_an_address_once_when_many_add_it_at_once() -> None:
    def add(_: int) -> bool:
        try:
            add_ada()
        except ReaderError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, range(6))) == 1
    assert ConsentEvent.objects.count() == 1


def test_it_adds_an_interest_last_and_once() -> None:
    ada = add_ada()
    added = services.add_interest(ada.pk, "attention", Interest.STARRED)
    assert services.add_interest(ada.pk, "attention") == added
    assert Interest.objects.get(pk=added).position == 2
    assert ada.interests.count() == 3


def test_it_refuses_the_51st_interest() -> None:
    ada = add_ada(interests=[f"topic{n}" for n in range(MOST_INTERESTS)])
    with pytest.raises(ReaderError, match="would be interest 51: a reader has at most 50"):
        services.add_interest(ada.pk, "one more")


def test_it_refuses_an_unknown_reader() -> None:
    with pytest.raises(ReaderError, match="no reader has the number 0"):
        services.add_interest(0, "RL")


def test_it_unsubscribes_once() -> None:
    ada = add_ada()
    assert services.unsubscribe(ada.pk, "a letter's link", NOW)
    assert not services.unsubscribe(ada.pk, "a letter's link", NOW + timedelta(days=1))
    ada.refresh_from_db()
    assert (ada.status, ada.unsubscribed_at, ada.next_send_at) == ("unsubscribed", NOW, None)
    kinds = list(ada.consent_events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["confirmed_by_operator", "unsubscribed"]


def test_it_suppresses_an_address_however_it_is_written() -> None:
    assert services.suppress_address(" Ada@BÜCHER.example", "hard_bounce", "550 5.1.1")
    assert not services.suppress_address("ada@bücher.example", "complaint")
    assert services.is_suppressed("ada@xn--bcher-kva.example")
    assert not services.is_suppressed("bob@bücher.example")


def test_it_hashes_with_the_key_of_links(settings: pytest.FixtureRequest) -> None:
    before = services.hash_address("ada@example.org")
    settings.SECRET_KEY = "rotated"  # type: ignore[attr-defined]
    assert services.hash_address("ada@example.org") == before
    settings.LINK_KEY = "another"  # type: ignore[attr-defined]
    assert services.hash_address("ada@example.org") != before


@pytest.mark.parametrize("address", ["", "zoë@example.org", "a\udce9b@x", "no address"])
def test_it_hashes_any_text(address: str) -> None:
    assert len(services.hash_address(address)) == 64


def test_it_gives_no_second_letter_on_the_day_the_hour_moves() -> None:
    ada = add_ada()
    mark_letter_planned(ada, datetime(2026, 11, 22, 8, tzinfo=UTC), date(2026, 11, 21))
    after_letter = datetime(2026, 11, 21, 9, tzinfo=UTC)
    moved = services.set_schedule(ada.pk, now=after_letter, send_time=time(12))
    assert moved == datetime(2026, 11, 22, 12, tzinfo=UTC)
    later = after_letter + timedelta(hours=1)
    again = services.set_schedule(ada.pk, now=later, send_time=time(14))
    assert again == datetime(2026, 11, 22, 14, tzinfo=UTC)


def test_it_lets_a_new_reader_choose_a_later_hour_today() -> None:
    ada = add_ada()
    moved = services.set_schedule(ada.pk, now=NOW, send_time=time(20))
    assert moved == datetime(2026, 11, 20, 20, tzinfo=UTC)


def test_it_lets_no_reader_wait_longer_than_36_hours() -> None:
    ada = add_ada()
    mark_letter_planned(ada, datetime(2026, 11, 22, 0, tzinfo=UTC), date(2026, 11, 21))
    now = datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
    moved = services.set_schedule(ada.pk, now=now, send_time=time(23, 59))
    assert moved == now + timedelta(hours=36)


def test_it_keeps_a_letter_due_that_is_due() -> None:
    ada = add_ada()
    assert ada.next_send_at is not None
    now = ada.next_send_at + timedelta(minutes=1)
    assert services.set_schedule(ada.pk, now=now, send_time=time(20)) == ada.next_send_at


def test_it_schedules_nothing_for_who_unsubscribed() -> None:
    ada = add_ada()
    services.unsubscribe(ada.pk, "a letter", NOW)
    assert services.set_schedule(ada.pk, now=NOW, timezone="Asia/Tokyo") is None
    ada.refresh_from_db()
    assert ada.timezone == "Asia/Tokyo"


ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/Nuuk")


class ScheduleChanges(TestCase):
    """Whatever a reader changes and when: one letter per local date, the next within 36 hours."""

    @hypothesis_settings(max_examples=60, deadline=None)
    @given(
        changes=st.lists(
            st.tuples(st.integers(1, 2000), st.sampled_from(ZONES), st.times()),
            min_size=1,
            max_size=6,
        )
    )
    def test_it_never_gives_two_letters_for_one_local_date(
        self, changes: list[tuple[int, str, time]]
    ) -> None:
        ada = add_ada()
        now, letters = NOW, []
        for minutes, zone, at in changes:
            now += timedelta(minutes=minutes)
            letters += _letters_until(ada, now)
            services.set_schedule(ada.pk, now=now, timezone=zone, send_time=at)
            ada.refresh_from_db()
            assert ada.next_send_at is not None
            assert now < ada.next_send_at <= now + timedelta(hours=36)
            place = ZoneInfo(zone)
            if letters:
                last = max(letters).astimezone(place).date()
                assert ada.next_send_at.astimezone(place).date() > last


def _letters_until(reader: Subscriber, now: datetime) -> list[datetime]:
    """Plan letters up to `now` as the planner does; return their instants."""
    letters = []
    while reader.next_send_at is not None and reader.next_send_at <= now:
        at = reader.next_send_at
        letters.append(at)
        local_date = at.astimezone(ZoneInfo(reader.timezone)).date()
        following = next_send_at(at, reader.send_time, reader.timezone, reader.weekdays, local_date)
        mark_letter_planned(reader, following, at.date())
        reader.refresh_from_db()
    return letters
