"""The last look before a letter goes out, by a statement that a connection may lose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from newsletter.controls import pause_sending
from newsletter.deliveries import claim_deliveries
from newsletter.lastlook import find_standings
from newsletter.models import Delivery, Edition
from subscribers.models import Subscriber
from subscribers.services import suppress_address
from tests.integration.planned import plan

pytestmark = pytest.mark.django_db
GOOD = (True, True, True, False)


def claim() -> dict[int, str]:
    """Two letters that "me" holds; their addresses by id."""
    plan("ok1", 'a{b},"c"')
    claim_deliveries("me", 10)
    return dict(Delivery.objects.order_by("id").values_list("id", "subscriber__email"))


def test_it_lets_go_what_is_held_and_wanted() -> None:
    letters = claim()
    assert find_standings("me", letters) == dict.fromkeys(letters, GOOD)


def test_it_misses_what_is_not_in_the_ledger() -> None:
    letters = claim()
    assert find_standings("me", letters | {0: "nobody@reader.example"}).keys() == letters.keys()


def unsubscribe(email: str) -> None:
    Subscriber.objects.filter(email=email).update(status="unsubscribed")


def suppress(email: str) -> None:
    suppress_address(email.upper(), "complaint")


def move(email: str) -> None:
    Subscriber.objects.filter(email=email).update(email="new@reader.example")


def lose(email: str) -> None:
    Delivery.objects.filter(subscriber__email=email).update(owner="another")


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        (lose, (False, True, True, False)),
        (move, (False, True, True, False)),
        (unsubscribe, (True, False, True, False)),
        (suppress, (True, False, True, False)),
    ],
)
def test_it_sees_what_happened_to_one(change: Callable[[str], Any], standing: object) -> None:
    letters = claim()
    first, second = letters
    find_standings("me", letters)
    change(letters[second])
    assert find_standings("me", letters) == {first: GOOD, second: standing}


def test_it_sees_what_happened_to_all() -> None:
    letters = claim()
    Edition.objects.update(cancelled_at=timezone.now())
    assert set(find_standings("me", letters).values()) == {(True, True, False, False)}
    Edition.objects.update(cancelled_at=None, paused_at=timezone.now())
    assert set(find_standings("me", letters).values()) == {(True, True, True, True)}
    Edition.objects.update(paused_at=None)
    pause_sending("to see")
    assert set(find_standings("me", letters).values()) == {(True, True, True, True)}


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_where_a_pooler_forgets_its_statement() -> None:
    letters = claim()
    for _ in range(3):
        assert find_standings("me", letters) == dict.fromkeys(letters, GOOD)
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")


@pytest.mark.django_db(transaction=True)
def test_it_says_that_the_database_went_away() -> None:
    letters = claim()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    with pytest.raises(OperationalError):
        find_standings("me", letters)
    connection.close()
    assert find_standings("me", letters) == dict.fromkeys(letters, GOOD)
