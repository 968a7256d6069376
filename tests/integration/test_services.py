"""The tests run on the real servers: a silent fallback must not come back."""

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_it_runs_on_postgresql() -> None:
    assert connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        assert cursor.fetchone()[0].startswith("PostgreSQL")


def test_it_has_a_broker_that_answers_as_redis() -> None:
    from newsletter.celery import app

    with app.connection_for_read() as broker:
        client = broker.default_channel.client
        assert isinstance(client, redis.Redis)
        assert client.ping()
        assert "redis_version" in client.info("server")
    assert settings.CELERY_BROKER_URL.startswith("redis")
