"""The lines of a saved page, and the bylines among them: who, a dot, a date, a comment count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.sources.base import SourceError
from newsletter.sources.fields import MAX_HANDLE, clean_text

_MAX_WHO = 150  # the longest line read as the organisation of a byline
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s+(?P<day>\d{1,2})"
    r"(?:,\s*(?P<year>(?:19|20)\d\d))?(?:\s+(?P<comments>\d{1,6}))?",
    re.ASCII,
)
_COUNT = re.compile(r"•\s*(\d{1,6})\s+authors?", re.ASCII)
_DOTS = frozenset({"·", "⋅", "‧"})
_ONE_LINE_BYLINE = re.compile(rf"(?P<who>.{{1,{_MAX_WHO}}}?)\s+·\s+(?P<date>{_DATE.pattern})")


@dataclass(frozen=True, slots=True)
class Day:
    """A date as the page prints it; the year is None where it is left out."""

    month: int
    day: int
    year: int | None

    def in_year(self, year: int | None) -> date | None:
        """The date, None where no year is known or the year has no such day (29 February)."""
        try:
            return date(self.year or year or 0, self.month, self.day)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Byline:
    line: int
    who: str  # "• 4 authors", "nvidia NVIDIA", or "" where the page names nobody
    day: Day
    comments: int


@dataclass(frozen=True, slots=True)
class Text:
    """A line, or the lines of one block joined; `opens` where a blank line stands before it."""

    line: int
    text: str
    opens: bool = True


def read_lines(text: str) -> list[Text]:
    """The lines that are not blank. Only CR and LF end a line: other separators stand in texts."""
    lines: list[Text] = []
    opens = True
    raw = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(raw, start=1):
        if cleaned := clean_text(line):
            lines.append(Text(number, cleaned, opens))
        opens = not cleaned
    return lines


def cut_bylines(lines: Sequence[Text]) -> list[Text | Byline]:
    """The lines in order, each byline of one, two or three lines made one item.

    An organisation's byline ("nvidia NVIDIA") is told by the dot below it alone. Raises SourceError
    where a byline breaks off.
    """
    items: list[Text | Byline] = []
    at = 0
    while at < len(lines):
        here = lines[at]
        after = lines[at + 1].text if at + 1 < len(lines) else ""
        if here.text in _DOTS:  # a byline that names nobody
            items.append(_make_byline(Text(here.line, ""), lines[at + 1 : at + 2]))
            at += 2
        elif after in _DOTS and len(here.text) <= _MAX_WHO:
            items.append(_make_byline(here, lines[at + 2 : at + 3]))
            at += 3
        elif match := _ONE_LINE_BYLINE.fullmatch(here.text):
            who = Text(here.line, match["who"])
            items.append(_make_byline(who, [Text(here.line, match["date"])]))
            at += 1
        elif _COUNT.fullmatch(here.text):
            raise SourceError(f"line {here.line}: a byline breaks off after “{here.text}”")
        else:
            items.append(here)
            at += 1
    return items


def _make_byline(who: Text, rest: Sequence[Text]) -> Byline:
    if not rest:
        raise SourceError(f"line {who.line}: the page ends inside a byline; save the page again")
    match = _DATE.fullmatch(rest[0].text)
    day = _make_day(match) if match else None
    if not match or not day:
        raise SourceError(
            f"line {rest[0].line}: expected the date of a byline, such as “Nov 23, 2025 2”,"
            f" found “{rest[0].text[:60]}”"
        )
    return Byline(who.line, who.text, day, int(match["comments"] or 0))


def _make_day(match: re.Match[str]) -> Day | None:
    day = Day(
        month=_MONTHS.index(match["month"].lower()) + 1,
        day=int(match["day"]),
        year=int(match["year"]) if match["year"] else None,
    )
    return day if day.in_year(2000) else None  # 2000 is a leap year: 29 February passes


def read_who(who: str) -> tuple[str, str, int | None]:
    """Handle, display name and number of authors: a byline has an organisation or a number."""
    if match := _COUNT.fullmatch(who):
        return "", "", int(match[1])
    handle, _, display = who.partition(" ")
    return handle[:MAX_HANDLE], display or handle, None


def read_day(line: str) -> Day | None:
    """The date a line consists of, None where it is no date."""
    match = _DATE.fullmatch(line)
    return _make_day(match) if match else None


def has_byline_mark(line: str) -> bool:
    """Whether the line is one that only a byline has: "• 4 authors" or a lone dot."""
    return _COUNT.fullmatch(line) is not None or line in _DOTS
