"""The sources' days watched: operators told of trouble once, and once more when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from newsletter.alerts import tell_operators
from newsletter.crosscheck import describe_check
from newsletter.freshness import TROUBLED, State, deadline, utc_day
from newsletter.models import Source, SourceDay
from newsletter.sourcedays import DAYS_BACK, open_days, settle_days
from newsletter.sources.asking import ParameterError
from newsletter.sources.base import SourceError

TO_BEGIN = timedelta(hours=1)  # in which a source that was added is asked for the first time


def watch_sources(now: datetime) -> int:
    """Judge the days whose time has passed, and tell the operators of trouble and of its end.

    A trouble that goes on, day after day, is told once. Returns of how many days they were told.
    """
    for source in Source.objects.filter(enabled=True):
        try:
            open_days(source, now)
        except (SourceError, ParameterError):
            continue  # its own run says so
    settle_days(now)
    told = _mark_trouble(now)
    if told:
        tell_operators(describe_trouble(told), [describe_row(row) for row in told])
    over = _mark_over(now)
    if over:
        names = ", ".join(dict.fromkeys(row.source.name for row in over))
        tell_operators(f"{names}: over", describe_over(over))
    return len(told)


def _mark_trouble(now: datetime) -> list[SourceDay]:
    """Mark the troubled days past their time, and return those that begin a trouble."""
    going_on = {(row.source_id, row.part) for row in _open_trouble(now)}
    rows = SourceDay.objects.filter(
        TROUBLED,
        alerted_at__isnull=True,
        source__enabled=True,
        day__gte=utc_day(now) - timedelta(days=1),
    )
    told = []
    for row in rows.select_related("source").order_by("day", "source__name", "part"):
        if now < deadline(row.source, row.day) or _is_new(row, now):
            continue
        mine = SourceDay.objects.filter(pk=row.pk, alerted_at__isnull=True).update(alerted_at=now)
        if mine and (row.source_id, row.part) not in going_on:
            going_on.add((row.source_id, row.part))
            told.append(row)
    return told


def _is_new(row: SourceDay, now: datetime) -> bool:
    """Return whether the source was added just now, and nobody could ask it yet."""
    added = row.source.created_at
    return not row.asked and not row.failed and added <= now < added + TO_BEGIN


def _open_trouble(now: datetime) -> list[SourceDay]:
    """The days that operators were told of, and not yet that they are over."""
    rows = SourceDay.objects.filter(
        alerted_at__isnull=False,
        over_at__isnull=True,
        source__enabled=True,
        day__gte=utc_day(now) - timedelta(days=DAYS_BACK),
    )
    return list(rows.select_related("source").order_by("day", "source__name", "part"))


def _mark_over(now: datetime) -> list[SourceDay]:
    """Mark the troubles that ended, and return their days.

    One ends when its part brings news again, of that day or a later one, or when the day turns out
    to be rightly silent.
    """
    over = []
    for row in _open_trouble(now):
        later = SourceDay.objects.filter(source=row.source_id, part=row.part, day__gte=row.day)
        if row.state == State.QUIET or later.filter(state=State.FRESH, lacking=0).exists():
            same = SourceDay.objects.filter(pk=row.pk, over_at__isnull=True)
            if same.update(over_at=now):
                over.append(row)
    return over


def name_trouble(row: SourceDay) -> str:
    """Return one word for what is wrong: stalled, failed or incomplete."""
    return "incomplete" if row.state == State.FRESH else str(row.get_state_display())


def describe_trouble(rows: Sequence[SourceDay]) -> str:
    """Return the subject of an alert: "arXiv: stalled"."""
    names = ", ".join(dict.fromkeys(row.source.name for row in rows))
    states = " and ".join(sorted({name_trouble(row) for row in rows}))
    return f"{names}: {states}"


def describe_row(row: SourceDay) -> str:
    """Return one day of one part in a sentence: what is wrong, since when, and what was seen."""
    name = f"{row.source.name} {row.part}".strip()
    if checked := describe_check(row):
        return checked
    if row.state == State.STALLED:
        offered = f"{row.papers} papers, all of them old" if row.papers else "nothing"
        return f"{name} on {row.day}: asked {row.asked} times, it offered {offered}"
    return f"{name} on {row.day}: {row.problem or 'nobody asked: is the scheduler running?'}"


def describe_over(rows: Sequence[SourceDay]) -> list[str]:
    """Return a line for each day that was troubled: what came after all, or that it never did."""
    lines = []
    for row in rows:
        name = f"{row.source.name} {row.part}".strip()
        if row.state == State.FRESH and row.fresh_at and not row.lacking:
            papers = "1 paper" if row.unseen == 1 else f"{row.unseen} papers"
            text = f"{papers} came on {row.fresh_at:%d %B at %H:%M} UTC"
        elif row.state == State.QUIET:
            text = "it had nothing to announce"
        else:
            text = "news come again, not those of this day"
        lines.append(f"{name} on {row.day}: {text}")
    return lines
