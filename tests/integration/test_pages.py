"""The site's first pages: a day, a paper, a letter online."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from newsletter import links
from newsletter.days import run_day
from newsletter.editions import site_date
from newsletter.models import Delivery, Paper
from tests.factories import FOLDING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def read(client: Client, path: str, **extra: Any) -> str:
    response = client.get(path, **extra)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_the_newest_day_most_upvoted_first(client: Client) -> None:
    store(RL, upvotes=2)
    store(FOLDING, upvotes=90)
    page = read(client, "/")
    assert page.index(FOLDING) < page.index(RL)
    assert "2 papers, most upvoted first" in page


def test_it_says_what_an_empty_day_means(client: Client) -> None:
    assert "No papers are stored yet" in read(client, "/")
    assert "No papers are stored yet" in read(client, "/d/2025-12-24")


@pytest.mark.parametrize("path", ["/d/2026-13-40", "/d/2999-01-01", "/p/99", "/l/nonsense"])
def test_it_does_not_know_what_is_not_there(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_it_shows_a_paper_without_its_markup(client: Client) -> None:
    store(r"{\em Lazy} means of Fr\'echet", abstract="We show $a < b$ & <script>alert(1)</script>")
    page = read(client, f"/p/{Paper.objects.get().pk}")
    assert "Lazy means of Fréchet" in page
    assert "<script>" not in page


def test_it_does_not_show_hidden_papers(client: Client) -> None:
    store(RL)
    Paper.objects.update(hidden=True)
    assert RL not in read(client, "/")
    gone = client.get(f"/p/{Paper.objects.get().pk}")
    assert gone.status_code == 410
    assert RL not in gone.content.decode()


def test_it_shows_a_day_with_few_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(*[f"Paper {number}" for number in range(100)])
    with django_assert_max_num_queries(6):
        assert "100 papers" in read(client, "/")


def test_it_shows_a_letter_online_as_it_was_mailed(client: Client, settings: Settings) -> None:
    reader = subscribe()
    now = timezone.now()
    store(RL, listed_on=site_date(now))
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        run_day(None, now, everyone=True)
    mail: EmailMessage = message_from_bytes(server.accepted[0].data, policy=policy.default)
    part = mail.get_body(("html",))
    assert part is not None
    Paper.objects.update(upvotes=500)  # counted since: the letter says what it said
    address = links.read_online_url(reader, Delivery.objects.get().pk)
    response = client.get(re.sub(r"^https?://[^/]+", "", address), follow=True)
    assert response.content.decode().split() == part.get_content().split()
    assert "script-src" not in response["Content-Security-Policy"]
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "no-referrer"


def test_it_shows_a_letter_to_nobody_else(client: Client) -> None:
    token = links.make_token(links.READ_ONLINE, subscribe(), "1")
    assert client.get(f"/l/{token}", follow=True).status_code == 404
    assert (
        client.get(f"/l/{links.make_token(links.MANAGE, 1, '1')}", follow=True).status_code == 404
    )
