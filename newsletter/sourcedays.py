"""The rows that say how each source's days went: written with what came, judged, and told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter.freshness import Facts, State, deadline, describe_day, judge_day, utc_day
from newsletter.models import Source, SourceDay
from newsletter.sources.asking import Ask
from newsletter.sources.registry import find_source

DAYS_BACK = 7  # missed days are asked for, and judged, so far back
MOST_SAID = 500  # characters of a problem


def list_parts(source: Source, day: date) -> list[str]:
    """Return the parts a source is asked for, such as categories; SourceError, ParameterError."""
    kind = find_source(source.kind)
    parameters = kind.read_parameters(source.parameters)
    requests = kind.make_requests(parameters, Ask(source.name, day))
    return list(dict.fromkeys(request.part for request in requests))


def open_days(source: Source, now: datetime) -> None:
    """Have a row for each part and day of the last week that the source is answerable for."""
    today = utc_day(now)
    kind = find_source(source.kind)
    if kind.on_demand:
        return
    first = max(source.first_day, today - timedelta(days=DAYS_BACK))
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    known = set(SourceDay.objects.filter(source=source, day__gte=first).values_list("part", "day"))
    parameters = kind.read_parameters(source.parameters)
    rows = [
        SourceDay(source=source, part=part, day=day, quiet=kind.is_quiet(parameters, day))
        for day in days
        for part in list_parts(source, day)
        if (part, day) not in known
    ]
    for row in rows:
        row.state = _judge(row, source, now)
    SourceDay.objects.bulk_create(rows, ignore_conflicts=True)


def _judge(row: SourceDay, source: Source, now: datetime, witness: bool = False) -> SourceDay.State:
    return judge_day(
        Facts(
            unseen=row.unseen,
            quiet=row.quiet,
            daily=source.daily,
            answered=row.answered_at is not None,
            failing=bool(
                row.failed_at and (row.answered_at is None or row.failed_at > row.answered_at)
            ),
            past=now >= deadline(source, row.day),
            empty=row.empty,
            witness=witness,
            agreed=row.bulletin_day == row.day and not row.lacking,
            lacking=row.lacking > 0,
        )
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What one answer said of one day: papers offered under it, how many of them unseen.

    `first` is False for further pages of the same answer; `empty` says that it was the day's answer
    and held nothing at all; `skipped` says that the source itself
    calls the weekday one without news.
    """

    day: date
    papers: int
    unseen: int
    first: bool = True
    empty: bool = False
    skipped: bool = False


def record_look(source: Source, part: str, look: Look, now: datetime) -> SourceDay:
    """Write down an answer and judge the day anew, in the transaction that stores its papers."""
    row = lock_row(source, part, look.day)
    row.papers = look.papers if look.first else row.papers + look.papers
    row.unseen += look.unseen
    row.empty = look.empty
    row.quiet = row.quiet or (look.skipped and not look.papers)
    row.asked += look.first
    row.answered_at = now
    row.problem = ""
    if row.unseen and row.fresh_at is None:
        row.fresh_at = now
    row.state = judge_row(row, source, now)
    row.save()
    return row


def record_same(source: Source, part: str, day: date, now: datetime) -> None:
    """Write down that an answer was the same as before (304): no news, and no failure."""
    row = lock_row(source, part, day)
    row.asked += 1
    row.answered_at = now
    row.problem = ""
    row.state = judge_row(row, source, now)
    row.save()


def record_failure(source: Source, part: str, day: date, problem: str, now: datetime) -> None:
    """Write down that a day could not be asked for; news that came before stay news."""
    row = lock_row(source, part, day)
    row.failed += 1
    row.failed_at = now
    row.problem = problem[:MOST_SAID]
    row.state = _judge(row, source, now)
    row.save()


def lock_row(source: Source, part: str, day: date) -> SourceDay:
    """The row of a part's day, made where there is none, locked until the transaction ends."""
    SourceDay.objects.bulk_create(
        [SourceDay(source=source, part=part, day=day)], ignore_conflicts=True
    )
    return SourceDay.objects.select_for_update().get(source=source, part=part, day=day)


def judge_row(row: SourceDay, source: Source, now: datetime) -> SourceDay.State:
    """The state that the facts of a row mean; another part of the source may be its witness."""
    return _judge(row, source, now, _has_witness(row))


def _has_witness(row: SourceDay) -> bool:
    sisters = SourceDay.objects.filter(source=row.source_id, day=row.day).exclude(part=row.part)
    return sisters.filter(state=State.FRESH).exists()


def settle_days(now: datetime) -> int:
    """Judge anew the days whose time has passed since they were last judged; return how many."""
    rows = SourceDay.objects.filter(
        day__gte=utc_day(now) - timedelta(days=DAYS_BACK), source__enabled=True
    )
    changed = 0
    for row in rows.exclude(state__in=[State.FRESH, State.QUIET]).select_related("source"):
        state = _judge(row, row.source, now, _has_witness(row))
        if state != row.state:
            same = SourceDay.objects.filter(pk=row.pk, state=row.state, asked=row.asked)
            changed += same.filter(failed=row.failed).update(state=state)
    return changed


def missed_days(source: Source, now: datetime) -> list[date]:
    """Return the past days of the last week that brought neither news nor the right to silence."""
    today = utc_day(now)
    rows = SourceDay.objects.filter(
        source=source, day__lt=today, day__gte=today - timedelta(days=DAYS_BACK)
    )
    rows = rows.exclude(state__in=[State.FRESH, State.QUIET]).filter(day__gte=source.first_day)
    return sorted(set(rows.values_list("day", flat=True)), reverse=True)


def awaits_news(source: Source, now: datetime) -> bool:
    """Return whether today's news are still to come and their time is not over."""
    today = utc_day(now)
    rows = SourceDay.objects.filter(source=source, day=today)
    return (
        now < deadline(source, today)
        and rows.exclude(state__in=[State.FRESH, State.QUIET]).exists()
    )


def list_absent(day: date, now: datetime) -> list[str]:
    """Return what an edition that freezes now goes without: parts neither fresh nor quiet."""
    settle_days(now)
    return list(describe_day(day).absent)
