"""Whether the site lives (`/healthz`) and whether it can do its work (`/readyz`): small JSON."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from redis import RedisError

from newsletter.celery import app
from newsletter.status import OVERDUE_AFTER
from subscribers.models import Subscriber

BROKER_SECONDS = 2.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200: the process answers. Says nothing of the database, so that a restart is not forced."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where each part answers "ok", else 503; what is wrong is named, never how it is set."""
    parts = {name: probe() for name, probe in PROBES.items()}
    good = all(word == "ok" for word in parts.values())
    status = {"status": "ok" if good else "unavailable", **parts}
    return JsonResponse(status, status=200 if good else 503)


def probe_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "no answer"
    return "ok"


def probe_broker() -> str:
    """Ask Redis; letters go out without it (`manage.py tick`), only later."""
    options = {**app.conf.broker_transport_options, "socket_timeout": BROKER_SECONDS}
    options["socket_connect_timeout"] = BROKER_SECONDS
    try:
        with app.connection_for_read(transport_options=options) as broker:
            broker.ensure_connection(max_retries=0, timeout=BROKER_SECONDS)
            broker.default_channel.client.ping()
    except (OperationalError, OSError, RedisError):
        return "no answer"
    return "ok"


def probe_planning() -> str:
    """Planning runs every minute: a reader whose hour is long past says that it does not."""
    late = timezone.now() - OVERDUE_AFTER
    overdue = Subscriber.objects.filter(status=Subscriber.Status.CONFIRMED, next_send_at__lt=late)
    try:
        return "overdue" if overdue.exists() else "ok"
    except DatabaseError:
        return "unknown"


PROBES: dict[str, Callable[[], str]] = {
    "database": probe_database,
    "broker": probe_broker,
    "planning": probe_planning,
}
