"""One interest as the form shows it: what it would have brought, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.estimates import Estimate, Verdict, estimate
from newsletter.matching.base import QueryError
from newsletter.refusals import translate_refusal
from subscribers.fields import InterestError, read_query

BAR, GAP, HEIGHT = 4, 1, 22  # of the histogram, in its own units
ALSO_SHOWN = 4
ADVICE_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the histogram, as a rectangle."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A query to take instead, and what it finds in words."""

    text: str
    rate: str


@dataclass(frozen=True, slots=True)
class Chip:
    """An interest: `estimate` is None where it cannot be read; then it is cut at the fault.

    `rate` and `word` say what it would bring ("2.4 a day", "good"), `mark` is the class they are
    coloured by. `refused` keeps it from being entered.
    """

    text: str
    estimate: Estimate | None = None
    rate: str = ""
    word: str = ""
    mark: str = ""
    bars: tuple[Bar, ...] = ()
    width: int = 0
    also: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    problem: str = ""
    before: str = ""
    fault: str = ""
    after: str = ""
    refused: bool = False

    @property
    def said(self) -> str:
        """What a screen reader says once the estimate is there."""
        return f"{self.text}: {self.problem or f'{self.rate}, {self.word}'}"


def make_chip(text: str, now: datetime) -> Chip:
    """Return the chip of an interest as typed; never raises for what was typed."""
    try:
        read_query(text)
        found = estimate(text, now)
    except (InterestError, QueryError) as error:
        return _refuse(text, error)
    too_broad = found.verdict is Verdict.REFUSED
    return Chip(
        text=text,
        estimate=found,
        rate=describe_rate(found),
        word=str(WORDS[found.verdict]()),
        mark={"broad": "broad", "refused": "broad", "none": "none", "unknown": "none"}.get(
            found.verdict, ""
        ),
        bars=make_bars(found),
        width=max(len(found.histogram) * (BAR + GAP) - GAP, 1),
        also=found.also_finds[:ALSO_SHOWN],
        suggestions=_suggest(found),
        problem=_("it matches a third of all papers or more; narrow it with AND.")
        if too_broad
        else "",
        refused=too_broad,
    )


WORDS = {
    Verdict.NICHE: lambda: _("niche: a letter comes only when there is one"),
    Verdict.GOOD: lambda: _("good"),
    Verdict.BROAD: lambda: _("broad: only the best of them fit"),
    Verdict.REFUSED: lambda: _("too broad"),
    Verdict.NONE: lambda: _("nothing so far"),
    Verdict.UNKNOWN: lambda: _("it counts from the first edition"),
}


def describe_rate(found: Estimate) -> str:
    """Return "2.4 a day", "3.5 a week", or the count where it is small."""
    if found.verdict is Verdict.UNKNOWN:
        return _("no papers yet")
    if found.verdict in (Verdict.NONE, Verdict.NICHE):
        return ngettext("%(hits)s in %(days)s day", "%(hits)s in %(days)s days", found.days) % {
            "hits": found.hits,
            "days": found.days,
        }
    if found.per_day >= 1:
        return _("%(number)s a day") % {"number": _round(found.per_day)}
    return _("%(number)s a week") % {"number": _round(found.per_day * 7)}


def make_bars(found: Estimate) -> tuple[Bar, ...]:
    """Return the histogram's rectangles; a day without papers has a line's height."""
    top = max((hits for _day, hits in found.histogram), default=0) or 1
    bars = []
    for n, (_day, hits) in enumerate(found.histogram):
        height = max(round(hits / top * HEIGHT), 2 if hits else 1)
        bars.append(Bar(n * (BAR + GAP), HEIGHT - height, height))
    return tuple(bars)


def _suggest(found: Estimate) -> tuple[Suggestion, ...]:
    narrower = [
        Suggestion(text, _("%(number)s a day") % {"number": _round(rate)})
        for text, rate in found.narrower[:ADVICE_SHOWN]
    ]
    return tuple(narrower or [Suggestion(text, f"{n}") for text, n in found.nearest[:ADVICE_SHOWN]])


def _refuse(text: str, error: InterestError | QueryError) -> Chip:
    if isinstance(error, InterestError):
        text, error = error.text, error.refusal
    problem, mend = translate_refusal(error)
    at = min(error.position, len(text))
    return Chip(
        text=text,
        problem=f"{problem}: {mend}.",
        before=text[:at],
        fault=text[at : at + 1] or "\u00a0",
        after=text[at + 1 :],
        refused=True,
    )


def _round(number: float) -> str:
    value = round(number, 0 if number >= 10 else 1)
    return number_format(value, 0 if value == int(value) else 1)
