"""When a reader's letters come, and since when, as one sentence."""

from __future__ import annotations

from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from subscribers.models import EVERY_DAY, WORKING_DAYS
from subscribers.queries import Reader

WEEKENDS = EVERY_DAY - WORKING_DAYS


def format_schedule(reader: Reader) -> str:
    """Return "You get this at 08:00 Berlin time on working days because …"."""
    since = reader.confirmed_at
    day = since.astimezone(ZoneInfo(reader.timezone)).date() if since else None
    language = get_language()
    return _say_schedule(language, reader.send_time, reader.timezone, reader.weekdays, day)


@lru_cache(maxsize=20_000)
def _say_schedule(language: str, at: time, timezone: str, weekdays: int, day: date | None) -> str:
    """Return the sentence; `language` is the active one. Many readers share one."""
    values = {"time": f"{at:%H:%M}", "zone": format_zone(timezone), "days": format_days(weekdays)}
    if day is None:
        return gettext("You get this at {time} {zone} {days}.").format(**values)
    sentence = gettext(
        "You get this at {time} {zone} {days} because your subscription was confirmed on {day}."
    )
    return sentence.format(**values, day=date_format(day, "MONTH_DAY"))


def format_zone(timezone: str) -> str:
    """Return "Berlin time" for Europe/Berlin, "UTC" for that."""
    place = timezone.rsplit("/", 1)[-1].replace("_", " ")
    return place if place == "UTC" else gettext("{place} time").format(place=place)


def format_days(weekdays: int) -> str:
    """Return "on working days"; `weekdays` has Monday as bit 0."""
    if weekdays == EVERY_DAY:
        return gettext("every day")
    if weekdays == WORKING_DAYS:
        return gettext("on working days")
    if weekdays == WEEKENDS:
        return gettext("at weekends")
    names = ", ".join(str(name) for bit, name in WEEKDAYS.items() if weekdays & 1 << bit)
    return gettext("on {weekdays}").format(weekdays=names)
