"""A morning, a mail server, and the form as a browser would send it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from tests.factories import MORNING
from tests.integration.subscribing.forms import Visitor
from tests.smtp import SmtpServer


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        settings.EMAIL_TIMEOUT = 5
        settings.SITE_URL = "http://testserver"
        yield server


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as clock:
        yield clock


@pytest.fixture
def visitor(clock: time_machine.Traveller) -> Visitor:
    return Visitor(clock)
