"""What the probes say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from model_bakery import baker
from pytest_django.fixtures import Settings

from newsletter.celery import app
from newsletter.web import health


def test_it_lives_without_asking_anything_of_the_database(client: Client) -> None:
    answer = client.get("/healthz")  # no django_db mark: a query would fail
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


@pytest.mark.django_db
def test_it_is_ready_with_database_broker_and_planning(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "planning": "ok"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_not_ready_while_planning_does_not_run(client: Client) -> None:
    late = timezone.now() - timedelta(hours=1)
    baker.make("subscribers.Subscriber", status="confirmed", confirmed_at=late, next_send_at=late)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["planning"] == "overdue"


def test_it_says_when_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, "broker_read_url", "redis://127.0.0.1:1/0")
    assert health.probe_broker() == "no answer"


@pytest.mark.django_db
def test_it_answers_probes_without_redirecting_them(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/").status_code == 301
