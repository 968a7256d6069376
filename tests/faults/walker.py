"""Three of a reader's local dates, walked by the half hour under a faked clock: who gets what when?

Run under `faketime`, which reads FAKETIME anew at each look at the clock. Prints the local date of
each letter the minute planned.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import django


def set_clock(instant: datetime) -> None:
    os.putenv("FAKETIME", f"@{instant:%Y-%m-%d %H:%M:%S}")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
    zone, day, at = os.environ["WALK"].split()
    place, change = ZoneInfo(zone), date.fromisoformat(day)
    os.environ["TZ"] = "UTC"
    now = datetime.combine(change - timedelta(days=1), time(0), place).astimezone(UTC)
    ends = datetime.combine(change + timedelta(days=2), time(0), place).astimezone(UTC)
    set_clock(now - timedelta(minutes=30))
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from newsletter.models import Delivery
    from newsletter.papers import store_papers
    from newsletter.sources.base import FetchedPaper
    from tests.factories import subscribe

    assert abs(timezone.now() - now) < timedelta(hours=1), timezone.now()
    hour = time.fromisoformat(at)
    subscribe(email="ok@reader.example", timezone=zone, send_time=hour, now=timezone.now())
    known = 0
    while now < ends:
        set_clock(now)
        listed = timezone.now().date()
        if (now.hour, now.minute) in {(0, 0), (0, 30)} or not known:
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
        now += timedelta(minutes=30)


if __name__ == "__main__":
    main()
