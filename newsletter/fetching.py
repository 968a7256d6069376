"""Sources: who is due, one look at one, and when to look again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Q

from newsletter.fetchtally import Tally
from newsletter.freshness import utc_day
from newsletter.gathering import LEASE, Gathering, Progress
from newsletter.models import FetchRun, Source, SourceDay
from newsletter.politeness import SYSTEM, Clock
from newsletter.sourcedays import awaits_news
from newsletter.sources.asking import ParameterError
from newsletter.sources.base import SourceError
from newsletter.sources.registry import SOURCES

POLL = timedelta(minutes=10)  # while the day's news are awaited


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one look at a source came to; `states` are today's, by part. Nothing of it is secret."""

    source: str
    state: str
    requests: int
    unchanged: int
    papers: int
    unseen: int
    new: int
    refused: int
    problem: str
    sample: str
    titles: tuple[str, ...]
    states: dict[str, str]


def list_due_sources(now: datetime) -> list[int]:
    """Return the ids of the sources that are due and that nobody fetches."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = Q(next_at__isnull=True) | Q(next_at__lte=now)
    rows = Source.objects.filter(free, due, enabled=True).order_by(
        F("next_at").asc(nulls_first=True), "pk"
    )
    # One of an unknown kind is due as well: its run says what is wrong with it.
    return [row.pk for row in rows if row.kind not in SOURCES or not SOURCES[row.kind].on_demand]


def next_due_source(now: datetime) -> int | None:
    """Return the source that is due longest; None while any is fetched, or where none is due.

    One after the other, so that fetching never holds more than one worker: letters need the rest.
    """
    if Source.objects.filter(lease_until__gt=now).exists():
        return None
    return next(iter(list_due_sources(now)), None)


def fetch_source(
    source_id: int,
    *,
    by: str = "schedule",
    clock: Clock = SYSTEM,
    days: Sequence[date] | None = None,
    dry_run: bool = False,
    most: int | None = None,
    say: Progress = lambda _: None,
) -> RunReport | None:
    """Look at a source and store what it lists; None where somebody else does, or it is not due.

    By the schedule it asks for today, the days whose counts still move and those missed in the last
    seven; `days` asks for these instead, whole. A dry run stores nothing but that it took
    place. `most` ends it after that many requests.
    """
    now = clock.now()
    owner = uuid.uuid4().hex
    if not _claim(source_id, owner, now, due_only=by == "schedule"):
        return None
    source = Source.objects.get(pk=source_id)
    _close_abandoned(source, now)
    run = FetchRun.objects.create(source=source, by=by, started_at=now)
    tally = Tally()
    try:
        gathering = Gathering(
            source, owner, clock, tally, say, dry_run=dry_run, whole=days is not None
        )
        gathering.most = most
        gathering.go(days)
    except (SourceError, ParameterError) as error:
        tally.fail(str(error))
    except BaseException as error:
        tally.fail(f"{type(error).__name__}: {error}")
        raise
    finally:
        _finish(source, owner, run, tally, clock, dry_run=dry_run)
    return _report(source, tally, clock)


def _claim(source_id: int, owner: str, now: datetime, *, due_only: bool) -> bool:
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = Source.objects.filter(free, pk=source_id)
    if due_only:
        rows = rows.filter(Q(next_at__isnull=True) | Q(next_at__lte=now), enabled=True)
    return bool(rows.update(owner=owner, lease_until=now + LEASE))


def _close_abandoned(source: Source, now: datetime) -> None:
    """Say of runs whose worker died that they ended: nobody else can, once the lease is taken."""
    left = FetchRun.objects.filter(source=source, state=FetchRun.State.RUNNING)
    left.update(state=FetchRun.State.FAILED, finished_at=now, problem="its worker ended")


def _finish(
    source: Source, owner: str, run: FetchRun, tally: Tally, clock: Clock, *, dry_run: bool
) -> None:
    now = clock.now()
    names = ("requests", "unchanged", "octets", "papers", "unseen", "new", "refused")
    values: dict[str, Any] = {name: getattr(tally, name) for name in names}
    values |= {"state": tally.state, "problem": tally.problem, "sample": tally.sample}
    FetchRun.objects.filter(pk=run.pk).update(finished_at=now, **values)
    released: dict[str, Any] = {"owner": "", "lease_until": None}
    if not dry_run:
        released["next_at"] = _next_look(source, tally, now)
    Source.objects.filter(pk=source.pk, owner=owner).update(**released)


def _next_look(source: Source, tally: Tally, now: datetime) -> datetime:
    """Return when to look again: every day is awaited from its first minute, whatever the pace."""
    if tally.held_until:
        return max(tally.held_until, now + timedelta(minutes=1))
    if awaits_news(source, now):
        return now + POLL
    next_day = datetime.combine(utc_day(now) + timedelta(days=1), time(), UTC)
    return min(now + timedelta(minutes=source.every), next_day)


def _report(source: Source, tally: Tally, clock: Clock) -> RunReport:
    rows = SourceDay.objects.filter(source=source, day=utc_day(clock.now()))
    return RunReport(
        source.name,
        tally.state,
        tally.requests,
        tally.unchanged,
        tally.papers,
        tally.unseen,
        tally.new,
        tally.refused,
        tally.problem,
        tally.sample,
        tuple(tally.titles),
        dict(rows.order_by("part").values_list("part", "state")),
    )
