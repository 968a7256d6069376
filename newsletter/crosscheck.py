"""A source's own page of its newest day, held against what its answers brought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from newsletter.exchange import ProblemError, ask_witness
from newsletter.freshness import State, deadline, utc_day
from newsletter.models import Paper, PaperIdentifier, Source, SourceDay
from newsletter.politeness import Clock
from newsletter.sourcedays import judge_row, lock_row
from newsletter.sources import asking
from newsletter.sources.identifiers import ARXIV

Progress = Callable[[str], None]
AGAIN = timedelta(hours=2)  # so long a page is not read again
AHEAD = timedelta(minutes=20)  # of the cut-off: the edition says what it goes without


def list_checks(
    source: Source, kind: asking.Source[Any], parameters: Any, now: datetime
) -> list[asking.Request]:
    """Return the requests for the pages that are worth a look now.

    Of a part whose news came: once, to see whether all of them did. Of one whose time is over, or
    nearly, without news, or one that lacks some: at most once in two hours.
    """
    today = utc_day(now)
    requests = kind.make_checks(parameters, asking.Ask(source.name, today))
    if not requests:
        return []
    never = Q(checked_at__isnull=True)
    again = never | Q(checked_at__lt=now - AGAIN)
    wanted = Q(state=State.FRESH) & (never | (again & Q(lacking__gt=0)))
    if now >= deadline(source, today) - AHEAD:
        wanted |= Q(state__in=[State.WAITING, State.STALLED]) & again
    rows = SourceDay.objects.filter(
        wanted, source=source, day=today, quiet=False, answered_at__isnull=False
    )
    parts = set(rows.values_list("part", flat=True))
    return [request for request in requests if request.part in parts]


def check_part(
    source: Source, kind: asking.Source[Any], request: asking.Request, clock: Clock, say: Progress
) -> str:
    """Read one page, judge the day anew, and return what is wrong, "" where nothing is.

    A page that cannot be read proves nothing: that is only said. Raises HeldError where the host is
    left alone.
    """
    bulletin: asking.Bulletin | None = None
    try:
        bulletin = ask_witness(source, kind, request, clock)
    except ProblemError as error:
        say(f"{source.name} {request.part}: its own list could not be read: {error}")
    with transaction.atomic():
        row = record_check(source, request.part, request.day, bulletin, clock.now())
    return describe_check(row)


def record_check(
    source: Source, part: str, day: date, bulletin: asking.Bulletin | None, now: datetime
) -> SourceDay:
    """Write down what the source's own list says of a day, None where it could not be read."""
    row = lock_row(source, part, day)
    row.checked_at = now
    if bulletin is not None:
        row.bulletin_day = bulletin.day
        row.lacking = count_lacking(bulletin) if bulletin.day == day else 0
    row.state = judge_row(row, source, now)
    row.save()
    return row


def count_lacking(bulletin: asking.Bulletin) -> int:
    """Return how many of a list's papers are not stored. Those it does not show are not known."""
    wanted = set(bulletin.identifiers)
    stored = Paper.objects.filter(arxiv_id__in=wanted).values_list("arxiv_id", flat=True)
    names = {f"{ARXIV}:{one}": one for one in wanted - set(stored)}
    others = PaperIdentifier.objects.filter(identifier__in=names)
    return len(names) - len(set(others.values_list("identifier", flat=True)))


def describe_check(row: SourceDay) -> str:
    """Return what the source's own list has against its answers; "" where nothing."""
    if row.bulletin_day is None:
        return ""
    name = f"{row.source.name} {row.part}".strip()
    if row.lacking:
        papers = "paper" if row.lacking == 1 else "papers"
        return (
            f"{name} on {row.day}: the source's own list has {row.lacking} {papers} that never came"
        )
    if row.bulletin_day < row.day and row.state == State.STALLED:
        return (
            f"{name} on {row.day}: the source's own list is still of {row.bulletin_day}, so that"
            " nothing newer is announced"
        )
    return ""
