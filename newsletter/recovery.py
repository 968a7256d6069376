"""After anything: what a dead worker held is settled, what is overdue is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection

from newsletter.deliveries import Entry, judge_outcome, record_outcomes
from newsletter.mail.receipts import (
    Replay,
    dead_owners,
    is_alive,
    read_receipts,
    receipts_path,
)
from newsletter.models import Delivery
from newsletter.sending import receipts_directory, suppress_refused

POISON = 10  # attempts after which a letter whose worker keeps dying is given up
RESEND = """
UPDATE newsletter_delivery SET state = 'queued', next_at = now()
WHERE state = 'in_doubt' AND doubts = 1
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
        counts = _recover_owner(owner)
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
    """Settle one owner's deliveries; return (settled, released, put in doubt)."""
    path = receipts_path(receipts_directory(), owner)
    alive = is_alive(receipts_directory(), owner)
    held = dict(Delivery.objects.filter(owner=owner, state="sending").values_list("id", "attempts"))
    if alive is None:  # another machine's: nobody can say what it handed over
        doubtful = _doubt(held, "the worker is gone and its receipts are not on this machine")
        return 0, 0, len(record_outcomes(owner, doubtful))
    try:
        replay = read_receipts(path)
    except FileNotFoundError:  # its owner has just closed it: the ledger says it all
        return 0, 0, 0
    entries = _settle(replay, held)
    settled = len(record_outcomes(owner, entries))
    known = {entry.delivery_id for entry in entries}
    unsettled = held.keys() - known
    handed = unsettled & replay.handed if replay.complete else unsettled
    in_doubt = len(record_outcomes(owner, _doubt(handed, "the worker ended before the reply")))
    rest = unsettled - handed
    released = len(record_outcomes(owner, _release(rest, held)))
    if not alive:
        path.unlink(missing_ok=True)
    return settled, released, in_doubt


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


def _release(delivery_ids: Iterable[int], attempts: dict[int, int]) -> list[Entry]:
    """Return to the queue what was not handed over, but not for ever: it may be the poison."""
    return [
        Entry(key, Delivery.State.FAILED, detail=f"its worker ended {attempts[key]} times")
        if attempts[key] >= POISON
        else Entry(key, Delivery.State.QUEUED, delay=timedelta(0))
        for key in delivery_ids
    ]


def resend_doubtful() -> int:
    """Queue what is in doubt for the first time again, under its Message-ID; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(RESEND)
        return int(cursor.rowcount)
