"""Operators told of trouble, in real mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.models import Source
from newsletter.watching import watch_sources
from tests.http_server import HttpServer, Reply
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    Arxiv,
    HuggingFace,
    add_arxiv,
    add_huggingface,
    look,
    make_items,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

CUT = MORNING.replace(hour=6, minute=1)  # past the time news are expected by


@pytest.fixture
def relay(settings: Settings) -> Iterator[SmtpServer]:
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        settings.ALERTS_TO = ["ops@site.example"]
        yield relay


def read_mails(relay: SmtpServer) -> list[tuple[str, str]]:
    """Subject and first lines of what came, in order."""
    mails = [message_from_bytes(one.data, policy=policy.default) for one in relay.accepted]
    return [(mail["Subject"], mail.get_content().split("\r\n\r\n")[0]) for mail in mails]


def test_it_tells_the_operators_once(
    server: HttpServer, traveller: Any, relay: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = Reply(b"[]", 500)
    source = add_huggingface(server)
    look(source, traveller)
    assert watch_sources(datetime.now(UTC)) == 0  # it may still come
    traveller.move_to(CUT)
    assert watch_sources(datetime.now(UTC)) == 1
    assert watch_sources(datetime.now(UTC)) == 0
    (mail,) = relay.accepted
    assert mail.recipient == "ops@site.example"
    assert b"Hugging Face: failed" in mail.data
    assert b"answered 500" in mail.data
    assert "answered 500" in caplog.text


def test_it_gives_a_source_that_was_added_in_the_evening_an_hour_to_be_asked(
    server: HttpServer, traveller: Any, relay: SmtpServer
) -> None:
    evening = MORNING.replace(hour=21)
    traveller.move_to(evening)
    source = add_huggingface(server)
    Source.objects.filter(pk=source.pk).update(created_at=evening)
    assert watch_sources(evening + timedelta(minutes=59)) == 0
    assert watch_sources(evening + timedelta(minutes=60)) == 1
    ((_, why),) = read_mails(relay)
    assert "nobody asked: is the scheduler running?" in why


def test_it_tells_of_a_trouble_that_goes_on_once_and_when_it_is_over(
    server: HttpServer, traveller: Any, relay: SmtpServer
) -> None:
    """Away from Friday to Tuesday morning, over a weekend: two mails."""
    listed = {
        FRIDAY + timedelta(days=n): [(f"2611.0000{n}", f"Gardens, part {n}", 1)] for n in (0, 3, 4)
    }
    source = add_huggingface(server)
    server.answer = Reply(b"[]", 500)
    for days in (0, 1, 2, 3):
        traveller.move_to(CUT + timedelta(days=days))
        look(source, traveller)
        watch_sources(datetime.now(UTC))
    assert [subject for subject, _ in read_mails(relay)] == ["[Paper Round] Hugging Face: failed"]
    server.answer = HuggingFace(listed)
    traveller.move_to(CUT + timedelta(days=4))
    look(source, traveller)
    for _ in range(2):
        watch_sources(datetime.now(UTC))
    _, (subject, text) = read_mails(relay)
    assert subject == "[Paper Round] Hugging Face: over"
    assert text.splitlines() == [
        "Hugging Face on 2026-11-20: 1 paper came on 24 November at 06:01 UTC",
        "Hugging Face on 2026-11-23: 1 paper came on 24 November at 06:01 UTC",
    ]
    server.answer = Reply(b"[]", 500)  # another trouble is told again
    traveller.move_to(CUT + timedelta(days=5))
    look(source, traveller)
    assert watch_sources(datetime.now(UTC)) == 1
    assert len(relay.accepted) == 3


def test_it_tells_of_a_day_that_is_not_whole(
    traveller: Any, settings: Settings, relay: SmtpServer
) -> None:
    batch = make_items(FRIDAY, "cs.LG", 4)
    arxiv = Arxiv({(FRIDAY, "cs.LG"): batch[:3]}, listed={(FRIDAY, "cs.LG"): batch})
    with HttpServer(arxiv) as server:
        settings.FETCH_ALLOW = [server.allowed]
        source = add_arxiv(server, "cs.LG")
        look(source, traveller)
        traveller.move_to(CUT)
        watch_sources(datetime.now(UTC))
        arxiv.batches[FRIDAY, "cs.LG"] = batch
        traveller.shift(timedelta(hours=2))
        look(source, traveller)
        watch_sources(datetime.now(UTC))
    (first, why), (second, how) = read_mails(relay)
    assert (first, second) == ("[Paper Round] arXiv: incomplete", "[Paper Round] arXiv: over")
    assert why == "arXiv cs.LG on 2026-11-20: the source's own list has 1 paper that never came"
    assert "4 papers came" in how


def test_it_does_not_call_a_weekend_the_end_of_a_trouble(
    server: HttpServer, traveller: Any, relay: SmtpServer
) -> None:
    source = add_huggingface(server)
    server.answer = Reply(b"[]", 500)
    for days in (0, 1, 2):
        traveller.move_to(CUT + timedelta(days=days))
        look(source, traveller)
        watch_sources(datetime.now(UTC))
    assert len(relay.accepted) == 1
