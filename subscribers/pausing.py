"""Letters that rest for a while and resume by themselves, and an unsubscribe taken back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext

from subscribers.fields import ReaderError
from subscribers.interests import lock_reader
from subscribers.models import Subscriber
from subscribers.rescheduling import day_before, first_send_at

LONGEST_PAUSE = timedelta(days=366)
RESUMED_AT_ONCE = 500  # readers per call: the next minute takes the others
AHEAD = timedelta(hours=14)  # the earliest time zone: there a date begins so long before UTC's

Status = Subscriber.Status


def pause_reader(subscriber_id: int, until: date | None, now: datetime) -> None:
    """Send nothing until the reader's local date `until`; without one until they say so.

    `ReaderError` for a date that is not to come, or who does not read: unconfirmed, unsubscribed.
    """
    with transaction.atomic():
        row = lock_reader(subscriber_id)
        today = now.astimezone(ZoneInfo(row.timezone)).date()
        if until is not None and not today < until <= today + LONGEST_PAUSE:
            raise ReaderError(
                "until",
                gettext("{day} is no day to pause until").format(day=until),
                gettext("choose a day from tomorrow, within a year"),
            )
        if row.status not in (Status.CONFIRMED, Status.PAUSED):
            problem, mend = gettext("there are no letters to pause"), gettext("subscribe first")
            raise ReaderError("status", problem, mend)
        row.status, row.paused_until, row.next_send_at = Status.PAUSED, until, None
        row.save(update_fields=["status", "paused_until", "next_send_at"])


def resume_reader(subscriber_id: int, now: datetime) -> datetime | None:
    """End a pause; return the next letter's UTC instant, None where there was no pause.

    Letters begin with the day they resume: what was announced meanwhile is not caught up.
    """
    with transaction.atomic():
        row = lock_reader(subscriber_id)
        if row.status != Status.PAUSED:
            return row.next_send_at
        return begin_again(row, now)


def resume_due(now: datetime) -> int:
    """Resume the readers whose pause ends on or before their own today; return how many.

    One query where nobody's does.
    """
    rows = Subscriber.objects.filter(
        status=Status.PAUSED, paused_until__lte=(now + AHEAD).date()
    ).order_by("paused_until", "pk")
    resumed = 0
    for subscriber_id, until, zone in list(
        rows.values_list("pk", "paused_until", "timezone")[:RESUMED_AT_ONCE]
    ):
        if until is None or until > now.astimezone(ZoneInfo(zone)).date():
            continue
        with suppress(ReaderError), transaction.atomic():  # erased meanwhile
            row = lock_reader(subscriber_id)
            if row.status == Status.PAUSED and row.paused_until == until:  # not changed meanwhile
                begin_again(row, now)
                resumed += 1
    return resumed


def begin_again(row: Subscriber, now: datetime) -> datetime:
    """Make a locked reader a reading one from today; return the next letter's UTC instant."""
    row.next_send_at = first_send_at(
        now, row.send_time, row.timezone, row.weekdays, _spent(row, now)
    )
    row.status, row.paused_until, row.unsubscribed_at = Status.CONFIRMED, None, None
    row.covered_until = max(row.covered_until or day_before(now), day_before(now))
    row.save(
        update_fields=[
            "status", "paused_until", "unsubscribed_at", "next_send_at", "covered_until",
        ]
    )  # fmt: skip
    return row.next_send_at


def _spent(row: Subscriber, now: datetime) -> date | None:
    """Return the reader's today if a letter covered it: then the next comes tomorrow."""
    today = now.astimezone(ZoneInfo(row.timezone)).date()
    return today if row.covered_until and row.covered_until >= today else None
