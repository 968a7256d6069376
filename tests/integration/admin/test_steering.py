"""Hold, let go, cancel in the admin: asked before, counted, and only by who may."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Delivery, Edition, Switch
from tests.integration.admin.makers import (
    NOW,
    TODAY,
    make_deliveries,
    make_edition,
    make_operator,
    make_readers,
)

pytestmark = pytest.mark.django_db
PAGE = "/admin/newsletter/edition/going-out/"
CANCEL = f"{PAGE}cancel/"


def make_letters() -> Edition:
    """Today's: two wait, one is deferred, one is in doubt, three are out."""
    edition = make_edition(TODAY)
    readers = make_readers(7)
    make_deliveries(edition, readers[:2], "queued")
    make_deliveries(edition, readers[2:3], "deferred")
    make_deliveries(edition, readers[3:4], "in_doubt", doubts=2)
    sent = {"finished_at": NOW, "code": 250}
    make_deliveries(edition, readers[4:], "sent", **sent)
    return edition


def states() -> list[str]:
    return sorted(Delivery.objects.values_list("state", flat=True))


def test_what_it_calls_utc_is_utc_on_a_site_of_another_zone(operator_client: Client) -> None:
    edition = make_letters()
    at = timezone.now() - timedelta(seconds=60)
    Delivery.objects.filter(state="queued").update(next_at=at)
    make_deliveries(edition, make_readers(3), "sent", finished_at=at)
    with override_settings(TIME_ZONE="Asia/Kolkata"), timezone.override("Asia/Kolkata"):
        page = operator_client.get(PAGE).content.decode()
    shown = re.search(r"At (\d\d:\d\d):\d\d UTC", page)
    assert shown
    near = [datetime.now(UTC) - timedelta(minutes=n) for n in (0, 1)]
    assert shown[1] in {f"{now:%H:%M}" for now in near}
    done = re.search(r"a second, done about (\d\d):\d\d UTC", page)
    assert done
    assert abs(int(done[1]) - near[0].hour) in {0, 1, 23}


def test_it_says_how_many_letters_a_cancelling_concerns(operator_client: Client) -> None:
    make_letters()
    before = states()
    page = operator_client.get(f"{CANCEL}{TODAY}/").content.decode()
    assert "3 letters of" in page
    assert "wait and would never be sent." in page
    assert "1 letter in doubt is parked" in page
    assert "3 letters are out already and stay so." in page
    assert "This cannot be undone." in page
    assert ">Cancel 3 letters</button>" in page
    assert states() == before


def test_it_cancels_once_confirmed(operator_client: Client) -> None:
    make_letters()
    page = operator_client.post(f"{CANCEL}{TODAY}/", follow=True).content.decode()
    assert "3 letters cancelled." in page
    assert states() == ["cancelled"] * 3 + ["in_doubt"] + ["sent"] * 3
    assert Delivery.objects.get(state="in_doubt").parked_at
    assert Edition.objects.get().cancelled_at
    again = operator_client.get(f"{CANCEL}{TODAY}/").content.decode()
    assert "disabled" in again


def test_it_cancels_everything_that_waits_and_no_edition(operator_client: Client) -> None:
    make_letters()
    page = operator_client.get(CANCEL).content.decode()
    assert "3 letters of all editions wait" in page
    operator_client.post(CANCEL)
    assert states().count("cancelled") == 3
    assert Edition.objects.get().cancelled_at is None


def test_it_holds_and_lets_go_of_one_or_of_all(operator_client: Client) -> None:
    make_letters()
    operator_client.post(f"{PAGE}steer/", {"day": str(TODAY), "go": "hold"})
    assert Edition.objects.get().paused_at
    operator_client.post(f"{PAGE}steer/", {"day": str(TODAY), "go": "on"})
    assert Edition.objects.get().paused_at is None
    operator_client.post(f"{PAGE}steer/", {"go": "hold"})
    assert Switch.objects.get().paused_at
    page = operator_client.get(PAGE).content.decode()
    assert "sending is paused: the admin, by" in page
    assert "Let everything go" in page
    answer = operator_client.post(f"{PAGE}steer/", {"go": "on"}, follow=True)
    assert Switch.objects.get().paused_at is None
    assert "The letters go out again." in answer.content.decode()


def test_it_shows_each_editions_figures_and_asks_again_when_told_to(
    operator_client: Client,
) -> None:
    edition = make_letters()
    answer = operator_client.get(PAGE)
    page = answer.content.decode()
    for name, number in (("Due", 3), ("Sent", 3), ("Deferred", 1), ("In doubt", 1)):
        assert f'data-name="{name}">' in page
        assert number  # the figures themselves: below
    (row,) = answer.context["progress"].editions
    assert (row.due, row.sent, row.deferred, row.in_doubt) == (3, 3, 1, 1)
    assert "Refresh" not in answer
    assert operator_client.get(f"{PAGE}?live=1")["Refresh"] == "5"
    detail = operator_client.get(f"/admin/newsletter/edition/{edition.pk}/change/")
    assert "cancel-letters" in detail.content.decode()
    moved = operator_client.get(
        reverse("admin:newsletter_edition_cancel_letters", args=[edition.pk])
    )
    assert moved["Location"].endswith(f"{CANCEL}{TODAY}/")


def test_it_refuses_who_may_only_look(client: Client) -> None:
    make_letters()
    client.force_login(make_operator("newsletter.view_edition"))
    assert "Cancel everything" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}steer/", {"go": "hold"}).status_code == 403
    assert client.get(CANCEL).status_code == 403
    assert client.post(f"{CANCEL}{TODAY}/").status_code == 403
    assert "cancelled" not in states()


def test_it_refuses_to_steer_by_looking(operator_client: Client) -> None:
    make_letters()
    assert operator_client.get(f"{PAGE}steer/?go=hold").status_code == 405
    assert operator_client.get(f"{CANCEL}2020-01-01/").status_code == 404
    assert operator_client.get(f"{CANCEL}yesterday/").status_code == 404
    assert not Switch.objects.exists()
