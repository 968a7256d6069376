"""Celery's app: tasks are hints with limits, the ledger in PostgreSQL is the truth."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.signals import (
    after_setup_logger,
    after_setup_task_logger,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings

from newsletter import stopping
from newsletter.redaction import redact_handlers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
logger = logging.getLogger(__name__)
SWEEP = float(settings.SWEEP)  # seconds
MINUTE = 2 * SWEEP
LATE = 3 * SWEEP  # without a tick: then a worker does beat's work

app = Celery("newsletter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["newsletter"])
# A hint that was not taken before the next one comes is of no use: it expires, and a worker that
# was away finds no heap of them.
app.conf.beat_schedule = {
    "run-minute": {
        "task": "newsletter.tasks.run_minute",
        "schedule": MINUTE,
        "options": {"expires": MINUTE},
    },
    "recover": {
        "task": "newsletter.tasks.recover",
        "schedule": SWEEP,
        "options": {"expires": SWEEP},
    },
    "fetch-due": {
        "task": "newsletter.tasks.fetch_due_sources",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "chores": {
        "task": "newsletter.tasks.do_chores",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def finish_letters(**_: Any) -> None:
    """Have the children end their batches after the letter in hand (SIGTERM, a deploy)."""
    stopping.ask_to_stop()


@worker_ready.connect  # type: ignore[untyped-decorator]
def warn_of_eviction(**_: Any) -> None:
    """Say so where Redis may throw hints away: no letter is lost by it, but some come later."""
    with suppress(Exception), app.connection_for_read() as broker:
        found = broker.default_channel.client.config_get("maxmemory-policy")
        policy = found.get("maxmemory-policy", "noeviction")
        if policy != "noeviction":
            logger.warning("Redis may evict hints: set maxmemory-policy noeviction, not %s", policy)


@worker_ready.connect  # type: ignore[untyped-decorator]
def stand_in_for_beat(**_: Any) -> None:
    """Tick from this worker where beat is dead: a day must not wait for a scheduler."""
    threading.Thread(target=_stand_in, daemon=True, name="stand-in for beat").start()


def _stand_in() -> None:
    from django.db import Error, close_old_connections
    from kombu.exceptions import OperationalError

    from newsletter import tasks

    pause = threading.Event()
    while not pause.wait(SWEEP) and not stopping.is_stopping():
        try:
            close_old_connections()
            if tasks.is_beat_late(LATE):
                logger.warning("beat is late: this worker ticks")
                tasks.run_minute.apply_async(expires=MINUTE, retry=False)
        except (Error, OperationalError, OSError) as error:
            logger.warning("no tick: %s", type(error).__name__)
        finally:
            close_old_connections()


def redact_logs(logger: logging.Logger, **options: object) -> None:
    """A worker's log holds no address, as no other log does."""
    redact_handlers(logger)


after_setup_logger.connect(redact_logs)
after_setup_task_logger.connect(redact_logs)
