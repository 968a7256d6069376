"""Limits, counted in PostgreSQL: they hold whatever becomes of Redis, and across processes.

What is counted (an address, a network) is kept as a keyed hash and for no longer than its window.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from subscribers.models import LimitCount

MOST_COUNTED = 1_000_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK_HOURS = 168

TAKE = """
INSERT INTO subscribers_limitcount AS c (scope, key, window_start, expires_at, count)
VALUES (%(scope)s, %(key)s, %(now)s, %(end)s, 1)
ON CONFLICT (scope, key) DO UPDATE SET
  count = CASE WHEN c.expires_at <= %(now)s THEN 1 ELSE LEAST(c.count + 1, %(most)s) END,
  window_start = CASE WHEN c.expires_at <= %(now)s THEN %(now)s ELSE c.window_start END,
  expires_at = CASE WHEN c.expires_at <= %(now)s THEN %(end)s ELSE c.expires_at END
RETURNING count
"""


def take(scope: str, thing: str, most: int, window: timedelta, now: datetime) -> bool:
    """Count one more of `thing`; True while it is not over `most` in a window.

    The window begins with the first one. One statement: of many at once exactly `most` get True.
    """
    return count_one(scope, hash_thing(scope, thing), window, now) <= most


def count_one(scope: str, key: str, window: timedelta, now: datetime) -> int:
    """Count one more under `key` and return how many that makes in its window."""
    values: dict[str, Any] = {"scope": scope, "key": key, "now": now, "end": now + window}
    values["most"] = MOST_COUNTED
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        return int(cursor.fetchone()[0])


def release(scope: str, thing: str) -> None:
    """Forget the count of `thing`, so that its limit begins anew."""
    LimitCount.objects.filter(scope=scope, key=hash_thing(scope, thing)).delete()


def forget_limits(now: datetime) -> int:
    """Delete the counts whose window is over; return how many."""
    return LimitCount.objects.filter(expires_at__lte=now).delete()[0]


def note_hour(scope: str, now: datetime) -> int:
    """Count one more in this hour of the whole site, and return how many that makes."""
    return count_one(scope, f"{now:%Y-%m-%dT%H}", WEEK_HOURS * HOUR + DAY, now)


def hourly(scope: str, now: datetime) -> tuple[int, float]:
    """Return how many this hour has, and the mean of an hour over the seven days before it."""
    hours = [f"{now - n * HOUR:%Y-%m-%dT%H}" for n in range(WEEK_HOURS + 1)]
    counts = dict(LimitCount.objects.filter(scope=scope, key__in=hours).values_list("key", "count"))
    current = counts.pop(hours[0], 0)
    return current, sum(counts.values()) / WEEK_HOURS


def canonical_address(address: str) -> str:
    """Return the mailbox behind an address: one for all its dots and +tags. Only for limits."""
    local, _, domain = address.strip().lower().rpartition("@")
    local = local.split("+", 1)[0].replace(".", "") or local
    return f"{local}@{'gmail.com' if domain == 'googlemail.com' else domain}"


def network_of(ip: str) -> str:
    """Return the /24 or the /64 of an IP address, what one person holds; "" for none."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", False))


def hash_thing(scope: str, thing: str) -> str:
    """Return the keyed hash under which `thing` is counted for `scope`."""
    message = f"limit\0{scope}\0{thing}".encode("utf-8", "surrogatepass")
    return hmac.new(settings.LINK_KEY.encode(), message, hashlib.sha256).hexdigest()
