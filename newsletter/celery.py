"""Celery's app: tasks are hints with limits, the ledger in PostgreSQL is the truth."""

from __future__ import annotations

import logging
import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import after_setup_logger, after_setup_task_logger

from newsletter.redaction import redact_handlers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")

app = Celery("newsletter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["newsletter"])
app.conf.beat_schedule = {
    "run-minute": {"task": "newsletter.tasks.run_minute", "schedule": 60.0},
    "fetch-due": {"task": "newsletter.tasks.fetch_due_sources", "schedule": 60.0},
    "recover": {"task": "newsletter.tasks.recover", "schedule": 30.0},
    "prune": {"task": "newsletter.tasks.prune", "schedule": crontab(hour=4, minute=20)},
    "learn-synonyms": {
        "task": "newsletter.tasks.learn_synonyms",
        "schedule": crontab(hour=3, minute=40),
    },
}


def redact_logs(logger: logging.Logger, **options: object) -> None:
    """A worker's log holds no address, as no other log does."""
    redact_handlers(logger)


after_setup_logger.connect(redact_logs)
after_setup_task_logger.connect(redact_logs)
