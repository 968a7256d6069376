"""Fixtures shared by every test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from pytest_django import Settings

from newsletter.celery import app
from tests.smtp import SmtpServer, closed_port


@pytest.fixture(autouse=True)
def shipped_synonyms(request: pytest.FixtureRequest) -> None:
    """The synonyms a new installation has: tests that commit leave every table empty."""
    marked = request.node.get_closest_marker("django_db") is not None
    if not marked and not {"db", "transactional_db"} & set(request.fixturenames):
        return
    request.getfixturevalue("db")  # commits where the test does
    if not apps.get_model("newsletter", "Synonym")._default_manager.exists():
        import_module("newsletter.migrations.0004_ship_synonyms").ship(apps, None)


@pytest.fixture(autouse=True)
def no_beacon() -> None:
    """A test's database knows no letter of the test before: that makes it no restored backup."""
    (Path(settings.VAR_DIR) / "last-sent.json").unlink(missing_ok=True)


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpServer]:
    """The relay that letters and service mail are handed to: real SMTP, on a socket."""
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        settings.EMAIL_TIMEOUT = 5
        yield server


@pytest.fixture
def broker_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hints go where nobody listens."""
    with closed_port() as port:
        monkeypatch.setattr(app.conf, "broker_write_url", f"redis://127.0.0.1:{port}/0")
        yield
