"""The subscribe form as it was typed, what is wrong with it, and what its interests would bring."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import available_timezones

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from newsletter.web.chips import Chip, make_chip
from subscribers import fields
from subscribers.fields import ReaderError
from subscribers.models import (
    EVERY_DAY,
    MOST_INTERESTS,
    PAPERS_PER_LETTER,
    WORKING_DAYS,
    Subscriber,
)
from subscribers.signups import Choices

T = TypeVar("T")

MOST_TYPED = 12_000  # characters of interests that are read
SHOWN_ON_FORM = 20  # interests whose estimates a page makes; the rest is checked all the same
DAYS = {
    "daily": gettext_lazy("every day"),
    "weekdays": gettext_lazy("working days"),
    "weekly": gettext_lazy("once a week, on"),
}
WEEKDAYS = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"), gettext_lazy("Friday"), gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)  # fmt: skip
EMPTY_DAYS = {
    "nothing": gettext_lazy("no letter that day"),
    "line": gettext_lazy("a letter of one line that says so"),
    "heartbeat": gettext_lazy("one line a week, to say that it still works"),
}
# What a reader agrees to, beside the button; kept word for word with their consent.
WORDING = gettext_lazy(
    "%(site)s may mail me the papers that match my interests, at the hours I chose. "
    "I can leave with one click, in every letter."
)
CONFIRM_WORDING = gettext_lazy("Yes, send me these letters")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form's fields as they were sent; what was left out has its usual value."""

    email: str = ""
    interests: tuple[str, ...] = ()
    timezone: str = ""
    hour: str = "8:00"
    days: str = "daily"
    weekday: str = "0"
    papers: str = str(PAPERS_PER_LETTER)
    empty_days: str = Subscriber.EmptyDays.NOTHING
    stamp: str = ""
    trapped: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.interests)


@dataclass(frozen=True, slots=True)
class Checked:
    """The form read: `choices` and `email` count where there are no `errors` (field: sentence)."""

    email: str
    choices: Choices
    chips: tuple[Chip, ...]
    errors: Mapping[str, str] = field(default_factory=dict)


def read_typed(data: QueryDict) -> Typed:
    """Return the fields of a form that was sent, or of an address with `?q=` (repeated)."""
    lines = "\n".join([*data.getlist("q"), *data.getlist("interests")])[:MOST_TYPED]
    interests = tuple(dict.fromkeys(line.strip() for line in lines.splitlines() if line.strip()))
    given = {
        name: str(data[name]).strip()[:100]
        for name in ("timezone", "hour", "days", "weekday", "papers", "empty_days")
        if data.get(name, "").strip()
    }
    typed = Typed(
        email=data.get("email", "").strip()[:400],
        interests=interests,
        stamp=data.get("stamp", "")[:200],
        trapped=bool(data.get("website")),
        **{"timezone": settings.TIME_ZONE, **given},
    )
    return swap_interest(typed, data.get("swap", ""))


def swap_interest(typed: Typed, swap: str) -> Typed:
    """Put a suggestion in: "2:RL AND robot" in place of the third interest, ":RL" at the end."""
    at, colon, text = swap.partition(":")
    if not colon or not text.strip():
        return typed
    interests = list(typed.interests)
    if at.isdecimal() and int(at[:4]) < len(interests):
        interests[int(at[:4])] = text.strip()
    else:
        interests.append(text.strip())
    return replace(typed, interests=tuple(dict.fromkeys(interests)))


def check_form(typed: Typed, now: datetime, *, need_address: bool = True) -> Checked:
    """Read every field, and say of each that is refused what is wrong and the mend."""
    errors: dict[str, str] = {}
    email = ""
    if need_address or typed.email:
        email = _try(errors, "email", lambda: fields.normalise_address(typed.email), "")
        if not typed.email:
            errors["email"] = _("No address is given: write yours, such as name@example.org.")
    chips = tuple(make_chip(text, now) for text in typed.interests[:SHOWN_ON_FORM])
    _check_interests(errors, typed.interests, chips)
    zone = _try(errors, "timezone", lambda: fields.read_zone(typed.timezone), settings.TIME_ZONE)
    at = _try(errors, "hour", lambda: fields.read_hour(typed.hour), fields.read_hour("8"))
    papers = _try(errors, "papers", lambda: fields.read_papers(typed.papers), PAPERS_PER_LETTER)
    choices = Choices(
        interests=typed.interests,
        timezone=zone,
        send_time=at,
        weekdays=_read_days(typed, errors),
        papers_per_letter=papers,
        empty_days=typed.empty_days if typed.empty_days in EMPTY_DAYS else "nothing",
        language=get_language() or settings.LANGUAGE_CODE,
    )
    return Checked(email, choices, chips, errors)


def _check_interests(
    errors: dict[str, str], interests: Sequence[str], chips: Sequence[Chip]
) -> None:
    refused = [chip for chip in chips if chip.refused]
    if not interests:
        errors["interests"] = _("No interest is given: write a keyword, a phrase or an author.")
    elif len(interests) > MOST_INTERESTS:
        errors["interests"] = _("%(number)s interests: at most %(most)s, take some out.") % {
            "number": len(interests),
            "most": MOST_INTERESTS,
        }
    elif refused:
        errors["interests"] = _("“%(text)s” cannot be used: %(problem)s") % {
            "text": refused[0].text,
            "problem": refused[0].problem,
        }
    else:
        for text in interests[SHOWN_ON_FORM:]:
            _try(errors, "interests", partial(fields.read_query, text), None)


def _read_days(typed: Typed, errors: dict[str, str]) -> int:
    if typed.days == "weekly" and typed.weekday in set("0123456"):
        return 1 << int(typed.weekday)
    if typed.days not in ("daily", "weekdays"):
        errors["days"] = _("Choose the days on which a letter may come.")
    return WORKING_DAYS if typed.days == "weekdays" else EVERY_DAY


def _try(errors: dict[str, str], name: str, read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except ReaderError as error:
        mend = error.mend if error.mend.endswith("?") else f"{error.mend}."
        errors[name] = f"{error.problem}: {mend}"
        return otherwise


@cache
def list_zones() -> tuple[str, ...]:
    """Return the zones to choose from: places, and UTC."""
    places = {zone for zone in available_timezones() if "/" in zone}
    return ("UTC", *sorted(zone for zone in places if not zone.startswith(("Etc/", "SystemV/"))))


@cache
def form_version() -> str:
    """Return the hash of the form as it is shown: its templates and what they have agreed to."""
    digest = hashlib.sha256()
    for path in sorted((Path(settings.BASE_DIR) / "templates/web/subscribe").glob("*.html")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def consent_wording() -> str:
    """Return the words beside the button, in the page's language."""
    return str(WORDING) % {"site": settings.SITE_NAME}
