"""What the database refuses, whoever asks."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from subscribers.models import ConsentEvent, Interest, Query, Subscriber
from tests.integration.subscribers.people import NOW, add_ada

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"email": "ADA@example.org"}, "subscriber_email_unique"),
        ({"papers_per_letter": 0}, "subscriber_papers_per_letter_1_to_30"),
        ({"papers_per_letter": 31}, "subscriber_papers_per_letter_1_to_30"),
        ({"weekdays": 0}, "subscriber_weekdays_some"),
        ({"weekdays": 128}, "subscriber_weekdays_some"),
        ({"status": "dreaming"}, "subscriber_status_known"),
        ({"status": "confirmed"}, "subscriber_confirmed_has_instant"),
    ],
)
def test_it_refuses_a_reader(values: dict[str, Any], constraint: str) -> None:
    add_ada()
    row = Subscriber(**{"email": "bob@example.org", "send_time": time(8)} | values)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save()


def test_it_refuses_a_second_query_with_the_same_text() -> None:
    Query.objects.create(text="RL")
    with pytest.raises(IntegrityError, match="query_text_expand_unique"), transaction.atomic():
        Query.objects.create(text="RL")


def test_it_refuses_an_interest_twice_and_a_strange_weight() -> None:
    ada = add_ada(interests=["RL"])
    query = Query.objects.get()
    with pytest.raises(IntegrityError, match="interest_once_per_reader"), transaction.atomic():
        Interest.objects.create(subscriber=ada, query=query, text="RL")
    with pytest.raises(IntegrityError, match="interest_weight_known"), transaction.atomic():
        Interest.objects.update(weight=3)


def test_it_refuses_to_change_or_delete_consent() -> None:
    add_ada()
    events = ConsentEvent.objects.all()
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        events.update(at=NOW)
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        events.delete()
    assert events.count() == 1
