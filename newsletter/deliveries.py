"""The ledger: claim, prepare, record. Every statement filters the row's own columns only.

PostgreSQL is the queue of record. A claim that filtered through a join would be re-checked under
READ COMMITTED without that join, and two workers would both win; leases run on the database's
clock, so workers' clocks do not matter.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.replies import retry_delay
from newsletter.models import Delivery
from newsletter.pgarrays import interval_array, number_array, text_array
from newsletter.throttle import forget_queues

# The letter at which the relay hung up waits, longer each time: should it be the cause, it heads no
# batch. Where the relay is away it is not the letter's doing, and the circuit does the waiting.
CULPRIT_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))
# No queued letter waits longer by our doing; one that does was written by a clock since set back.
LONGEST_WAIT = timedelta(minutes=12)
CRASHES = 3  # workers that ended at a letter: then it is the letter

# A CTE, not `id IN (SELECT … LIMIT …)`: the planner may run such a sub-select once for every row,
# and with SKIP LOCKED each run finds other rows, so that more than the limit are claimed. The order
# is the index's: to sort those of one instant would look at all of them for every batch.
CLAIM = """
WITH due AS MATERIALIZED (
  SELECT id FROM newsletter_delivery
  WHERE state IN ('queued', 'deferred') AND next_at <= now() AND edition_id <> ALL(%s)
  ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE newsletter_delivery AS d SET state = 'sending', owner = %s, lease_until = now() + %s,
  attempts = d.attempts + 1
FROM due WHERE d.id = due.id
RETURNING d.id, d.edition_id, d.subscriber_id, d.covers_from, d.planned_at, d.attempts, d.picks,
  d.setbacks, d.message_id
"""
# The edition's first letters: those marked before, then new ones.
CLAIM_FIRST = """
WITH due AS MATERIALIZED (
  SELECT id FROM newsletter_delivery
  WHERE state IN ('queued', 'deferred') AND next_at <= now() AND edition_id = %s AND canary = %s
  ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE newsletter_delivery AS d SET state = 'sending', owner = %s, lease_until = now() + %s,
  attempts = d.attempts + 1, canary = true
FROM due WHERE d.id = due.id
RETURNING d.id, d.edition_id, d.subscriber_id, d.covers_from, d.planned_at, d.attempts, d.picks,
  d.setbacks, d.message_id
"""
RECORD = """
UPDATE newsletter_delivery AS d SET
  state = v.state, code = NULLIF(v.code, 0), detail = v.detail, owner = '', lease_until = NULL,
  attempts = d.attempts - v.unburnt, doubts = d.doubts + v.doubt,
  setbacks = d.setbacks + v.setback, crashes = d.crashes + v.crash,
  next_at = COALESCE(now() + v.delay, d.next_at),
  finished_at = CASE WHEN v.state IN ('sent', 'failed', 'cancelled', 'empty') THEN now() END
FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::int[], %s::int[],
  %s::int[], %s::int[], %s::interval[])
  AS t(id, state, code, detail, unburnt, doubt, setback, crash, delay)) AS v
WHERE d.id = v.id AND d.owner = %s AND d.state = 'sending'
RETURNING d.id
"""
MEND = """
UPDATE newsletter_delivery SET next_at = now()
WHERE state = 'queued' AND next_at > now() + %s OR state = 'deferred' AND next_at > now() + %s
"""
HASTEN = """
UPDATE newsletter_delivery SET next_at = now() WHERE state = 'queued' AND next_at > now()
"""
PREPARE = """
UPDATE newsletter_delivery AS d SET message_id = v.message_id, picks = v.picks::jsonb,
  lease_until = now() + %s
FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, message_id, picks)) AS v
WHERE d.id = v.id AND d.owner = %s AND d.state = 'sending' AND d.lease_until > now()
RETURNING d.id
"""


class Claimed(NamedTuple):
    """A delivery this owner holds until its lease ends."""

    id: int
    edition_id: int
    subscriber_id: int
    covers_from: date
    planned_at: datetime
    attempts: int
    picks: Sequence[Any]
    setbacks: int = 0
    message_id: str = ""  # as first composed: a letter resent keeps it, whatever was changed since


class Entry(NamedTuple):
    """What is to be written of one claimed delivery. `delay` sets when it may be claimed again."""

    delivery_id: int
    state: str
    code: int = 0
    detail: str = ""
    delay: timedelta | None = None
    burns_attempt: bool = True
    doubt: bool = False
    setback: bool = False
    crash: bool = False


def claim_deliveries(owner: str, limit: int, blocked: Sequence[int] = ()) -> list[Claimed]:
    """Claim up to `limit` deliveries that are due, for settings.LEASE; none goes to two owners.

    Letters of the editions `blocked` stay where they are.
    """
    with connection.cursor() as cursor:
        values: list[Any] = [list(blocked), limit, owner, settings.LEASE]
        cursor.execute(CLAIM, values)
        return _read_claimed(cursor.fetchall())


def claim_first_deliveries(owner: str, limit: int, edition_id: int, size: int) -> list[Claimed]:
    """Claim of the first `size` letters of an edition those that are due, at most `limit`.

    The edition's row is locked, so that all workers together take no more than `size`.
    """
    rows: list[tuple[Any, ...]] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM newsletter_edition WHERE id = %s FOR UPDATE", [edition_id])
        taken = Delivery.objects.filter(edition=edition_id, canary=True).count()
        for known, room in ((True, limit), (False, min(limit, size - taken))):
            if (room := min(room, limit - len(rows))) > 0:
                values: list[Any] = [edition_id, known, room, owner, settings.LEASE]
                cursor.execute(CLAIM_FIRST, values)
                rows += cursor.fetchall()
    return _read_claimed(rows)


def _read_claimed(rows: Iterable[tuple[Any, ...]]) -> list[Claimed]:
    claimed = [Claimed(*(*row[:6], _json(row[6]), *row[7:])) for row in rows]
    return sorted(claimed, key=lambda item: item.id)


def _json(value: Any) -> Any:
    if value == "[]":  # as a rule: what was never composed has none
        return []
    return json.loads(value) if isinstance(value, str) else value


def prepare_deliveries(owner: str, letters: Sequence[tuple[int, str, str]]) -> set[int]:
    """Write (delivery id, Message-ID, picks as JSON) before sending; return the ids still held.

    This is the fence: what the lease no longer holds is not sent. What it holds gets a new lease:
    however long composing took, there is time to send.
    """
    if not letters:
        return set()
    ids, names, picks = zip(*letters, strict=True)
    columns = [number_array(ids), text_array(names), text_array(picks)]
    with connection.cursor() as cursor:
        values: list[Any] = [settings.LEASE, *columns, owner]
        cursor.execute(PREPARE, values)
        return {row[0] for row in cursor.fetchall()}


def record_outcomes(owner: str, entries: Sequence[Entry]) -> set[int]:
    """Write what became of claimed deliveries; return the ids that were still this owner's."""
    if not entries:
        return set()
    ids, states, codes, details, delays, burnt, doubts, setbacks, crashes = zip(
        *entries, strict=True
    )
    columns = [
        number_array(ids),
        text_array(states),
        number_array(codes),
        text_array([detail[:300] for detail in details]),
        number_array([not one for one in burnt]),
        *map(number_array, (doubts, setbacks, crashes)),
        interval_array(delays),
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [*columns, owner])
        return {row[0] for row in cursor.fetchall()}


def judge_outcome(
    outcome: Outcome, attempts: int, setbacks: int = 0, *, away: bool = False
) -> Entry:
    """Return what the ledger writes of an outcome, `attempts` and `setbacks` being those so far.

    `away`: the relay takes no mail at all, so that it hung up says nothing of the letter.
    """
    state, delay, setback = Delivery.State.FAILED, None, False
    match outcome.verdict:
        case Verdict.SENT:
            state = Delivery.State.SENT
        case Verdict.SOFT:
            jitter = random.uniform(-1, 1)  # noqa: S311 - spreads retries
            delay = retry_delay(attempts, jitter, settings.RETRIES)
            if delay is not None:
                state = Delivery.State.DEFERRED
        case Verdict.IN_DOUBT:
            state = Delivery.State.IN_DOUBT
        case Verdict.RELAY | Verdict.OURS:
            state, setback = Delivery.State.QUEUED, not away
            pause = CULPRIT_PAUSES[min(setbacks, len(CULPRIT_PAUSES) - 1)]
            delay = timedelta(0) if away else pause
    return Entry(
        outcome.delivery_id,
        state,
        outcome.code,
        outcome.detail,
        delay,
        burns_attempt=outcome.verdict not in (Verdict.RELAY, Verdict.OURS),
        doubt=outcome.verdict is Verdict.IN_DOUBT,
        setback=setback,
    )


def judge_crash(delivery_id: int, crashes: int) -> Entry:
    """Return what the ledger writes of the letter a worker ended at, for the `crashes`-th time.

    The third time it is given up: others must not go down with it again.
    """
    if crashes >= CRASHES:
        detail = f"poison: {crashes} workers ended while they were at this letter"
        return Entry(delivery_id, Delivery.State.FAILED, detail=detail, crash=True)
    pause = CULPRIT_PAUSES[min(crashes, len(CULPRIT_PAUSES)) - 1]
    return Entry(delivery_id, Delivery.State.QUEUED, delay=pause, burns_attempt=False, crash=True)


def release_deliveries(
    owner: str, delivery_ids: Iterable[int], pause: timedelta = timedelta(0)
) -> int:
    """Give claimed deliveries back untouched, to be claimed again after `pause`."""
    entries = [
        Entry(key, Delivery.State.QUEUED, delay=pause, burns_attempt=False) for key in delivery_ids
    ]
    return len(record_outcomes(owner, entries))


def mend_stranded() -> int:
    """Make letters due that a clock, since set back, wrote into the future; return how many."""
    with connection.cursor() as cursor:
        waits: list[Any] = [LONGEST_WAIT, 2 * sum(settings.RETRIES, LONGEST_WAIT)]
        cursor.execute(MEND, waits)
        return int(cursor.rowcount)


def hasten_deliveries() -> int:
    """Make queued letters that wait for the relay due at once; return how many."""
    forget_queues()
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
