"""The ledger: plan, claim, record. Every statement filters the row's own columns only.

PostgreSQL is the queue of record. A claim that filtered through a join would be re-checked under
READ COMMITTED without that join, and two workers would both win; leases run on the database's
clock, so workers' clocks do not matter.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from newsletter.editions import latest_matched_edition
from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.replies import retry_delay
from newsletter.models import Delivery, Edition
from subscribers.models import Subscriber
from subscribers.schedule import next_send_at, send_instant

# Serialises planning: two beats, or a beat and run_day, plan one after the other.
PLAN_LOCK = 0x706C_616E  # "plan"
MERGE_WITHIN = timedelta(hours=6)  # an overdue letter waits for the next one if that is so near
OVERDUE = timedelta(hours=1)
RELAY_PAUSE = timedelta(minutes=1)
# The letter at which the relay hung up waits longer: should it be the cause, it heads no batch.
CULPRIT_PAUSE = timedelta(minutes=10)

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
CLAIM = """
UPDATE newsletter_delivery SET state = 'sending', owner = %s, lease_until = now() + %s,
  attempts = attempts + 1
WHERE id IN (
  SELECT id FROM newsletter_delivery
  WHERE state IN ('queued', 'deferred') AND next_at <= now()
  ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, edition_id, subscriber_id, covers_from, planned_at, attempts, picks
"""
RECORD = """
UPDATE newsletter_delivery AS d SET
  state = v.state, code = NULLIF(v.code, 0), detail = v.detail, owner = '', lease_until = NULL,
  attempts = d.attempts - v.unburnt, doubts = d.doubts + v.doubt,
  next_at = COALESCE(now() + v.delay, d.next_at),
  finished_at = CASE WHEN v.state IN ('sent', 'failed', 'cancelled', 'empty') THEN now() END
FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::int[], %s::int[],
  %s::interval[]) AS t(id, state, code, detail, unburnt, doubt, delay)) AS v
WHERE d.id = v.id AND d.owner = %s AND d.state = 'sending'
RETURNING d.id
"""
HASTEN = """
UPDATE newsletter_delivery SET next_at = now() WHERE state = 'queued' AND next_at > now()
"""
PREPARE = """
UPDATE newsletter_delivery AS d SET message_id = v.message_id, picks = v.picks::jsonb
FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, message_id, picks)) AS v
WHERE d.id = v.id AND d.owner = %s AND d.state = 'sending' AND d.lease_until > now()
RETURNING d.id
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """Readers who share an hour: their next letter is one instant, planned in one statement."""

    timezone: str
    send_time: time
    weekdays: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this owner holds until its lease ends."""

    id: int
    edition_id: int
    subscriber_id: int
    covers_from: date
    planned_at: datetime
    attempts: int
    picks: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written of one claimed delivery. `delay` sets when it may be claimed again."""

    delivery_id: int
    state: str
    code: int = 0
    detail: str = ""
    delay: timedelta | None = None
    burns_attempt: bool = True
    doubt: bool = False


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


def claim_deliveries(owner: str, limit: int) -> list[Claimed]:
    """Claim up to `limit` deliveries that are due, for settings.LEASE; none goes to two owners."""
    values: list[Any] = [owner, settings.LEASE, limit]
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    claimed = [Claimed(*fields, picks=_json(picks)) for *fields, picks in rows]  # type: ignore[misc]
    return sorted(claimed, key=lambda item: item.id)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def prepare_deliveries(owner: str, letters: Sequence[tuple[int, str, str]]) -> set[int]:
    """Write (delivery id, Message-ID, picks as JSON) before sending; return the ids still held.

    This is the fence: what the lease no longer holds is not sent.
    """
    columns: list[list[Any]] = [list(column) for column in zip(*letters, strict=True)]
    if not columns:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(PREPARE, [*columns, owner])
        return {row[0] for row in cursor.fetchall()}


def record_entries(owner: str, entries: Sequence[Entry]) -> set[int]:
    """Write what became of claimed deliveries; return the ids that were still this owner's."""
    if not entries:
        return set()
    columns: list[list[Any]] = [
        [entry.delivery_id for entry in entries],
        [entry.state for entry in entries],
        [entry.code for entry in entries],
        [entry.detail[:300] for entry in entries],
        [int(not entry.burns_attempt) for entry in entries],
        [int(entry.doubt) for entry in entries],
        [entry.delay for entry in entries],
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [*columns, owner])
        return {row[0] for row in cursor.fetchall()}


def judge_outcome(outcome: Outcome, attempts: int) -> Entry:
    """Return what the ledger writes of an outcome, `attempts` being those made so far."""
    state, delay = Delivery.State.FAILED, None
    match outcome.verdict:
        case Verdict.SENT:
            state = Delivery.State.SENT
        case Verdict.SOFT:
            delay = retry_delay(attempts, random.uniform(-1, 1))  # noqa: S311 - spreads retries
            if delay is not None:
                state = Delivery.State.DEFERRED
        case Verdict.IN_DOUBT:
            state = Delivery.State.IN_DOUBT
        case Verdict.RELAY | Verdict.OURS:
            state, delay = Delivery.State.QUEUED, CULPRIT_PAUSE
    return Entry(
        outcome.delivery_id,
        state,
        outcome.code,
        outcome.detail,
        delay,
        burns_attempt=outcome.verdict not in (Verdict.RELAY, Verdict.OURS),
        doubt=outcome.verdict is Verdict.IN_DOUBT,
    )


def release_deliveries(owner: str, delivery_ids: Iterable[int], pause: timedelta) -> int:
    """Give claimed deliveries back untouched, to be claimed again after `pause`."""
    entries = [
        Entry(key, Delivery.State.QUEUED, delay=pause, burns_attempt=False) for key in delivery_ids
    ]
    return len(record_entries(owner, entries))


def hasten_deliveries() -> int:
    """Make queued letters that wait for the relay due at once; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(HASTEN)
        return int(cursor.rowcount)


def count_states(edition_ids: Iterable[int] | None = None) -> dict[str, int]:
    """Return {state: number of deliveries}, of these editions or of all."""
    deliveries = Delivery.objects.all()
    if edition_ids is not None:
        deliveries = deliveries.filter(edition__in=list(edition_ids))
    counts = deliveries.values_list("state").annotate(number=Count("id"))
    return dict(counts)
