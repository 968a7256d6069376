"""Operators who are logged in."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from tests.integration.admin.makers import NOW, make_operator


@pytest.fixture
def operator_client(db: None) -> Client:
    """A client logged in as an operator who may do everything; the clock stands at NOW."""
    client = Client()
    client.force_login(make_operator(superuser=True))
    return client


@pytest.fixture
def stopped_clock() -> object:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock
