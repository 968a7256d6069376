"""Operators told of trouble, in real mail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.watching import watch_sources
from tests.http_server import HttpServer, Reply
from tests.integration.fetching.world import (
    MORNING,
    add_huggingface,
    look,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def test_it_tells_the_operators_once(
    server: HttpServer, traveller: Any, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = Reply(b"[]", 500)
    source = add_huggingface(server)
    look(source, traveller)
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        settings.ALERTS_TO = ["ops@site.example"]
        assert watch_sources(datetime.now(UTC)) == 0  # it may still come
        traveller.move_to(MORNING.replace(hour=6, minute=1))
        assert watch_sources(datetime.now(UTC)) == 1
        assert watch_sources(datetime.now(UTC)) == 0
    (mail,) = relay.accepted
    assert mail.recipient == "ops@site.example"
    assert b"Hugging Face: failed" in mail.data
    assert b"answered 500" in mail.data
    assert "answered 500" in caplog.text
