"""A reader's local dates, walked under a faked clock: on which of them does a letter come?

Run under `faketime`, which reads FAKETIME anew at each look at the clock. Prints the local date of
each letter the minute planned.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import django

AHEAD = timedelta(hours=14)  # of the site's day, Kiritimati's: each date has its edition by then


def set_clock(instant: datetime) -> None:
    """Fake by a difference: an instant would be read in the zone of the moment."""
    real, uptime = map(float, os.environ["REALLY"].split())  # as the test started this
    passed = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]) - uptime
    os.putenv("FAKETIME", f"{instant.timestamp() - real - passed:+.0f}")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
    zone, day, at = os.environ["WALK"].split()
    place, change = ZoneInfo(zone), date.fromisoformat(day)
    hour = time.fromisoformat(at)
    day_long = timedelta(days=1)
    first, last = (datetime.combine(change + n * day_long, hour, place) for n in (-1, 1))
    now = first.astimezone(UTC).replace(minute=0) - timedelta(hours=1)
    ends = last.astimezone(UTC) + timedelta(hours=2)
    set_clock(now - timedelta(minutes=30))
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from newsletter.models import Delivery
    from newsletter.sources.base import FetchedPaper
    from newsletter.storing import store_papers
    from tests.factories import subscribe

    assert abs(timezone.now() - now) < timedelta(hours=1), timezone.now()
    subscribe(email="ok@reader.example", timezone=zone, send_time=hour, now=timezone.now())
    known = 0
    while now < ends:
        set_clock(now)
        listed = (now + AHEAD).date()
        if (now + AHEAD).hour == 0 or not known:
            store_papers(
                [
                    FetchedPaper(
                        source="test", title=f"Reinforcement learning, {listed}", abstract="Study.",
                        listed_on=listed, authors=("Ada Example",), upvotes=1,
                    )
                ]
            )  # fmt: skip
        call_command("tick", stdout=sys.stderr)
        if (number := Delivery.objects.count()) > known:
            known = number
            sys.stdout.write(f"{now.astimezone(place).date()}\n")
        now += timedelta(minutes=30)  # less than is taken for a jump of the clock


if __name__ == "__main__":
    main()
