"""The instants of letters, above all on the days the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from subscribers.models import EVERY_DAY, WORKING_DAYS
from subscribers.schedule import next_send_at, send_instant

ZONES = sorted(available_timezones())
MONDAY = date(2026, 11, 23)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        # An ordinary day.
        ("Europe/Paris", "2026-11-20", "08:00", "2026-11-20 07:00"),
        # The clocks skip the hour: the first valid minute after.
        ("Europe/London", "2026-03-29", "01:30", "2026-03-29 01:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:30"),
        ("Africa/Cairo", "2026-04-24", "00:30", "2026-04-23 22:00"),
        ("America/Havana", "2026-03-08", "00:30", "2026-03-08 05:00"),
        # The hour comes twice: the first.
        ("Europe/London", "2026-10-25", "01:30", "2026-10-25 00:30"),
        # The gap reaches midnight: the last minute before, so that the day keeps its letter.
        ("America/Nuuk", "2024-03-30", "23:30", "2024-03-31 00:59"),
        # The day before and the day after the one Apia never had.
        ("Pacific/Apia", "2011-12-29", "08:00", "2011-12-29 18:00"),
        ("Pacific/Apia", "2011-12-31", "08:00", "2011-12-30 18:00"),
    ],
)
def test_it_finds_the_instant(zone: str, day: str, at: str, instant: str) -> None:
    assert send_instant(date.fromisoformat(day), time.fromisoformat(at), zone) == utc(instant)


@pytest.mark.parametrize("at", [time(0), time(8), time(23, 59)])
def test_it_finds_no_instant_on_a_day_that_never_was(at: time) -> None:
    assert send_instant(date(2011, 12, 30), at, "Pacific/Apia") is None


def test_it_skips_the_day_that_never_was() -> None:
    after = utc("2011-12-29 18:00")
    assert next_send_at(after, time(8), "Pacific/Apia", EVERY_DAY) == utc("2011-12-30 18:00")


def test_it_is_strictly_later() -> None:
    due = utc("2026-11-20 08:00")
    before = due - timedelta(microseconds=1)
    assert next_send_at(before, time(8), "UTC", EVERY_DAY) == due
    assert next_send_at(due, time(8), "UTC", EVERY_DAY) == utc("2026-11-21 08:00")


def test_it_keeps_to_the_chosen_weekdays() -> None:
    friday = utc("2026-11-20 08:00")
    assert next_send_at(friday, time(8), "UTC", WORKING_DAYS) == utc("2026-11-23 08:00")
    assert next_send_at(friday, time(8), "UTC", 0b000_1000) == utc("2026-11-26 08:00")


def test_it_reads_the_weekday_in_the_readers_zone() -> None:
    sunday_evening = utc("2026-11-22 18:00")  # Monday 08:00 in Kiritimati (UTC+14)
    before = sunday_evening - timedelta(hours=1)
    assert next_send_at(before, time(8), "Pacific/Kiritimati", 0b000_0001) == sunday_evening


def test_it_gives_a_date_that_had_its_letter_no_second() -> None:
    noon = utc("2026-11-23 12:00")
    assert next_send_at(noon, time(20), "UTC", EVERY_DAY) == utc("2026-11-23 20:00")
    spent = next_send_at(noon, time(20), "UTC", EVERY_DAY, after_local_date=MONDAY)
    assert spent == utc("2026-11-24 20:00")


def test_it_refuses_a_week_without_days() -> None:
    with pytest.raises(ValueError, match="names no day"):
        next_send_at(utc("2026-11-20 08:00"), time(8), "UTC", 0)


@settings(max_examples=400, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.dates(date(1970, 1, 2), date(2090, 1, 1)),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    weekdays=st.integers(1, EVERY_DAY),
)
def test_it_gives_each_wanted_local_date_one_instant(
    zone: str, start: date, at: time, weekdays: int
) -> None:
    place = ZoneInfo(zone)
    days = [start + timedelta(days=n) for n in range(12)]
    by_day = {day: send_instant(day, at, zone) for day in days}
    instants = [instant for instant in by_day.values() if instant]
    assert instants == sorted(set(instants))
    for day, instant in by_day.items():
        if instant:
            assert instant.astimezone(place).date() == day

    cursor = instants[0] - timedelta(minutes=1)
    walked = []
    while (cursor := next_send_at(cursor, at, zone, weekdays)) <= instants[-1]:
        walked.append(cursor)
    wanted = [by_day[day] for day in days if weekdays >> day.weekday() & 1 and by_day[day]]
    assert walked == wanted


@settings(max_examples=60, deadline=None)
@given(zone=st.sampled_from(ZONES), at=st.sampled_from([time(0, 30), time(2, 15), time(23, 30)]))
@example(zone="America/Nuuk", at=time(23, 30))
@example(zone="Africa/Cairo", at=time(0, 30))
def test_it_moves_a_skipped_time_to_the_edge_of_the_gap(zone: str, at: time) -> None:
    place = ZoneInfo(zone)
    for n in range(366):
        day = date(2026, 1, 1) + timedelta(days=n)
        instant = send_instant(day, at, zone)
        assert instant is not None
        local = instant.astimezone(place).replace(tzinfo=None)
        if local != datetime.combine(day, at):
            # The first minute after the gap, or the last before one that reaches midnight.
            minutes = (instant + timedelta(minutes=near) for near in (-1, 0, 1))
            assert len({minute.astimezone(place).utcoffset() for minute in minutes}) == 2
