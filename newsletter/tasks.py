"""The flow under Celery: each task calls a function and enqueues what follows from it.

Tasks are hints. They carry limits, never addresses or lists; any of them may be lost, doubled or
late without harm, because the ledger decides what is done. What must not wait (the minute,
recovery, confirmations) goes through the queue `at_once`, letters through `digests`.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import RedisError

from newsletter import (
    chores,
    clock,
    days,
    fetching,
    recovery,
    subscribing,
    thumbnail_fetching,
    watching,
)

logger = logging.getLogger(__name__)

AWAY = (OperationalError, OSError, RedisError)  # the broker
# Seconds; and one attempt: a connection would otherwise be tried again for ever.
IMPATIENT = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 0}
NOTICES = 100  # service mails of one task
DELIVER_SECONDS = 20  # well under the time limit
HINT_SECONDS = 60  # a hint to deliver is of no use for longer: the next one comes


@shared_task  # type: ignore[untyped-decorator]
def run_minute() -> dict[str, int]:
    """Once a minute: freeze, match and plan what is due, then ask for delivery."""
    now = timezone.now()
    if why := clock.check_clock(now):
        logger.error("held: %s: set it right, or say manage.py resume --clock", why)
        return {"planned": 0}
    planned = days.run_minute(now)
    ask_for_delivery()
    return {"planned": planned}


@shared_task  # type: ignore[untyped-decorator]
def deliver() -> dict[str, int]:
    """Deliver what is due for up to 20 seconds; ask again if more is left."""
    drained = days.drain_deliveries(seconds=DELIVER_SECONDS)
    if drained.is_cut:
        ask_for_delivery()
    return drained.states


@shared_task  # type: ignore[untyped-decorator]
def send_notices() -> dict[str, int]:
    """Answer the forms that came in and send the service mail that is due, ahead of the letters."""
    run = subscribing.send_service_mail(timezone.now(), NOTICES)
    if not run.relay and subscribing.has_service_mail():
        send_notices.delay()
    return run.states


def send_notices_soon() -> None:
    """Ask for `send_notices` once the transaction commits; without Redis the next minute does it.

    For the edges: a broker that is away must not lose what a reader asked for, nor say 500.
    """
    transaction.on_commit(_ask_for_notices)


def hint(task: Any, **options: Any) -> None:
    """Enqueue a hint and wait two seconds for the broker, not the half minute a worker waits.

    Raises one of `AWAY`. A broker that takes connections and answers nothing must not hold a page.
    """
    with current_app.connection_for_write(transport_options=IMPATIENT) as broker:
        task.apply_async(connection=broker, retry=False, **options)


def _ask_for_notices() -> None:
    try:
        hint(send_notices)
    except AWAY:
        logger.warning("the broker is away: service mail waits for the next minute")


def deliver_soon() -> None:
    """As `send_notices_soon`, for a letter a reader asked for now."""
    transaction.on_commit(ask_for_delivery)


@shared_task  # type: ignore[untyped-decorator]
def recover() -> dict[str, int]:
    """Every PAPER_ROUND_SWEEP seconds: settle what dead workers held."""
    recovered = recovery.recover()
    ask_for_delivery()
    return {"settled": recovered.settled, "in_doubt": recovered.in_doubt}


def ask_for_delivery() -> None:
    """Hint that letters are due, if any are; a broker that is away costs the hint alone."""
    if not (days.has_due_deliveries() or days.find_nap(0.0)):
        return
    try:
        hint(deliver, expires=HINT_SECONDS)
    except AWAY as error:
        logger.warning("no hint: %s", type(error).__name__)


def is_beat_late(seconds: float) -> bool:
    """Return whether the site's minute has not run for `seconds`, by any scheduler."""
    last = clock.last_tick()
    return last is None or (timezone.now() - last).total_seconds() > seconds


@shared_task  # type: ignore[untyped-decorator]
def fetch_due_sources() -> dict[str, int]:
    """Every minute: judge the sources' days, tell operators of trouble, begin with what is due."""
    told = watching.watch_sources(timezone.now())
    source = fetch_next()
    ask_for_thumbnails()
    return {"told": told, "source": source}


@shared_task  # type: ignore[untyped-decorator]
def fetch_papers(source_id: int) -> dict[str, int]:
    """Look at one source, if it is still due and nobody else does."""
    report = fetching.fetch_source(source_id)
    fetch_next()
    ask_for_thumbnails()
    return {"papers": report.papers, "new": report.new} if report else {}


def fetch_next() -> int:
    """Ask for the next source that is due, one at a time; return its id, 0 for none."""
    source_id = fetching.next_due_source(timezone.now())
    if source_id:
        fetch_papers.delay(source_id)
    return source_id or 0


@shared_task  # type: ignore[untyped-decorator]
def fetch_thumbnails() -> dict[str, int]:
    """Fetch the pictures of papers that are due, for about a minute; ask again if more are left."""
    done = thumbnail_fetching.fetch_thumbnails()
    if done.more:
        ask_for_thumbnails()
    return {"kept": done.kept, "failed": done.failed}


def ask_for_thumbnails() -> None:
    """Hint that pictures are due, if any are and nobody fetches them; the next minute does too."""
    if not thumbnail_fetching.has_due_thumbnails():
        return
    try:
        hint(fetch_thumbnails, expires=HINT_SECONDS)
    except AWAY as error:
        logger.warning("no hint: %s", type(error).__name__)


@shared_task  # type: ignore[untyped-decorator]
def do_chores() -> dict[str, list[str]]:
    """Every hour: what no process has done for most of a day."""
    return {"done": chores.do_chores(timezone.now())}
