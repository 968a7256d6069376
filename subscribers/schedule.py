"""When a letter goes out: a local hour, per local date, in the reader's own zone. Pure.

Instants are computed one local date at a time from the IANA rules: a crontab, or adding 24 hours,
is wrong on the days the clocks change.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# The longest wait for a wanted weekday is seven days; a date skipped at the date line adds a week.
DAYS_LOOKED_AT = 15


def send_instant(day: date, at: time, zone: str) -> datetime | None:
    """Return the one UTC instant at which `zone` writes `day` and `at`; its local date is `day`.

    A time that the clocks skip gives the first valid minute after the gap, or the last one before
    it where the gap reaches midnight (Nuuk skips 23:00 to 24:00). A time that comes twice gives the
    first. None for a date the zone never had (Apia 2011-12-30).
    """
    wall = datetime.combine(day, at.replace(second=0, microsecond=0, fold=0))
    place = ZoneInfo(zone)
    instant = wall.replace(tzinfo=place).astimezone(UTC)
    if _wall(instant, place) == wall:
        return instant
    after = _end_of_gap(wall, place)
    for candidate in (_whole_minute_from(after, place), after - MINUTE):
        if _wall(candidate, place).date() == day:
            return candidate
    return None


def next_send_at(
    after: datetime,
    at: time,
    zone: str,
    weekdays: int,
    after_local_date: date | None = None,
) -> datetime:
    """Return the first UTC instant strictly after `after` at which a letter is due.

    `weekdays` is a mask whose bit 0 is Monday. With `after_local_date` the letter's local date is
    later than that one, so that a date that had its letter does not get a second. `ValueError` for
    a mask without a day.
    """
    if not weekdays & 0b111_1111:
        raise ValueError(f"weekdays={weekdays!r} names no day: set one of bits 0 (Monday) to 6")
    day = after.astimezone(ZoneInfo(zone)).date()
    if after_local_date is not None:
        day = max(day, after_local_date + DAY)
    for _ in range(DAYS_LOOKED_AT):
        if weekdays >> day.weekday() & 1:
            instant = send_instant(day, at, zone)
            if instant is not None and instant > after:
                return instant
        day += DAY
    raise ValueError(f"{zone} has no {at:%H:%M} in the {DAYS_LOOKED_AT} days before {day}")


def _wall(instant: datetime, place: ZoneInfo) -> datetime:
    return instant.astimezone(place).replace(tzinfo=None, fold=0)


def _end_of_gap(wall: datetime, place: ZoneInfo) -> datetime:
    # PEP 495: inside a gap fold=1 uses the offset after it and fold=0 the one before, so the two
    # instants lie on either side of the change; halve the way between them to the second.
    early = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    late = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early).total_seconds() // 2)
        if _wall(middle, place) < wall:
            early = middle
        else:
            late = middle
    return late


def _whole_minute_from(instant: datetime, place: ZoneInfo) -> datetime:
    seconds = _wall(instant, place).second  # only offsets of a century ago have seconds
    return instant + timedelta(seconds=-seconds % 60)
