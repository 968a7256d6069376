"""Which reader gets which letter, and when: one row in the ledger each, in bulk SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from newsletter.editions import latest_matched_edition
from newsletter.models import Edition
from subscribers.models import Subscriber
from subscribers.schedule import next_send_at, send_instant

# Serialises planning: two beats, or a beat and run_day, plan one after the other.
PLAN_LOCK = 0x706C_616E  # "plan"
MERGE_WITHIN = timedelta(hours=6)  # an overdue letter waits for the next one if that is so near
OVERDUE = timedelta(hours=1)

INSERT = """
WITH due AS (
  SELECT id, covered_until FROM subscribers_subscriber
  WHERE status = 'confirmed' AND {where} FOR UPDATE
), moved AS (
  UPDATE subscribers_subscriber AS s
  SET next_send_at = %(next)s, covered_until = GREATEST(s.covered_until, %(date)s)
  FROM due WHERE s.id = due.id
)
INSERT INTO newsletter_delivery
  (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
   owner, picks, message_id, detail)
SELECT %(edition)s, id, COALESCE(covered_until + 1, %(date)s), 'queued', %(now)s, now(), 0, 0,
  '', '[]', '', ''
FROM due WHERE covered_until IS NULL OR covered_until < %(date)s
ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""
MOVE = """
UPDATE subscribers_subscriber SET next_send_at = %(next)s WHERE status = 'confirmed' AND {where}
"""
# A day of the past, by the operator's word: not for whom a letter covered that day already.
INSERT_PAST = """
INSERT INTO newsletter_delivery
  (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
   owner, picks, message_id, detail)
SELECT %(edition)s, id, %(date)s, 'queued', %(now)s, now(), 0, 0, '', '[]', '', ''
FROM subscribers_subscriber AS s
WHERE status = 'confirmed' AND timezone = %(timezone)s AND send_time = %(send_time)s
  AND weekdays = %(weekdays)s AND covered_until >= %(date)s
  AND NOT EXISTS (
    SELECT 1 FROM newsletter_delivery AS d JOIN newsletter_edition AS e ON e.id = d.edition_id
    WHERE d.subscriber_id = s.id AND d.covers_from <= %(date)s AND e.date >= %(date)s)
ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""

# One reader's letter, asked for now: due before all others.
INSERT_ONE = """
WITH mine AS (
  SELECT id FROM subscribers_subscriber WHERE id = %(reader)s AND status = 'confirmed' FOR UPDATE
), moved AS (
  UPDATE subscribers_subscriber AS s
  SET covered_until = GREATEST(s.covered_until, %(date)s),
    next_send_at = GREATEST(s.next_send_at, %(next)s)
  FROM mine WHERE s.id = mine.id
)
INSERT INTO newsletter_delivery
  (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
   owner, picks, message_id, detail)
SELECT %(edition)s, id, %(date)s, 'queued', %(now)s, now() - interval '1 day', 0, 0, '', '[]', '',
  ''
FROM mine WHERE NOT EXISTS (
  SELECT 1 FROM newsletter_delivery AS d JOIN newsletter_edition AS e ON e.id = d.edition_id
  WHERE d.subscriber_id = mine.id AND d.covers_from <= %(date)s AND e.date >= %(date)s)
ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """Readers who share an hour: their next letter is one instant, planned in one statement."""

    timezone: str
    send_time: time
    weekdays: int
    due_at: datetime | None


def plan_deliveries(now: datetime) -> int:
    """Give every reader whose hour has come one row in the ledger; return how many rows.

    The row covers the editions after the reader's cursor; the cursor and the next instant move in
    the same transaction. Who has no new edition gets no row, only the next instant.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
        edition = latest_matched_edition()
        due = Subscriber.objects.filter(
            status=Subscriber.Status.CONFIRMED, next_send_at__isnull=False, next_send_at__lte=now
        )
        slots = due.values_list("timezone", "send_time", "weekdays", "next_send_at").distinct()
        return sum(_plan_slot(cursor, Slot(*slot), edition, now) for slot in slots)


def _plan_slot(cursor: Any, slot: Slot, edition: Edition | None, now: datetime) -> int:
    today = now.astimezone(ZoneInfo(slot.timezone)).date()
    regular = next_send_at(now, slot.send_time, slot.timezone, slot.weekdays)
    if slot.due_at and now - slot.due_at > OVERDUE and regular - now < MERGE_WITHIN:
        edition = None  # after a downtime: one letter at the usual hour, not two within six hours
    else:
        regular = next_send_at(now, slot.send_time, slot.timezone, slot.weekdays, today)
    values = {
        "timezone": slot.timezone,
        "send_time": slot.send_time,
        "weekdays": slot.weekdays,
        "due_at": slot.due_at,
        "next": regular,
        "now": now,
    }
    where = (
        "timezone = %(timezone)s AND send_time = %(send_time)s AND weekdays = %(weekdays)s "
        "AND next_send_at IS NOT DISTINCT FROM %(due_at)s"
    )
    if edition is None:
        cursor.execute(MOVE.format(where=where), values)
        return 0
    values |= {"edition": edition.pk, "date": edition.date}
    cursor.execute(INSERT.format(where=where), values)
    return int(cursor.rowcount)


def plan_edition(edition_id: int, now: datetime, *, everyone: bool) -> int:
    """Plan one edition by the operator's word and return how many rows.

    `everyone`: also readers whose hour has not come; else those whose hour on the edition's own
    date has. Nobody gets a day twice, whatever letter covered it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
        edition = Edition.objects.get(pk=edition_id)
        confirmed = Subscriber.objects.filter(status=Subscriber.Status.CONFIRMED)
        slots = confirmed.values_list("timezone", "send_time", "weekdays").distinct()
        planned = 0
        for zone, at, weekdays in slots:
            slot = Slot(zone, at, weekdays, None)
            if everyone or _hour_has_come(slot, edition.date, now):
                planned += _plan_slot_for(cursor, slot, edition, now)
        return planned


def _hour_has_come(slot: Slot, day: date, now: datetime) -> bool:
    instant = send_instant(day, slot.send_time, slot.timezone)
    on_this_day = bool(slot.weekdays & 1 << day.weekday())
    return on_this_day and instant is not None and instant <= now


def _plan_slot_for(cursor: Any, slot: Slot, edition: Edition, now: datetime) -> int:
    today = now.astimezone(ZoneInfo(slot.timezone)).date()
    values = {
        "timezone": slot.timezone,
        "send_time": slot.send_time,
        "weekdays": slot.weekdays,
        "next": next_send_at(now, slot.send_time, slot.timezone, slot.weekdays, today),
        "now": now,
        "edition": edition.pk,
        "date": edition.date,
    }
    cursor.execute(INSERT_PAST, values)
    past = int(cursor.rowcount)
    where = (
        "timezone = %(timezone)s AND send_time = %(send_time)s AND weekdays = %(weekdays)s "
        "AND (covered_until IS NULL OR covered_until < %(date)s)"
    )
    cursor.execute(INSERT.format(where=where), values)
    return past + int(cursor.rowcount)


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
