"""A stopped clock, and Hugging Face at a local address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from tests.http_server import HttpServer
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    HuggingFace,
)


@pytest.fixture
def traveller() -> Iterator[Any]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def server(settings: Settings, traveller: Any) -> Iterator[HttpServer]:
    """Hugging Face with one paper on Friday, until the test says otherwise."""
    listed = {FRIDAY: [("2611.00001", "Reinforcement learning with half the labels", 7)]}
    with HttpServer(HuggingFace(listed)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server
