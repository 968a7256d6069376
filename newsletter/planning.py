"""Which reader gets which letter, and when: one row in the ledger each, in bulk SQL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection, transaction
from django.db.models import Q

from newsletter.clock import is_catching_up, last_return
from newsletter.editions import is_edition_coming, latest_matched_edition
from newsletter.models import Edition
from newsletter.planning_sql import (
    BEHIND,
    BOUNDS,
    DUE,
    INSERT_ONE,
    LAST,
    PLAN,
    PLAN_PAST,
    walked,
)
from subscribers.models import EVERY_DAY, Subscriber
from subscribers.schedule import next_send_at, send_instant

logger = logging.getLogger(__name__)
# Serialises planning: two beats, or a beat and run_day, plan one after the other.
PLAN_LOCK = 0x706C_616E  # "plan"
MERGE_WITHIN = timedelta(hours=6)  # an overdue letter waits for the next one if that is so near
OVERDUE = timedelta(hours=1)
CHUNK = 20_000  # readers planned in one transaction: their rows are locked no longer than that
STRANDED = timedelta(hours=50)  # no every-day reader waits that long, unless a clock was wrong
STRANDED_WEEKLY = timedelta(days=16)


@dataclass(frozen=True, slots=True)
class Slot:
    """Readers who share an hour: their next letter is one instant."""

    timezone: str
    send_time: time
    weekdays: int
    due_at: datetime | None


def plan_deliveries(now: datetime) -> int:
    """Give every reader whose hour has come one row in the ledger; return how many rows.

    The row covers the editions after the reader's cursor; the cursor and the next instant move in
    the same transaction. Who has no new edition gets no row, only the next instant; while today's
    is being made they stay due, for an hour at most. The number of statements does not grow with
    the readers, but for one for each 20,000 of them.
    """
    due = Subscriber.objects.filter(
        status=Subscriber.Status.CONFIRMED, next_send_at__isnull=False, next_send_at__lte=now
    )
    names = ("timezone", "send_time", "weekdays", "next_send_at")
    slots = [Slot(*row) for row in due.values_list(*names).distinct()]
    return _plan_slots(slots, DUE, now)


def _plan_slots(
    slots: Sequence[Slot], which: str, now: datetime, edition: Edition | None = None
) -> int:
    """Plan the readers of these slots, 20,000 in one transaction; return how many rows."""
    planned = 0
    after = 0
    bounds = _find_bounds(which, now, edition) if slots else []
    statement = PLAN.format(which=which if len(bounds) == 1 else walked(which))
    waits_from = _find_waiting(now) if bounds and edition is None else None
    for last in bounds:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
            newest = edition or latest_matched_edition()
            columns = _plan_columns(slots, newest is not None, now, waits_from)
            values = columns | {
                "now": now,
                "after": after,
                "last": last,
                "edition": newest.pk if newest else None,
                "date": newest.date if newest else None,
            }
            cursor.execute(statement, values)
            planned += cursor.fetchall()[0][1]
        after = last
    return planned


def _find_bounds(which: str, now: datetime, edition: Edition | None) -> list[int]:
    """Return the last id of each chunk; the last has no end, for readers who come meanwhile."""
    values = {"now": now, "date": edition.date if edition else None, "chunk": CHUNK}
    with connection.cursor() as cursor:
        cursor.execute(BOUNDS.format(which=which), values)
        return [row[0] for row in cursor.fetchall()] + [LAST]


def _find_waiting(now: datetime) -> datetime | None:
    """Return since when who is due waits for an edition that is coming, None where none is.

    An hour; after a downtime all who were due meanwhile, for an hour.
    """
    back_at = last_return()
    if not (is_edition_coming(now) or is_catching_up(back_at, now)):
        return None
    if back_at is not None and now - back_at <= OVERDUE:
        return datetime.min.replace(tzinfo=UTC)
    return now - OVERDUE


def _plan_columns(
    slots: Sequence[Slot], sends: bool, now: datetime, waits_from: datetime | None = None
) -> dict[str, Any]:
    """Return what the statement joins with the readers: slots, next instants, whether now.

    Who has had all editions and was due after `waits_from` waits for the one that is coming.
    """
    rows = [
        (
            *astuple(slot),
            *_next_of(slot, sends, now),
            bool(slot.due_at and waits_from and slot.due_at >= waits_from),
        )
        for slot in slots
    ]
    names = ("zones", "times", "weekdays", "dues", "nexts", "sends", "holds")
    columns = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, columns, strict=True))


def _next_of(slot: Slot, sends: bool, now: datetime) -> tuple[datetime, bool]:
    """Return a slot's next instant, and whether its readers get a letter now."""
    slot = _readable(slot)
    today = now.astimezone(ZoneInfo(slot.timezone)).date()
    regular = next_send_at(now, slot.send_time, slot.timezone, slot.weekdays)
    if slot.due_at and now - slot.due_at > OVERDUE and regular - now < MERGE_WITHIN:
        return regular, False  # after a downtime: one letter at the usual hour, not two within six
    return next_send_at(now, slot.send_time, slot.timezone, slot.weekdays, today), sends


