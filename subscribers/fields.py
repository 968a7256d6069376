"""What people write about a reader, read and refused in one place: address, hour, days, zone.

Commands, imports and forms all read through here, so that one value
is accepted or refused alike everywhere, with the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from django.utils.translation import get_language, gettext
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from newsletter.matching.base import QueryError, mark
from newsletter.matching.query import parse_query
from subscribers.models import EVERY_DAY, MOST_PAPERS_PER_LETTER, MOST_SIMILAR, WORKING_DAYS

MOST_QUERY_LENGTH = 400  # of the canonical text, as kept

# A lab's own relay knows names the internet does not; the library says to edit its list.
SPECIAL_USE_DOMAIN_NAMES[:] = set(SPECIAL_USE_DOMAIN_NAMES) - {"local", "localhost", "test"}

_QUOTES = '"“”„‟″＂'  # as the language of interests reads them
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR = re.compile(r"(\d{1,2})(?::(\d{2}))?", re.ASCII)


class ReaderError(ValueError):
    """Something about a reader is refused: `field`, `problem` and `mend`; its text is one line."""

    def __init__(self, field: str, problem: str, mend: str) -> None:
        super().__init__(f"{problem}: {mend}")
        self.field = field
        self.problem = problem
        self.mend = mend


class InterestError(ReaderError):
    """A query that is refused: `text` as it was read, and the 0-based `position` of the problem."""

    def __init__(self, text: str, error: QueryError) -> None:
        problem, mend = (gettext(part).format(**error.values) for part in error.patterns)
        where = gettext("{problem} in {text} (at character {place})").format(
            problem=problem, text=_shown(text), place=error.position + 1
        )
        super().__init__("interest", where, mend)
        self.text = text
        self.position = error.position
        self.query_problem = problem
        self.refusal = error

    def explain(self) -> str:
        """Return the query on a line of its own, a caret under the position, and the mend."""
        lead = sum(_width(character) for character in self.text[: self.position])
        caret = f"{' ' * lead}^ {self.query_problem}"
        return f"this interest is refused\n  {self.text}\n  {caret}\n{self.mend}"


@dataclass(frozen=True, slots=True)
class QueryText:
    """An interest as typed, without outer spaces, and its canonical form."""

    typed: str
    canonical: str


def normalise_address(text: str) -> str:
    """Return the address in lower case, its domain in ASCII (RFC 5890); `ReaderError` if refused.

    A local part outside ASCII is refused: without SMTPUTF8 it would be written as an encoded word,
    which RFC 2047 §5 forbids in an address, and the letter would go to another mailbox.
    """
    address = text.strip()
    local, _, domain = address.rpartition("@")
    if local and not local.isascii():
        raise ReaderError(
            "email",
            gettext("{address} has letters outside ASCII before the @").format(
                address=_shown(address)
            ),
            gettext("mail cannot be sent there safely, write another address"),
        )
    try:
        found = validate_email(
            address, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError as error:
        mend = gettext("write name@example.org")
        if (get_language() or "en").startswith("en"):  # the library's reasons are in English
            reason = str(error).rstrip(".")
            mend = f"{reason[:1].lower()}{reason[1:]}; {mend}"
        problem = gettext("{address} is no mail address").format(address=_shown(address))
        raise ReaderError("email", problem, mend) from error
    ascii_address = (found.ascii_email or "").lower()
    if "." not in domain and ascii_address.rpartition("@")[2] != "localhost":
        problem = gettext("{address} ends in no full domain").format(address=_shown(address))
        raise ReaderError("email", problem, gettext("write name@example.org"))
    return ascii_address


def read_zone(text: str) -> str:
    """Return the IANA name for `text`, letters in any case; `ReaderError` suggests near ones."""
    name = text.strip()
    zones = _zones_by_folded_name()
    if found := zones.get(name.casefold()):
        return found
    near = list(dict.fromkeys(_near_zones(name.casefold().replace(" ", "_"), zones)))
    mend = gettext("write a name such as Europe/Paris")
    if near:
        mend = gettext("did you mean {names}?").format(names=gettext(" or ").join(near))
    problem = gettext("{name} is no IANA time zone").format(name=_shown(name))
    raise ReaderError("timezone", problem, mend)


def read_hour(text: str) -> time:
    """Return the time of day for `8`, `08` or `8:30`."""
    found = _HOUR.fullmatch(text.strip())
    if found:
        hour, minute = int(found[1]), int(found[2] or 0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    problem = gettext("{hour} is no hour of the day").format(hour=_shown(text))
    raise ReaderError("hour", problem, gettext("write 0 to 23, or 8:30 with minutes"))


def read_weekdays(text: str) -> int:
    """Return the mask (bit 0 is Monday) for `daily`, `weekdays` or a list such as `mon,thu`."""
    words = re.split(r"[\s,;]+", text.strip().casefold())
    if words == ["daily"]:
        return EVERY_DAY
    if words == ["weekdays"]:
        return WORKING_DAYS
    mask = 0
    for word in words:
        bit = next((i for i, day in enumerate(_DAYS) if word in (day, day[:3])), None)
        if bit is None:
            raise ReaderError(
                "weekdays",
                f"{_shown(word)} is no day of the week",
                "write daily, weekdays, or days such as mon,tue,fri",
            )
        mask |= 1 << bit
    return mask


def read_papers(text: str) -> int:
    """Return the number of papers per letter, 1 to 30."""
    number = text.strip()
    if number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= MOST_PAPERS_PER_LETTER:
        return int(number)
    raise ReaderError(
        "papers_per_letter",
        gettext("{number} papers per letter").format(number=_shown(text)),
        gettext("write a number from 1 to {most}").format(most=MOST_PAPERS_PER_LETTER),
    )


def read_similar(text: str) -> int:
    """Return up to how many papers a letter is filled with similar ones, 0 (off) to 10."""
    number = text.strip()
    if number.isascii() and number.isdigit() and int(number[:9]) <= MOST_SIMILAR:
        return int(number)
    raise ReaderError(
        "similar_up_to",
        gettext("similar papers up to {number}").format(number=_shown(text)),
        gettext("write a number from 0 (off) to {most}").format(most=MOST_SIMILAR),
    )


def read_query(text: str) -> QueryText:
    """Return the interest `text`, parsed; `InterestError` with the position when it is refused."""
    typed = text.strip()
    try:
        _refuse_control_characters(typed)
        canonical = str(parse_query(typed))
        if len(canonical) > MOST_QUERY_LENGTH:
            raise QueryError(mark("Too many parts"), 0, mark("split it into two interests"))
    except QueryError as error:
        raise InterestError(typed, error) from error
    return QueryText(typed, canonical)


def split_interests(cell: str) -> Iterator[str]:
    """Yield the interests of one cell, separated by `;` outside the quotes of a query."""
    part, quoted = "", False
    for character in cell:
        if character == ";" and not quoted:
            if part.strip():
                yield part.strip()
            part = ""
            continue
        quoted ^= character in _QUOTES
        part += character
    if part.strip():
        yield part.strip()


def _refuse_control_characters(text: str) -> None:
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise QueryError(mark("A control character"), position, mark("remove it"))


@cache
def _zones_by_folded_name() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


def _near_zones(name: str, zones: dict[str, str]) -> Iterator[str]:
    by_city: dict[str, str] = {}
    for folded, zone in zones.items():
        if "/" in folded:
            by_city.setdefault(folded.rpartition("/")[2], zone)
    if city := by_city.get(name.rpartition("/")[2]):
        yield city
        return
    for near in get_close_matches(name, zones, n=3, cutoff=0.7):
        yield zones[near]
    for near in get_close_matches(name, by_city, n=2, cutoff=0.75):
        yield by_city[near]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}…")


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
