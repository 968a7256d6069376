"""What an operator may do about service mail: have it tried now, send it anew, call it off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.postgres.functions import TransactionNow

from newsletter.models import Notice

Kind, State = Notice.Kind, Notice.State

# A finished notice has forgotten its address and what it said: only these need neither, for they go
# to the reader's own address and say the same to everybody.
REPEATABLE = frozenset({Kind.MANAGE_LINK, Kind.UNSUBSCRIBED})


def hasten_notices(ids: Iterable[int]) -> int:
    """Have what waits for another try be tried now; return how many.

    The links are made as it is sent, so they live as long as they would have.
    """
    rows = Notice.objects.filter(pk__in=list(ids), state=State.QUEUED)
    return rows.filter(next_at__gt=TransactionNow()).update(next_at=TransactionNow())


def renew_notices(ids: Iterable[int]) -> int:
    """Queue failed ones again, of the kinds whose mail can still be made; return how many."""
    rows = Notice.objects.filter(pk__in=list(ids), state=State.FAILED, kind__in=REPEATABLE)
    return rows.filter(subscriber__isnull=False).update(
        state=State.QUEUED, attempts=0, next_at=TransactionNow(), finished_at=None, detail=""
    )


def call_off_notices(ids: Iterable[int], now: datetime) -> int:
    """Cancel those that wait, and forget where they were to go; return how many.

    One that a worker holds is not called off: it may be on the wire.
    """
    rows = Notice.objects.filter(pk__in=list(ids), state=State.QUEUED)
    return rows.update(
        state=State.CANCELLED,
        finished_at=now,
        address="",
        payload={},
        detail="called off by an operator",
    )
