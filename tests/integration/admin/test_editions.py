"""Editions in the admin: their figures, the note, and letters previewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from newsletter.admin.editions import EditionList
from newsletter.editions import freeze_edition, match_edition, open_edition
from newsletter.models import Delivery, Edition
from tests.factories import FOLDING, MORNING, RL, store, subscribe
from tests.integration.admin.makers import (
    NOW,
    SCRIPT,
    TODAY,
    make_deliveries,
    make_edition,
    make_operator,
    make_paper,
    make_readers,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/edition/"


def make_matched(*titles: str) -> int:
    """An edition of these papers, frozen and matched; returns its id."""
    store(*titles)
    edition = open_edition(TODAY, MORNING)
    freeze_edition(edition, MORNING)
    match_edition(edition, MORNING)
    return edition


def preview_url(edition: int, reader: int) -> str:
    return reverse("admin:newsletter_edition_preview", args=[edition]) + f"?reader={reader}"


def test_it_counts_each_editions_letters(operator_client: Client) -> None:
    edition, readers = make_edition(), make_readers(6)
    make_paper("One", edition, late=True)
    make_deliveries(edition, readers[:3], "sent")
    make_deliveries(edition, readers[3:5], "empty")
    make_deliveries(edition, readers[5:], "in_doubt")
    make_edition(TODAY - timedelta(days=1), frozen=False)
    cl = operator_client.get(LIST).context["cl"]
    assert isinstance(cl, EditionList)
    today, yesterday = cl.result_list
    assert (today.papers_total, today.papers_late) == (1, 1)
    assert (today.letters.sent, today.letters.empty, today.letters.in_doubt) == (3, 2, 1)
    assert yesterday.letters.total == 0
    only_open = operator_client.get(LIST, {"state": "open"}).context["cl"].result_list
    assert [edition.state for edition in only_open] == ["open"]


def test_it_asks_as_many_questions_for_many_editions(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    for day in range(25):
        make_deliveries(make_edition(TODAY - timedelta(days=day)), make_readers(2), "sent")
    with django_assert_max_num_queries(10):
        assert len(operator_client.get(LIST).context["cl"].result_list) == 25


def test_it_keeps_the_note_until_the_freeze(operator_client: Client) -> None:
    edition = make_edition(frozen=False)
    url = f"{LIST}{edition.pk}/change/"
    operator_client.post(url, {"note": "A quiet day."})
    edition.refresh_from_db()
    assert edition.note == "A quiet day."
    Edition.objects.filter(pk=edition.pk).update(frozen_at=NOW)
    operator_client.post(url, {"note": "Too late."})
    edition.refresh_from_db()
    assert edition.note == "A quiet day."


@time_machine.travel(NOW, tick=False)
def test_it_opens_an_edition_for_its_note_but_none_that_is_past(operator_client: Client) -> None:
    tomorrow = TODAY + timedelta(days=1)
    operator_client.post(f"{LIST}add/", {"date": tomorrow, "note": "Tomorrow’s."})
    assert Edition.objects.get().note == "Tomorrow’s."
    for day, problem in ((TODAY - timedelta(days=1), "is past"), (TODAY + timedelta(9), "ahead")):
        page = operator_client.post(f"{LIST}add/", {"date": day}, follow=True).content.decode()
        assert problem in page
    assert Edition.objects.count() == 1


def test_it_previews_the_chosen_readers_letter(operator_client: Client) -> None:
    edition = make_matched(RL, FOLDING)
    subscribe("reinforcement learning", email="other@reader.example")
    reader = subscribe("protein folding", email="ines@reader.example")
    response = operator_client.get(preview_url(edition, reader))
    letter, page = response.context["letter"], response.content.decode()
    assert FOLDING in letter.text
    assert RL not in letter.text
    assert letter.subject.replace("’", "'") in page.replace("’", "'").replace("&#x27;", "'")
    assert any(name == "List-Unsubscribe" for name, _ in letter.headers)
    found = operator_client.get(preview_url(edition, reader).split("?")[0] + "?q=INES")
    assert [choice.id for choice in found.context["choices"]] == [reader]
    assert not Delivery.objects.exists()


def test_it_frames_the_letter_so_that_nothing_in_it_runs(operator_client: Client) -> None:
    edition = make_matched(f"Reinforcement learning {SCRIPT}")
    reader = subscribe("reinforcement learning")
    page = operator_client.get(preview_url(edition, reader)).content.decode()
    assert "<script>alert(1)" not in page
    frame = reverse("admin:newsletter_edition_letter", args=[edition, reader])
    assert f'src="{frame}"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    letter = operator_client.get(frame)
    assert "<script>alert(1)" not in letter.content.decode()
    assert "default-src 'none'" in letter["Content-Security-Policy"]
    assert "allow-scripts" not in letter["Content-Security-Policy"]
    assert letter["X-Frame-Options"] == "SAMEORIGIN"


def test_it_says_why_an_open_edition_has_no_preview(operator_client: Client) -> None:
    edition = make_edition(frozen=False)
    reader = subscribe("anything")
    page = operator_client.get(preview_url(edition.pk, reader)).content.decode()
    assert "Nothing to preview" in page
    assert "it can be previewed once it is frozen" in page


def test_it_sends_a_test_letter_and_records_nothing(operator_client: Client, settings: Any) -> None:
    edition, reader = make_matched(RL), subscribe("reinforcement learning")
    url = reverse("admin:newsletter_edition_test", args=[edition, reader])
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        page = operator_client.post(url, {"to": "ok@site.example"}, follow=True)
        [accepted] = server.accepted
    assert accepted.recipient == "ok@site.example"
    assert b"[test]" in accepted.data
    assert "The relay accepted the test letter" in page.content.decode()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("to", ["h550@site.example", "nonsense", ""])
def test_it_says_why_a_test_letter_was_not_sent(
    operator_client: Client, settings: Any, to: str
) -> None:
    edition, reader = make_matched(RL), subscribe("reinforcement learning")
    url = reverse("admin:newsletter_edition_test", args=[edition, reader])
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        page = operator_client.post(url, {"to": to}, follow=True).content.decode()
        assert not server.accepted
    assert "ot sent" in page


def test_it_refuses_the_preview_to_who_may_not_see_readers() -> None:
    edition, reader = make_matched(RL), subscribe("reinforcement learning")
    addresses = [
        preview_url(edition, reader),
        reverse("admin:newsletter_edition_letter", args=[edition, reader]),
    ]
    client = Client()
    for url in addresses:
        assert client.get(url)["Location"].startswith(reverse("admin:login"))
    client.force_login(make_operator("newsletter.view_edition"))
    for url in addresses:
        assert client.get(url).status_code == 403
    send = reverse("admin:newsletter_edition_test", args=[edition, reader])
    assert client.post(send, {"to": "ok@site.example"}).status_code == 403
    assert client.get(send).status_code == 405
