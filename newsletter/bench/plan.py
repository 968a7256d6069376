"""`bench plan`: who gets which letter, in bulk on four kinds of days, and reader by reader."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from newsletter.bench.letters import own_database
from newsletter.bench.readers import store_edition, store_readers
from newsletter.bench.report import Clock, Say
from newsletter.models import Delivery, Edition
from newsletter.planning import plan_deliveries
from subscribers.models import Subscriber

FIRST, LATER = "the first day", "a later day"
STALE, OUTAGE = "by stale statistics", "after an outage"
DAYS = (FIRST, LATER, STALE, OUTAGE)
SAMPLE = 500  # readers planned one by one
FAR = dt.timedelta(days=400)


def measure_plan(readers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; all of it happens in a database of its own."""
    clock = Clock(say)
    with own_database():
        now = timezone.now()
        with clock.time("store readers"):
            store_readers(readers, store_edition(20, 200, seed, now), seed, now)
            _keep_statistics()
        planned = []
        for number, day in enumerate(DAYS):
            if number:
                now = _begin_day(number, waiting=day == OUTAGE, stale=day == STALE)
            with clock.time(day):
                planned.append(plan_deliveries(now))
        now = _begin_day(len(DAYS), waiting=False, stale=False)
        with clock.time("one by one"):
            sample = _plan_one_by_one(now)
    each = {day: clock.seconds[day] / max(n, 1) for day, n in zip(DAYS, planned, strict=True)}
    slow = clock.seconds["one by one"] / max(sample, 1)
    return {
        "ratios": {
            "readers/s in bulk, of one by one": slow / each[FIRST],
            **{f"seconds a reader {day}, of {FIRST}": each[day] / each[FIRST] for day in DAYS[1:]},
        },
        "figures": {
            "readers": readers,
            **{f"µs a reader, {day}": took * 1e6 for day, took in each.items()},
            "µs a reader, one by one": slow * 1e6,
        },
    }


def _keep_statistics() -> None:
    """Let the database learn of the tables by a word of ours alone."""
    with connection.cursor() as cursor:
        for table in ("subscribers_subscriber", "newsletter_delivery"):
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")


def _begin_day(number: int, *, waiting: bool, stale: bool) -> dt.datetime:
    """Make the next edition; return an instant at which all readers are due.

    The letters before it are out, but where they are left `waiting`; the statistics are those of an
    hour at which nobody was due, where they are `stale`.
    """
    last = Edition.objects.latest("date")
    Edition.objects.create(
        date=last.date + dt.timedelta(days=1),
        frozen_at=last.frozen_at,
        matched_at=last.matched_at,
    )
    if not waiting:
        waits = Delivery.objects.filter(state="queued")
        waits.update(state="empty", finished_at=timezone.now(), detail="nothing matched")
    due_at = timezone.now() + dt.timedelta(days=number)
    Subscriber.objects.update(next_send_at=due_at + FAR if stale else due_at)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE subscribers_subscriber, newsletter_delivery")
    if stale:
        Subscriber.objects.update(next_send_at=due_at)
    return due_at + dt.timedelta(seconds=1)


def _plan_one_by_one(now: dt.datetime) -> int:
    """Plan a sample as a loop over readers would; return how many."""
    edition = Edition.objects.latest("date")
    due = Subscriber.objects.filter(status="confirmed", next_send_at__lte=now).order_by("pk")
    sample = list(due[:SAMPLE])
    for reader in sample:
        with transaction.atomic():
            Delivery.objects.get_or_create(
                edition=edition,
                subscriber=reader,
                defaults={"covers_from": edition.date, "planned_at": now, "next_at": now},
            )
            reader.covered_until = edition.date
            reader.next_send_at = now + dt.timedelta(days=1)
            reader.save(update_fields=["covered_until", "next_send_at"])
    return len(sample)
