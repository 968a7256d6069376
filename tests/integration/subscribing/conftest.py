"""A morning, the site's address, and the form as a browser would send it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from tests.factories import MORNING
from tests.integration.subscribing.forms import Visitor
from tests.smtp import SmtpServer


@pytest.fixture
def server(server: SmtpServer, settings: Settings) -> SmtpServer:
    settings.SITE_URL = "http://testserver"
    return server


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as clock:
        yield clock


@pytest.fixture
def visitor(clock: time_machine.Traveller) -> Visitor:
    return Visitor(clock)
