"""Turns at a host, shared by all workers through its row: one at a time, so far apart, or not now.

The clock is the database's, so that workers on several machines agree.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from django.db import connection, transaction

from newsletter.models import FetchHost

LEASE = timedelta(seconds=90)  # beyond the longest request: a dead worker's turn ends
PATIENCE = timedelta(seconds=120)  # who waited so long leaves it to the next run
STEP = timedelta(seconds=1)  # between two looks at a turn somebody else holds


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time is it, how to wait (seconds), and how long for a turn. Tests bring their own."""

    now: Callable[[], datetime] = database_now
    sleep: Callable[[float], None] = time.sleep
    patience: timedelta = PATIENCE


SYSTEM = Clock()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a host wants to be asked: seconds between requests, hours to leave it alone (UTC).

    `pause` is how long it is left alone after a 429 at the least.
    """

    host: str
    seconds: float
    pause: timedelta = timedelta(minutes=1)
    closed: tuple[time_of_day, time_of_day] | None = None


class HeldError(Exception):
    """The host is to be left alone until `until`; the text says why."""

    def __init__(self, host: str, until: datetime, reason: str) -> None:
        super().__init__(f"{host} is left alone until {until:%H:%M:%S} UTC: {reason}")
        self.until = until


@dataclass(slots=True)
class Turn:
    """A turn taken. `hold` asks for a longer pause after it."""

    owner: str
    pause: timedelta | None = None
    reason: str = ""

    def hold(self, pause: timedelta, reason: str) -> None:
        self.pause, self.reason = pause, reason


def find_manner(kind: str, host: str, seconds: float) -> Manner:
    """Return the manners at a host. All of arXiv's hosts are one (arxiv.org/help/api/tou)."""
    if host == "arxiv.org" or host.endswith(".arxiv.org"):
        host = "arxiv.org"
    if host == "arxiv.org" or kind.startswith("arxiv"):
        night = (time_of_day(0), time_of_day(1))  # its busiest hour: 429 and 503 below any limit
        return Manner(host, max(seconds, 3.0), timedelta(minutes=10), night)
    return Manner(host, max(seconds, 1.0))


@contextmanager
def take_turn(manner: Manner, clock: Clock = SYSTEM) -> Iterator[Turn]:
    """Wait for the host's turn and hold it; HeldError where it does not come.

    Holding it is what makes it one connection: others wait until it is given back.
    """
    turn = Turn(uuid.uuid4().hex)
    waited = timedelta(0)
    while wait := _try_take(manner, turn, clock):
        if waited > clock.patience:
            raise HeldError(manner.host, clock.now() + wait, "others are asking it")
        pause = min(wait, STEP)
        clock.sleep(pause.total_seconds())
        waited += pause
    try:
        yield turn
    finally:
        _give_back(manner, turn, clock)


def _try_take(manner: Manner, turn: Turn, clock: Clock) -> timedelta:
    """Take the turn and return zero, or return how long to wait for it."""
    with transaction.atomic():
        FetchHost.objects.bulk_create([FetchHost(host=manner.host)], ignore_conflicts=True)
        row = FetchHost.objects.select_for_update().get(host=manner.host)
        now = clock.now()
        if row.held_until and row.held_until > now:
            raise HeldError(manner.host, row.held_until, row.reason)
        if opens := _opens_at(manner, now):
            raise HeldError(manner.host, opens, "this is its busiest hour")
        free = max(row.next_at or now, row.lease_until or now)
        if free > now:
            return free - now
        row.owner, row.lease_until = turn.owner, now + LEASE
        row.next_at = now + timedelta(seconds=manner.seconds)
        row.save()
    return timedelta(0)


def _give_back(manner: Manner, turn: Turn, clock: Clock) -> None:
    rows = FetchHost.objects.filter(host=manner.host)
    if turn.pause is not None:
        rows.update(held_until=clock.now() + turn.pause, reason=turn.reason[:300])
    rows.filter(owner=turn.owner).update(owner="", lease_until=None)


def _opens_at(manner: Manner, now: datetime) -> datetime | None:
    """Return when the host may be asked again, None where it may be now."""
    if manner.closed is None:
        return None
    first, last = manner.closed
    if first <= now.time() < last:
        return now.replace(hour=last.hour, minute=last.minute, second=0, microsecond=0)
    return None
