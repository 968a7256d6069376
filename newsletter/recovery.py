"""After anything: what a dead worker held is settled, what is overdue is done."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from newsletter import links
from newsletter.deliveries import (
    Claimed,
    Entry,
    judge_crash,
    judge_outcome,
    record_outcomes,
    release_deliveries,
)
from newsletter.digests import KIND, compose_batch
from newsletter.mail.headers import bare_address
from newsletter.mail.message import Verdict
from newsletter.mail.receipts import (
    Replay,
    dead_owners,
    forget_owner,
    is_alive,
    read_receipts,
    receipts_path,
    revoke,
)
from newsletter.material import Material
from newsletter.models import Delivery
from newsletter.sending import receipts_directory, suppress_refused

logger = logging.getLogger(__name__)

RESEND = """
UPDATE newsletter_delivery SET state = 'queued', next_at = now()
WHERE state = 'in_doubt' AND doubts = 1 AND parked_at IS NULL
"""
# What a database that lost its last commits (a crash without fsync, a backup) no longer knows: the
# claim of letters whose receipts are here.
RECLAIM = """
UPDATE newsletter_delivery SET state = 'sending', owner = %s, lease_until = now()
WHERE id = ANY(%s) AND state IN ('queued', 'deferred')
"""
# … and what a letter was, which is written before it goes out.
REMAKE = """
UPDATE newsletter_delivery AS d SET message_id = v.message_id, picks = v.picks::jsonb
FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, message_id, picks)) AS v
WHERE d.id = v.id AND d.owner = %s AND d.state = 'sending' AND d.message_id = ''
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many deliveries were settled from receipts, given back, put in doubt, and resent."""

    settled: int
    released: int
    in_doubt: int
    resent: int


def recover() -> Recovered:
    """Settle what dead and overdue owners held, then apply the policy for what is in doubt.

    A dead owner is known at once where its receipts are on this machine: the kernel dropped its
    lock. Elsewhere its lease must end first.
    """
    settled = released = in_doubt = 0
    for owner in {*dead_owners(receipts_directory()), *_overdue_owners()}:
        try:
            counts = _recover_owner(owner)
        except (OperationalError, InterfaceError):  # the database is away: nothing can be done
            raise
        except (DatabaseError, OSError, ValueError) as error:  # the others are not to wait for it
            logger.error("not recovered: owner=%s %s", owner, type(error).__name__)
            continue
        settled += counts[0]
        released += counts[1]
        in_doubt += counts[2]
    resent = resend_doubtful() if settings.IN_DOUBT == "resend" else 0
    return Recovered(settled, released, in_doubt, resent)


def _overdue_owners() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT owner FROM newsletter_delivery "
            "WHERE state = 'sending' AND lease_until < now()"
        )
        return {row[0] for row in cursor.fetchall()}


def _recover_owner(owner: str) -> tuple[int, int, int]:
    """Settle one owner's deliveries; return (settled, released, put in doubt).

    A living owner whose lease is over (stopped, or its clock was set) is revoked before its
    receipts are read: what they do not say was handed over, it can no longer hand over.
    """
    directory = receipts_directory()
    alive = is_alive(directory, owner)
    if alive is None:  # another machine's: nobody can say what it handed over
        why = "the worker is gone and its receipts are not on this machine"
        return 0, 0, len(record_outcomes(owner, _doubt(_held_by(owner), why)))
    path = receipts_path(directory, owner)
    fresh = not path.with_suffix(".revoked").exists()
    if alive:
        revoke(directory, owner)
    try:
        replay = read_receipts(path)
    except FileNotFoundError:  # its owner has just closed it: the ledger says it all
        forget_owner(directory, owner)
        return 0, 0, 0
    _reclaim(owner, replay, doubtful=fresh and not alive)
    held = _held_by(owner)
    entries = _settle(replay, held)
    _remake(owner, [e.delivery_id for e in entries if e.state == Delivery.State.SENT])
    settled = len(record_outcomes(owner, entries))
    known = {entry.delivery_id for entry in entries}
    unsettled = held.keys() - known
    handed = unsettled & replay.handed if replay.complete else unsettled
    in_doubt = len(record_outcomes(owner, _doubt(handed, "the worker ended before the reply")))
    # A living owner that wrote a moment ago is slow, not stuck at its letter.
    working = replay.working if not alive or _is_silent(path) else 0
    released = _release(owner, unsettled - handed, working)
    if not alive:
        forget_owner(directory, owner)
    logger.info(
        "recovered: settled=%d released=%d in_doubt=%d alive=%s", settled, released, in_doubt, alive
    )
    return settled, released, in_doubt


def _held_by(owner: str) -> dict[int, int]:
    """Return {id: attempts} of what the ledger says this owner has in hand."""
    mine = Delivery.objects.filter(owner=owner, state="sending")
    return dict(mine.values_list("id", "attempts"))


def _reclaim(owner: str, replay: Replay, *, doubtful: bool) -> None:
    """Take again what the receipts say went out and the ledger says still waits.

    `doubtful`: also what was handed over without a reply; not of receipts read before, whose
    doubts may by now wait to be resent.
    """
    out = {o.delivery_id for o in replay.outcomes if o.verdict is Verdict.SENT}
    out |= replay.in_doubt if doubtful else frozenset()
    with connection.cursor() as cursor:
        cursor.execute(RECLAIM, [owner, sorted(out)])
        if cursor.rowcount:
            logger.warning("the ledger had lost the claim of %d letters", cursor.rowcount)


def _remake(owner: str, delivery_ids: Collection[int]) -> None:
    """Write again the Message-ID and papers of letters that went out and whose row lost both.

    A letter composes the same again. Of a reader who has left since only the Message-ID is known.
    """
    names = [name for name in Claimed._fields if name != "id"]
    bare = Delivery.objects.filter(pk__in=delivery_ids, owner=owner, message_id="")
    claimed = [Claimed(*row) for row in bare.values_list("id", *names)]
    if not claimed:
        return
    letters = {letter[0]: letter for letter in compose_batch(claimed, Material()).letters}
    domain = bare_address(settings.FROM_EMAIL).rpartition("@")[2]
    dates = dict(bare.values_list("id", "edition__date"))
    for item in claimed:
        name = links.make_message_id(dates[item.id], item.subscriber_id, KIND, domain)
        letters.setdefault(item.id, (item.id, name, "[]"))
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*letters.values(), strict=True)]
        cursor.execute(REMAKE, [*columns, owner])


def _is_silent(path: Path) -> bool:
    """Return whether an owner wrote nothing for half a lease."""
    try:
        return time.time() - path.stat().st_mtime > settings.LEASE.total_seconds() / 2
    except FileNotFoundError:
        return False


def _settle(replay: Replay, held: dict[int, int]) -> list[Entry]:
    outcomes = [o for o in replay.outcomes if o.delivery_id in held]
    addresses = dict(
        Delivery.objects.filter(pk__in=[o.delivery_id for o in outcomes]).values_list(
            "id", "subscriber__email"
        )
    )
    suppress_refused(outcomes, addresses)
    return [judge_outcome(o, held[o.delivery_id]) for o in outcomes]


def _doubt(delivery_ids: Iterable[int], why: str) -> list[Entry]:
    return [Entry(key, Delivery.State.IN_DOUBT, detail=why, doubt=True) for key in delivery_ids]


def _release(owner: str, delivery_ids: Collection[int], working: int) -> int:
    """Queue again what was not handed over; the letter the owner ended at is counted as that."""
    released = 0
    if working in delivery_ids:
        crashes = Delivery.objects.values_list("crashes", flat=True).get(pk=working) + 1
        released += len(record_outcomes(owner, [judge_crash(working, crashes)]))
    return released + release_deliveries(owner, set(delivery_ids) - {working})


def resend_doubtful() -> int:
    """Queue what is in doubt for the first time again, under its Message-ID; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(RESEND)
        return int(cursor.rowcount)
