"""How fast letters may go, to a relay or to a recipient domain, over all workers together.

One instant in the database for each throttle (GCRA, a token bucket without tokens to refill): when
the next letter may go. A letter moves it on by the time one letter takes; it may run ahead of the
clock by the burst. The database's clock counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from newsletter.mail.relay import Relay
from newsletter.models import Bucket

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
QUEUE = "queue "  # keys of those who wait begin so
LONGEST_QUEUE = timedelta(minutes=10)  # what would wait longer is given its place then
MAKE = """
INSERT INTO newsletter_bucket (key, free_at) SELECT key, clock_timestamp()
FROM unnest(%s::text[]) AS t(key) ORDER BY key ON CONFLICT DO NOTHING
"""
READ = """
SELECT key, free_at, clock_timestamp() FROM newsletter_bucket WHERE key = ANY(%s)
ORDER BY key FOR UPDATE
"""
MOVE = """
UPDATE newsletter_bucket AS b SET free_at = v.free_at
FROM unnest(%s::text[], %s::timestamptz[]) AS v(key, free_at) WHERE b.key = v.key
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many letters in such a time; a second's, or a minute's, may go at once."""

    letters: int
    per: timedelta

    @property
    def interval(self) -> timedelta:
        return self.per / self.letters

    @property
    def burst(self) -> int:
        """How many may go at once: a second's worth, of hourly limits a minute's; one at least."""
        return max(1, round(self.letters * min(1.0, timedelta(minutes=1) / self.per)))


@dataclass(frozen=True, slots=True)
class Grant:
    """How many letters may go now, and in how many seconds the next one may."""

    letters: int
    wait: float = 0.0


def relay_limits(relay: Relay) -> dict[str, Limit]:
    """Return the throttles of a relay by their keys."""
    limits = {}
    if relay.pace:
        limits[f"relay {relay.name} /s"] = Limit(relay.pace, SECOND)
    if relay.hourly:
        limits[f"relay {relay.name} /h"] = Limit(relay.hourly, HOUR)
    return limits


def grant(limit: Limit, free_at: datetime, now: datetime, want: int) -> tuple[Grant, datetime]:
    """Return what of `want` letters may go at `now`, and the throttle's instant after them."""
    interval, ahead = limit.interval, limit.interval * limit.burst
    free = min(max(free_at, now), now + ahead)  # further ahead only a wrong clock can have set it
    letters = max(0, min(want, int((now + ahead - free) / interval)))
    wait = (
        0.0 if letters == want else (free + interval * (letters + 1) - now - ahead).total_seconds()
    )
    return Grant(letters, max(wait, 0.0)), free + interval * letters


def take(wanted: Mapping[str, tuple[Limit, int]]) -> dict[str, Grant]:
    """Take letters from several throttles at once, each for itself; return what each granted."""
    if not wanted:
        return {}
    keys = sorted(wanted)
    grants, moved = {}, []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MAKE, [keys])
        cursor.execute(READ, [keys])
        for key, free_at, now in cursor.fetchall():
            limit, want = wanted[key]
            grants[key], after = grant(limit, free_at, now, want)
            moved.append((key, after))
        cursor.execute(MOVE, [[key for key, _ in moved], [after for _, after in moved]])
    return grants


def line_up(domain: str, limit: Limit, letters: int) -> list[timedelta]:
    """Give letters that a domain's throttle held back their places; return in how long each may go.

    Behind all that were held back before them, by whichever worker: else every batch of them would
    be due at once again, to be composed anew for the one that may go.
    """
    if not letters:
        return []
    key = f"{QUEUE}{domain}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MAKE, [[key]])
        cursor.execute(READ, [[key]])
        [(_, free_at, now)] = cursor.fetchall()
        ahead = min(max(free_at - now, timedelta(0)), LONGEST_QUEUE)
        waits = [min(ahead + limit.interval * n, LONGEST_QUEUE) for n in range(1, letters + 1)]
        cursor.execute(MOVE, [[key], [now + waits[-1]]])
    return waits


def forget_queues() -> None:
    """Let what comes next queue at the front: the letters before it are not held back any more."""
    Bucket.objects.filter(key__startswith=QUEUE).delete()


def take_together(limits: Mapping[str, Limit], want: int) -> Grant:
    """Take letters that all of `limits` bound: as many as the tightest grants."""
    if not limits:
        return Grant(want)
    grants = take({key: (limit, want) for key, limit in limits.items()})
    least = min(grants.values(), key=lambda one: one.letters)
    give_back({key: (limits[key], one.letters - least.letters) for key, one in grants.items()})
    wait = max(one.wait for one in grants.values()) if least.letters < want else 0.0
    return Grant(least.letters, wait)


def give_back(unused: Mapping[str, tuple[Limit, int]]) -> None:
    """Return letters that were granted and not sent."""
    rows: list[tuple[Any, ...]] = [
        (limit.interval * number, key) for key, (limit, number) in sorted(unused.items()) if number
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE newsletter_bucket SET free_at = free_at - %s WHERE key = %s",
            rows,
        )
