"""The truth about a source's day: fresh, waiting, quiet, stalled or failed, by what it brought.

That a request succeeded proves nothing: a source may serve yesterday's batch under today's date.
Only identifiers it never listed before do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from newsletter.models import Source, SourceDay

EARLIEST = time(6, tzinfo=UTC)  # arXiv announces at 00:00 or 01:00 UTC; some need longer

State = SourceDay.State
# A day that operators are told of: nothing came, or less than the source's own list has.
TROUBLED = Q(state__in=[State.STALLED, State.FAILED]) | Q(state=State.FRESH, lacking__gt=0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one part of a source on one day.

    `quiet`: its calendar announces nothing. `daily`: it announces every working day. `answered` and
    `failing`: it ever answered, its last request failed. `past`: the time it was expected by is
    over. `empty`: the answer for the day held nothing, not even old papers. `witness`: another part
    of the same source was fresh that day. `agreed`: the source's own list is of this day, and names
    no paper that is not stored; `lacking`: it names some.
    """

    unseen: int
    quiet: bool
    daily: bool
    answered: bool
    failing: bool
    past: bool
    empty: bool = False
    witness: bool = False
    agreed: bool = False
    lacking: bool = False


def judge_day(facts: Facts) -> SourceDay.State:
    """Return what the facts mean.

    What brought no news is quiet where the source's own list of the day agrees: it had none, or
    another source brought them. Else past its time an empty answer is quiet where a sister category
    was fresh (it had nothing), and stalled where none was; papers that are all old are stalled
    either way.
    """
    if facts.unseen:
        return State.FRESH
    if facts.quiet:
        return State.QUIET
    if facts.failing or (facts.past and not facts.answered):
        return State.FAILED
    if not facts.answered:
        return State.WAITING
    if not facts.daily or facts.agreed:
        return State.QUIET
    if not facts.past:
        return State.WAITING
    had_nothing = facts.witness and facts.empty and not facts.lacking
    return State.QUIET if had_nothing else State.STALLED


def deadline(source: Source, day: date) -> datetime:
    """Return when a day's news is expected by: the operator's word, else the day's cut-off."""
    if source.expected_by:
        return datetime.combine(day, source.expected_by, UTC)
    cutoff = datetime.combine(day, settings.CUTOFF, ZoneInfo(settings.TIME_ZONE))
    return max(cutoff.astimezone(UTC), datetime.combine(day, EARLIEST))


def utc_day(now: datetime) -> date:
    """Return the day sources are at: theirs are days of UTC."""
    return now.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class SourceStory:
    """One source's day: its worst state, its papers, and what is missing: it, or parts of it.

    `came_at` is when its last part turned fresh; `late` says that this was after the edition froze.
    """

    name: str
    state: str
    papers: int
    unseen: int
    came_at: datetime | None
    late: bool
    missing: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class DayStory:
    """What the sources did on a day, in one word and by source.

    `case`: unknown (no source was asked), quiet (none announces), waiting, complete, partial (some
    are missing), missing (all are), late (all came, some after the edition froze).
    """

    day: date
    case: str
    sources: tuple[SourceStory, ...]

    @property
    def absent(self) -> tuple[str, ...]:
        """The names of what is missing, such as "arXiv cs.RO"."""
        return tuple(name for story in self.sources for name in story.missing)


_WORST = (State.FAILED, State.STALLED, State.WAITING, State.FRESH, State.QUIET)


def describe_day(day: date, frozen_at: datetime | None = None) -> DayStory:
    """Return the story of a day, in one query; `frozen_at` is when its edition froze."""
    rows = SourceDay.objects.filter(day=day).select_related("source")
    by_source: dict[str, list[SourceDay]] = {}
    for row in rows.order_by("source__name", "part"):
        by_source.setdefault(row.source.name, []).append(row)
    stories = tuple(_tell(name, some, frozen_at) for name, some in by_source.items())
    return DayStory(day, _name_case(stories), stories)


def _tell(name: str, rows: Sequence[SourceDay], frozen_at: datetime | None) -> SourceStory:
    states = {row.state for row in rows}
    came = [row.fresh_at for row in rows if row.fresh_at]
    missing = [row for row in rows if row.state not in (State.FRESH, State.QUIET)]
    names = [name] if len(missing) == len(rows) else [f"{name} {row.part}" for row in missing]
    return SourceStory(
        name=name,
        state=next(state for state in _WORST if state in states),
        papers=sum(row.papers for row in rows),
        unseen=sum(row.unseen for row in rows),
        came_at=max(came, default=None),
        late=bool(frozen_at and came and max(came) > frozen_at),
        missing=tuple(names),
        problem=next((row.problem for row in rows if row.problem), ""),
    )


def _name_case(stories: Sequence[SourceStory]) -> str:
    if not stories:
        return "unknown"
    states = {story.state for story in stories}
    if states == {State.QUIET}:
        return "quiet"
    if any(story.missing for story in stories):
        if any(story.unseen for story in stories):
            return "partial"
        return "waiting" if State.WAITING in states else "missing"
    return "late" if any(story.late for story in stories) else "complete"


def tell_day(story: DayStory, *, has_papers: bool = False) -> str:
    """Return the story in a sentence for readers; "" where nothing is unusual or known.

    With `has_papers` it stands above papers, which may be of no source that is asked.
    """
    names = ", ".join(story.absent)
    if has_papers and story.case == "missing":
        return _("Without %(names)s, whose papers have not come.") % {"names": names}
    if has_papers and story.case == "waiting":
        return _("Not announced yet: %(source)s.") % {"source": names}
    sentences = {
        "quiet": _("The sources announce nothing on this day."),
        "waiting": _("The day’s papers have not come yet."),
        "partial": _("Without %(names)s, whose papers have not come."),
        "missing": _("No papers came: nothing new from %(names)s."),
        "late": _("Some papers came after the edition was made: they are in the next one."),
    }
    return str(sentences.get(story.case, "")) % {"names": names}
