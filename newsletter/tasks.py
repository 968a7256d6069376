"""The flow under Celery: each task calls a function and enqueues what follows from it.

Tasks are hints. They carry limits, never addresses or lists; any of them may be lost, doubled or
late without harm, because the ledger decides what is done. What must not wait (the minute,
recovery, confirmations) goes through the queue `at_once`, letters through `digests`.
"""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from newsletter import acronyms, clock, days, recovery

logger = logging.getLogger(__name__)
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
    if not drained.why:
        ask_for_delivery()
    return drained.states


@shared_task  # type: ignore[untyped-decorator]
def recover() -> dict[str, int]:
    """Every PAPER_ROUND_SWEEP seconds: settle what dead workers held."""
    recovered = recovery.recover()
    ask_for_delivery()
    return {"settled": recovered.settled, "in_doubt": recovered.in_doubt}


@shared_task  # type: ignore[untyped-decorator]
def learn_synonyms() -> dict[str, int]:
    """Daily: propose what new papers define; nothing counts before the operator accepts it."""
    learnt = acronyms.learn_synonyms()
    return {"papers": learnt.papers, "proposed": learnt.proposed}


def ask_for_delivery() -> None:
    """Hint that letters are due, if any are; a broker that is away costs the hint alone."""
    if not days.has_due_deliveries():
        return
    try:
        deliver.apply_async(expires=HINT_SECONDS)
    except OperationalError as error:
        logger.warning("no hint: %s", type(error).__name__)


def is_beat_late(seconds: float) -> bool:
    """Return whether the site's minute has not run for `seconds`, by any scheduler."""
    last = clock.last_tick()
    return last is None or (timezone.now() - last).total_seconds() > seconds
