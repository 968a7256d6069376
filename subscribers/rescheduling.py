"""The next letter of a reader whose hour, days or zone change: never two for one local date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from subscribers.fields import ReaderError
from subscribers.models import EVERY_DAY, Subscriber
from subscribers.schedule import next_send_at

LONGEST_WAIT = timedelta(hours=36)  # for the next letter of an every-day reader


def day_before(now: datetime) -> date:
    """Return the site's date before that of `now`: the cursor of a reader who starts today."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date() - timedelta(days=1)


def first_send_at(
    now: datetime, at: time, zone: str, weekdays: int, spent: date | None = None
) -> datetime:
    """Return the next letter's UTC instant, after the date `spent`; `ReaderError` without a day."""
    try:
        return next_send_at(now, at, zone, weekdays, spent)
    except ValueError as error:
        raise ReaderError("weekdays", str(error), "choose at least one day") from error


def spent_date(row: Subscriber, old_zone: str, now: datetime) -> date | None:
    """Return the local date in the new zone that has, or may have, had its letter.

    The ledger is not ours to read, so this goes by the reader's own columns: the planner moves
    `next_send_at` past a date as it plans that date's letter.
    """
    if row.covered_until is None or row.confirmed_at is None or row.next_send_at is None:
        return None
    if row.covered_until <= day_before(row.confirmed_at):
        return None  # no letter yet
    old, new = ZoneInfo(old_zone), ZoneInfo(row.timezone)
    today = now.astimezone(new).date()
    if row.next_send_at.astimezone(old).date() > now.astimezone(old).date():
        return today
    # Today's letter is still to come, so the last one went before the old zone's midnight; going
    # west that may be the same date again.
    midnight = datetime.combine(now.astimezone(old).date(), time(0), old).astimezone(UTC)
    return today if midnight.astimezone(new).date() == today else today - timedelta(days=1)


def reschedule(row: Subscriber, now: datetime, spent: date | None) -> datetime:
    planned = first_send_at(now, row.send_time, row.timezone, row.weekdays, spent)
    latest = (now + LONGEST_WAIT).replace(second=0, microsecond=0)
    if row.weekdays == EVERY_DAY and planned > latest:
        return latest
    return planned
