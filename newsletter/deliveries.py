"""The ledger: claim, prepare, record. Every statement filters the row's own columns only.

PostgreSQL is the queue of record. A claim that filtered through a join would be re-checked under
READ COMMITTED without that join, and two workers would both win; leases run on the database's
clock, so workers' clocks do not matter.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count

from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.replies import retry_delay
from newsletter.models import Delivery

RELAY_PAUSE = timedelta(minutes=1)
# The letter at which the relay hung up waits longer: should it be the cause, it heads no batch.
CULPRIT_PAUSE = timedelta(minutes=10)

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


def record_outcomes(owner: str, entries: Sequence[Entry]) -> set[int]:
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
    return len(record_outcomes(owner, entries))


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
