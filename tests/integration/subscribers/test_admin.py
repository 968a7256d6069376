"""Readers in the admin."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from subscribers import services
from subscribers.models import ConsentEvent, Interest, Subscriber
from tests.integration.subscribers.people import NOW, add_ada

pytestmark = pytest.mark.django_db

LIST = "admin:subscribers_subscriber_changelist"
NOUNS = ("subscriber", "interest", "query", "suppression", "consentevent")


def fill_form(*interests: dict[str, Any], known: int = 0, **values: Any) -> dict[str, Any]:
    """What the browser posts for a reader and the interests."""
    data = {
        "timezone": "UTC",
        "send_time": "08:00",
        "weekdays": ["1", "2"],
        "papers_per_letter": "10",
        "similar_up_to": "0",
        "interests-TOTAL_FORMS": str(len(interests)),
        "interests-INITIAL_FORMS": str(known),
        "consent_events-TOTAL_FORMS": "0",
        "deliveries-TOTAL_FORMS": "0",
        "deliveries-INITIAL_FORMS": "0",
        "consent_events-INITIAL_FORMS": "0",
    } | values
    for n, interest in enumerate(interests):
        for name, value in ({"weight": "1", "position": str(n), "expand": "on"} | interest).items():
            data[f"interests-{n}-{name}"] = value
    return data


def change_url(reader: Subscriber) -> str:
    return reverse("admin:subscribers_subscriber_change", args=[reader.pk])


@pytest.mark.parametrize("noun", NOUNS)
def test_it_shows_each_list(admin_client: Client, noun: str) -> None:
    add_ada()
    services.suppress_address("eve@example.org", "operator")
    page = admin_client.get(reverse(f"admin:subscribers_{noun}_changelist"), {"q": "a"})
    assert page.status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_it_lists_readers_in_a_few_queries(
    admin_client: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(count):
        add_ada(email=f"reader{n}@example.org", interests=["RL", "SAM", "DPO", "attention"])
    with django_assert_max_num_queries(8):
        page = admin_client.get(reverse(LIST)).content.decode()
    assert "RL · SAM · DPO + 1 more" in page


@pytest.mark.parametrize(("term", "found"), [("ada@", True), ("diffusion", True), ("zzz", False)])
def test_it_searches_addresses_and_interests(admin_client: Client, term: str, found: bool) -> None:
    add_ada()
    page = admin_client.get(reverse(LIST), {"q": term}).content.decode()
    assert ("ada@example.org" in page) is found


def test_it_adds_a_reader_with_consent(admin_client: Client) -> None:
    data = fill_form({"text": " RL "}, {"text": "SAM", "weight": "2"}, email="Ada@example.org")
    page = admin_client.post(reverse("admin:subscribers_subscriber_add"), data)
    assert page.status_code == 302
    ada = Subscriber.objects.get()
    assert (ada.email, ada.status, ada.weekdays) == ("ada@example.org", "confirmed", 3)
    assert ada.next_send_at is not None
    assert list(ada.interests.values_list("text", "weight")) == [("RL", 1), ("SAM", 2)]
    event = ada.consent_events.get()
    assert (event.kind, event.source) == ("confirmed_by_operator", "the admin, by admin")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ada@example.org", "already subscribed"),
        ("eve@example.org", "suppressed (complaint)"),
        ("zoë@example.org", "valid email address"),
    ],
)
def test_it_refuses_an_address(admin_client: Client, address: str, words: str) -> None:
    add_ada()
    services.suppress_address("eve@example.org", "complaint")
    url = reverse("admin:subscribers_subscriber_add")
    page = admin_client.post(url, fill_form({"text": "RL"}, email=address))
    assert words in page.content.decode()
    assert Subscriber.objects.count() == 1


def test_it_shows_where_a_query_is_wrong(admin_client: Client) -> None:
    ada = add_ada(interests=["RL"])
    known = {"id": ada.interests.get().pk, "subscriber": ada.pk, "text": "foo(bar"}
    page = admin_client.post(change_url(ada), fill_form(known, known=1))
    assert "(at character 4)" in page.content.decode()
    assert ada.interests.get().text == "RL"


def test_it_refuses_the_same_interest_twice(admin_client: Client) -> None:
    ada = add_ada(interests=["RL"])
    known = {"id": ada.interests.get().pk, "subscriber": ada.pk, "text": "RL"}
    page = admin_client.post(change_url(ada), fill_form(known, {"text": " RL"}, known=1))
    assert "has the same interest already" in page.content.decode()


@time_machine.travel(NOW)
def test_it_changes_the_schedule_and_an_interest(admin_client: Client) -> None:
    ada = add_ada(interests=["RL"])
    interest = Interest.objects.get()
    known = {"id": interest.pk, "subscriber": ada.pk, "text": "SAM", "expand": ""}
    data = fill_form(known, known=1, timezone="asia/tokyo", send_time="21:15")
    assert admin_client.post(change_url(ada), data).status_code == 302
    ada.refresh_from_db()
    interest.refresh_from_db()
    assert (ada.timezone, ada.send_time, ada.email) == (
        "Asia/Tokyo",
        time(21, 15),
        "ada@example.org",
    )
    assert ada.next_send_at is not None
    assert (ada.next_send_at.hour, ada.next_send_at.minute) == (12, 15)  # UTC
    assert (interest.text, interest.query.text, interest.query.expand) == ("SAM", "SAM", False)


def test_it_asks_before_it_unsubscribes(admin_client: Client) -> None:
    ada = add_ada()
    data = {"action": "unsubscribe", "_selected_action": [str(ada.pk)]}
    asked = admin_client.post(reverse(LIST), data)
    assert "Unsubscribe these readers?" in asked.content.decode()
    ada.refresh_from_db()
    assert ada.status == "confirmed"
    admin_client.post(reverse(LIST), data | {"confirmed": "yes"})
    ada.refresh_from_db()
    assert (ada.status, ada.next_send_at) == ("unsubscribed", None)
    assert ConsentEvent.objects.filter(kind="unsubscribed", source="the admin, by admin").exists()


def test_it_deletes_no_reader_and_no_consent(admin_client: Client) -> None:
    ada = add_ada()
    for noun, pk in (("subscriber", ada.pk), ("consentevent", ada.consent_events.get().pk)):
        url = reverse(f"admin:subscribers_{noun}_delete", args=[pk])
        assert admin_client.post(url, {"post": "yes"}).status_code == 403


def test_it_suppresses_an_address_and_finds_it(admin_client: Client) -> None:
    url = reverse("admin:subscribers_suppression_add")
    data = {"address": "Eve@example.org", "reason": "operator", "note": "asked by phone"}
    assert admin_client.post(url, data).status_code == 302
    assert services.is_suppressed("eve@example.org")
    listing = reverse("admin:subscribers_suppression_changelist")
    found = admin_client.get(listing, {"q": "eve@example.org"}).content.decode()
    assert "asked by phone" in found
    again = admin_client.post(url, data).content.decode()
    assert "suppressed already" in again
