"""What is in doubt, held or away, in the admin: shown, and settled by who may."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.circuits import Result, record_result
from newsletter.controls import pause_sending
from newsletter.models import Delivery, Edition
from tests.integration.admin.makers import (
    TODAY,
    make_deliveries,
    make_edition,
    make_operator,
    make_readers,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/delivery/"
EDITIONS = "/admin/newsletter/edition/"


def act(client: Client, url: str, action: str, *keys: int) -> Any:
    data = {"action": action, "_selected_action": [str(key) for key in keys]}
    return client.post(url, data, follow=True)


def doubtful() -> int:
    (delivery,) = make_deliveries(make_edition(), make_readers(1), "in_doubt", doubts=2)
    return delivery.pk


@pytest.mark.parametrize(
    ("action", "state", "parked"), [("resend", "queued", False), ("park", "in_doubt", True)]
)
def test_an_operator_settles_what_is_in_doubt(
    operator_client: Client, action: str, state: str, parked: bool
) -> None:
    key = doubtful()
    act(operator_client, LIST, action, key)
    delivery = Delivery.objects.get(pk=key)
    assert (delivery.state, delivery.parked_at is not None) == (state, parked)
    page = act(operator_client, LIST, "park", *([key] if parked else [])).content.decode()
    assert not parked or "None of these is in doubt" in page


def test_who_may_only_look_settles_nothing(client: Client) -> None:
    client.force_login(make_operator("newsletter.view_delivery"))
    key = doubtful()
    act(client, LIST, "resend", key)
    assert Delivery.objects.get(pk=key).state == "in_doubt"


def test_looking_changes_nothing(operator_client: Client) -> None:
    key = doubtful()
    before = Delivery.objects.values().get(pk=key)
    for url in (LIST, f"{LIST}?parked=no", f"{LIST}{key}/change/", "/admin/", EDITIONS):
        assert operator_client.get(url).status_code == 200
    assert Delivery.objects.values().get(pk=key) == before


def test_an_editions_letters_are_held_and_let_go(operator_client: Client) -> None:
    edition = make_edition()
    act(operator_client, EDITIONS, "pause_letters", edition.pk)
    assert Edition.objects.get().pause_reason.startswith("the admin, by ")
    morning = operator_client.get("/admin/").content.decode()
    assert "is paused: the admin, by" in morning
    assert '<td class="pr-state">paused</td>' in morning
    act(operator_client, EDITIONS, "resume_letters", edition.pk)
    assert Edition.objects.get().paused_at is None


def test_the_first_page_tells_of_pauses_and_relays(operator_client: Client, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:2525"
    make_edition(TODAY)
    pause_sending("the relay moves")
    for _ in range(5):
        record_result("127.0.0.1:2525", Result(away=True, detail="Connection refused"))
    page = operator_client.get("/admin/").content.decode()
    assert "sending is paused: the relay moves" in page
    assert "127.0.0.1:2525 takes no mail: Connection refused" in page


def test_the_first_page_tells_of_complaints_and_leads_to_them(operator_client: Client) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    first, second = make_readers(2)
    edition = make_edition()
    make_deliveries(edition, [first], "sent", finished_at=at)
    make_deliveries(edition, [second], "sent", finished_at=at, complained_at=at)
    morning = operator_client.get("/admin/").content.decode()
    assert f"1 letter of {edition.date} called spam by their readers" in morning
    found = re.search(r'href="([^"]+complained_at__isnull=False)"', morning)
    assert found
    letters = operator_client.get(found[1]).content.decode()
    assert second.email in letters
    assert first.email not in letters


def test_a_reader_shows_the_last_letters(operator_client: Client) -> None:
    (reader,) = make_readers(1)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    make_deliveries(make_edition(), [reader], "failed", detail="5.1.1 no such user", finished_at=at)
    url = reverse("admin:subscribers_subscriber_change", args=[reader.pk])
    page = operator_client.get(url).content.decode()
    assert "5.1.1 no such user" in page
