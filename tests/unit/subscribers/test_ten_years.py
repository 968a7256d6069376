"""Every IANA zone, every change of its clocks in ten years: one letter for each local date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from subscribers.models import EVERY_DAY
from subscribers.schedule import next_send_at, send_instant

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
WEEK, DAY = timedelta(days=7), timedelta(days=1)
HALF_HOURS = [time(n // 2, n % 2 * 30) for n in range(48)]


def list_changes(zone: str) -> tuple[tuple[datetime, timedelta | None], ...]:
    """The instants, to the minute, at which a zone's offset changes, each with the offset after."""
    place = ZoneInfo(zone)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(place).utcoffset()

    found = []
    before = FIRST
    while before < LAST:
        after = before + WEEK
        if offset(before) != offset(after):
            low, high = before, after
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append((high.replace(second=0, microsecond=0), offset(high)))
        before = after
    return tuple(found)


def list_rules() -> Iterator[tuple[str, tuple[tuple[datetime, timedelta | None], ...]]]:
    """One zone for each set of changes there is: the others are the same clock by another name."""
    seen = set()
    for zone in sorted(available_timezones()):
        changes = list_changes(zone)
        key = (FIRST.astimezone(ZoneInfo(zone)).utcoffset(), changes)
        if key not in seen:
            seen.add(key)
            yield zone, changes


def test_each_local_date_has_one_letter_in_every_zone_for_ten_years() -> None:
    changes_seen = 0
    for zone, changes in list_rules():
        place = ZoneInfo(zone)
        for instant, _ in changes:
            changes_seen += 1
            day = instant.astimezone(place).date()
            for at in HALF_HOURS:
                check_days_around(zone, day, at)
        check_days_around(zone, date(2028, 2, 29), time(8))
    assert changes_seen > 500  # two a year where there is summer time, more where it is moved


def check_days_around(zone: str, day: date, at: time) -> None:
    place = ZoneInfo(zone)
    days = [day + n * DAY for n in (-1, 0, 1)]
    instants = [send_instant(one, at, zone) for one in days]
    for one, instant in zip(days, instants, strict=True):
        assert instant is not None, (zone, one, at)
        assert instant.astimezone(place).date() == one
        walked = next_send_at(instant - timedelta(seconds=1), at, zone, EVERY_DAY)
        assert walked == instant, (zone, one, at)
        local = instant.astimezone(place)
        if local.time().replace(tzinfo=None) != at:  # skipped: the edge of the gap, never elsewhere
            near = [instant + timedelta(minutes=n) for n in (-1, 1)]
            assert len({one.astimezone(place).utcoffset() for one in near}) == 2, (zone, one, at)
    gaps = [after - before for before, after in pairwise(instants)]  # type: ignore[operator]
    assert all(timedelta(hours=20) < gap < timedelta(hours=28) for gap in gaps), (zone, day, at)
