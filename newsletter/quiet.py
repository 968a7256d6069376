"""Why a day has no papers, said only as far as what is stored can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.translation import gettext

WEEKS = 8  # looked back for what is usual on a weekday
TRIED = timedelta(days=7)  # so long a day that failed is asked for again
_ENOUGH = 4  # weeks on record before anything is called usual


class SourceState(StrEnum):
    """What became of one source on a day."""

    ANNOUNCED = "announced"
    QUIET = "quiet"  # it said that it announces nothing
    WAITING = "waiting"  # it has not announced yet, and need not have
    LATE = "late"  # it should have announced by now
    FAILED = "failed"  # it could not be read


@dataclass(frozen=True, slots=True)
class SourceDay:
    """One source on one day; `detail` is a sentence for readers, or ""."""

    source: str
    state: SourceState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class QuietFacts:
    """What is known of a day without papers.

    `first` is the first day on record, None where no paper is stored; `usual` on how many of the
    last `weeks` same weekdays papers were listed. `sources` may be empty: nothing is known of them.
    """

    day: date
    today: date
    first: date | None
    usual: int
    weeks: int
    sources: Sequence[SourceDay] = ()


def explain_quiet(facts: QuietFacts) -> str:
    """Return one to three sentences: why nothing is here, and what can be done."""
    if facts.first is None:
        return gettext("No papers are stored yet. They appear when the operator imports a listing.")
    if facts.day < facts.first:
        return gettext("The papers of this site begin on %(day)s.") % {
            "day": date_format(facts.first, "MONTH_DAY")
        }
    if told := _tell_sources(facts):
        return " ".join(told)
    name = date_format(facts.day, "l")
    if not facts.usual and facts.weeks >= _ENOUGH:
        return gettext(
            "%(weekday)s is quiet: no source listed a paper on any of the last %(weeks)d."
        ) % {"weekday": name, "weeks": facts.weeks}
    if facts.day.weekday() >= 5:
        return gettext("%(weekday)s: arXiv announces on working days only.") % {"weekday": name}
    if facts.day >= facts.today:
        return gettext("Nothing is listed yet.") + " " + _habit(facts)
    return _habit(facts) + " " + gettext("A holiday of the sources, or a day that was not fetched.")


def _habit(facts: QuietFacts) -> str:
    if not facts.weeks:
        return gettext("No paper is on record for this day.")
    if facts.weeks == 1:
        weekday = {"weekday": date_format(facts.day, "l")}
        if facts.usual:
            return gettext("Papers came on the %(weekday)s before.") % weekday
        return gettext("None came on the %(weekday)s before either.") % weekday
    return gettext("Of the last %(weeks)d same weekdays on record, %(usual)d had papers.") % {
        "usual": facts.usual,
        "weeks": facts.weeks,
    }


def _tell_sources(facts: QuietFacts) -> list[str]:
    """Return a sentence for each state that sources without news are in, all of a state in one."""
    told = list(dict.fromkeys(one.detail for one in facts.sources if one.detail))
    for state in (SourceState.FAILED, SourceState.LATE, SourceState.WAITING, SourceState.QUIET):
        names = [one.source for one in facts.sources if one.state is state and not one.detail]
        if names:
            told.append(_name_state(state, facts) % {"source": _join(names)})
    return told


def _name_state(state: SourceState, facts: QuietFacts) -> str:
    is_past = facts.day < facts.today
    match state:
        case SourceState.WAITING:
            return gettext("Not announced yet: %(source)s.")
        case SourceState.LATE if is_past:
            return gettext("Nothing new came, which is unusual: %(source)s.")
        case SourceState.LATE:
            return gettext("Late, and expected by now: %(source)s.")
        case SourceState.FAILED if facts.today - facts.day > TRIED:
            return gettext("Could not be read: %(source)s.")
        case SourceState.FAILED:
            return gettext("Could not be read, and is tried again: %(source)s.")
    if facts.day.weekday() >= 5:
        weekday = date_format(facts.day, "l")
        return gettext("%(weekday)s, when nothing is announced: %(source)s.").replace(
            "%(weekday)s", weekday
        )
    return gettext("A holiday, or nothing to announce: %(source)s.")


def _join(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return gettext("{some} and {last}").format(some=", ".join(names[:-1]), last=names[-1])