def _readable(slot: Slot) -> Slot:
    """Return the slot, or one to go by where its zone is none: it must stop no other."""
    try:
        ZoneInfo(slot.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.error("no time zone: %r: its readers are planned by UTC", slot.timezone)
        return replace(slot, timezone="UTC")
    return slot


def mend_schedules(now: datetime) -> int:
    """Give readers a next letter whom a clock, since set back, put off; return how many.

    Their letter is due at the next regular hour. A reader whose letter is legitimately far off
    keeps it: no reader of every day waits 50 hours, none of some days 16 days.
    """
    stranded = Subscriber.objects.filter(
        Q(weekdays=EVERY_DAY, next_send_at__gt=now + STRANDED)
        | Q(next_send_at__gt=now + STRANDED_WEEKLY),
        status=Subscriber.Status.CONFIRMED,
        next_send_at__gt=now + STRANDED,
    )
    mended = 0
    for slot in stranded.values_list("timezone", "send_time", "weekdays").distinct():
        zone, at, weekdays = slot
        mine = stranded.filter(timezone=zone, send_time=at, weekdays=weekdays)
        known = _readable(Slot(zone, at, weekdays, None)).timezone
        mended += mine.update(next_send_at=next_send_at(now, at, known, weekdays))
    return mended


def plan_edition(edition_id: int, now: datetime, *, everyone: bool) -> int:
    """Plan one edition by the operator's word and return how many rows.

    `everyone`: also readers whose hour has not come; else those whose hour on the edition's own
    date has. Nobody gets a day twice, whatever letter covered it.
    """
    edition = Edition.objects.defer("matched_queries").get(pk=edition_id)
    confirmed = Subscriber.objects.filter(status=Subscriber.Status.CONFIRMED)
    rows = confirmed.values_list("timezone", "send_time", "weekdays").distinct()
    slots = [Slot(*row, None) for row in rows]
    slots = [slot for slot in slots if everyone or _hour_has_come(slot, edition.date, now)]
    return _plan_past(slots, edition, now) + _plan_slots(slots, BEHIND, now, edition)


def _hour_has_come(slot: Slot, day: date, now: datetime) -> bool:
    slot = _readable(slot)
    instant = send_instant(day, slot.send_time, slot.timezone)
    on_this_day = bool(slot.weekdays & 1 << day.weekday())
    return on_this_day and instant is not None and instant <= now


def _plan_past(slots: Sequence[Slot], edition: Edition, now: datetime) -> int:
    """Plan a day before the readers' cursors, for those no letter covered it; return how many."""
    if not slots:
        return 0
    values = _plan_columns(slots, True, now) | {
        "now": now,
        "edition": edition.pk,
        "date": edition.date,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
        cursor.execute(PLAN_PAST, values)
        return int(cursor.rowcount)


def plan_reader(edition_id: int, subscriber_id: int, now: datetime) -> bool:
    """Plan one edition for one confirmed reader, before all other letters; False if they had it.

    Their next letter is that of the first day after this edition's, which covers what came since.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
        edition = Edition.objects.get(pk=edition_id)
        rows = Subscriber.objects.values_list("send_time", "timezone", "weekdays")
        at, zone, weekdays = rows.get(pk=subscriber_id)
        values: dict[str, Any] = {
            "edition": edition_id,
            "date": edition.date,
            "reader": subscriber_id,
            "next": next_send_at(now, at, zone, weekdays, edition.date),
            "now": now,
        }
        cursor.execute(INSERT_ONE, values)
        return bool(cursor.rowcount)
