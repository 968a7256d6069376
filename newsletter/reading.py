"""What the site shows: a day's papers, and a week's or a month's best."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.db.models import Count, Q, QuerySet, Subquery, Value

from newsletter.freshness import DayStory, describe_day, tell_day
from newsletter.models import Edition, Listing, Paper
from newsletter.models import SourceDay as StoredSourceDay
from newsletter.quiet import WEEKS, QuietFacts, SourceDay, SourceState, explain_quiet
from newsletter.sheets import (
    Sheet,
    make_sheet,
    shown_papers,
)

MOST_PAPERS = 300  # of one page
BEST_OF_WEEK = 50
BEST_OF_MONTH = 100
WEEK_OR_LESS = 7  # days

# What the sources did on a day; with none to ask nothing is claimed of them.
ReadStory = Callable[[date, datetime.datetime | None], DayStory]
_STATES = {
    StoredSourceDay.State.FRESH: SourceState.ANNOUNCED,
    StoredSourceDay.State.QUIET: SourceState.QUIET,
    StoredSourceDay.State.WAITING: SourceState.WAITING,
    StoredSourceDay.State.STALLED: SourceState.LATE,
    StoredSourceDay.State.FAILED: SourceState.FAILED,
}


class Order(StrEnum):
    """In which order a day's papers come."""

    UPVOTES = "upvotes"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the site: its papers, and the neighbouring days that have some.

    `quiet` says why a day has none; of the newest day it says why today has none. `told` is what
    was unusual of a day that has some: a source that did not come, or came late.
    """

    date: datetime.date
    today: datetime.date
    order: Order
    papers: tuple[Sheet, ...]
    previous: datetime.date | None
    next: datetime.date | None
    quiet: str
    note: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A week or a month: its most upvoted papers, its days with papers, and its neighbours.

    `previous` and `next` are days of the nearest weeks or months that have papers.
    """

    first: date
    last: date
    papers: tuple[Sheet, ...]
    total: int
    days: tuple[tuple[date, int], ...]
    previous: date | None
    next: date | None
    quiet: str


def read_day(
    wanted: date | None,
    today: date,
    order: Order = Order.UPVOTES,
    read_story: ReadStory = describe_day,
) -> Day:
    """Return a day's papers; without `wanted` the newest day up to today that has papers."""
    newest = () if wanted else _near_days(Q(listed_on__lte=today), "-", 2)
    day = wanted or next(iter(newest), today)
    papers = tuple(make_sheet(paper, on=day) for paper in list_day(day, order))
    asked = day if wanted else today
    is_quiet = not papers or asked != day
    known = Edition.objects.filter(date__in={asked, day}).values_list("date", "frozen_at", "note")
    editions = {date: (frozen_at, note) for date, frozen_at, note in known}
    story = read_story(asked, editions.get(asked, (None, ""))[0])
    following = Q(listed_on__gt=day, listed_on__lte=today)
    return Day(
        date=day,
        today=today,
        order=order,
        papers=papers,
        previous=_near_day(Q(listed_on__lt=day), "-") if wanted else next(iter(newest[1:]), None),
        next=_near_day(following, "") if day < today and wanted else None,
        quiet=_explain(asked, today, story) if is_quiet else "",
        note=editions.get(day, (None, ""))[1] if papers else "",
        told="" if is_quiet else tell_day(story, has_papers=True),
    )


def list_day(day: date, order: Order = Order.UPVOTES) -> QuerySet[Paper]:
    """The papers listed on a day, and those its edition took late, at most 300."""
    listed = Listing.objects.filter(listed_on=day).values_list("paper_id")
    taken = Paper.objects.filter(edition__date=day).values_list("pk")
    keys = [key for (key,) in listed.union(taken)]
    papers = shown_papers().filter(pk__in=keys)
    first = ["-published_at"] if order is Order.DATE else []
    return papers.order_by(*first, "-upvotes", "-comments", "pk")[:MOST_PAPERS]


def read_period(first: date, last: date, today: date) -> Period:
    """Return the most upvoted papers listed from `first` to `last`: a week's 50, a month's 100."""
    listed = Listing.objects.filter(listed_on__range=(first, last), paper__hidden=False)
    listed = listed.filter(paper__withdrawn_at__isnull=True)
    days = listed.values("listed_on").annotate(papers=Count("paper", distinct=True))
    counts = tuple((row["listed_on"], row["papers"]) for row in days.order_by("listed_on"))
    total = listed.aggregate(papers=Count("paper", distinct=True))["papers"] if counts else 0
    most = BEST_OF_WEEK if (last - first).days < WEEK_OR_LESS else BEST_OF_MONTH
    found = shown_papers().filter(pk__in=listed.values("paper"))
    papers = found.order_by("-upvotes", "-comments", "pk")[:most] if counts else ()
    return Period(
        first=first,
        last=last,
        papers=tuple(map(make_sheet, papers)),
        total=total,
        days=counts,
        previous=_near_day(Q(listed_on__lt=first), "-"),
        next=_near_day(Q(listed_on__gt=last, listed_on__lte=today), ""),
        quiet="" if counts else _explain(first, today),
    )


def list_recent(today: date, limit: int) -> list[Paper]:
    """Return the papers listed last up to today, newest day first, most upvoted first."""
    papers = shown_papers().filter(newest_listing__lte=today)
    return list(papers.order_by("-newest_listing", "-upvotes", "pk")[:limit])


def week_of(day: date) -> tuple[date, date]:
    """Return Monday and Sunday of the ISO week that `day` is in."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _near_day(wanted: Q, sign: str) -> date | None:
    """The first or (with "-") the last of the wanted days that has a paper to show."""
    return next(iter(_near_days(wanted, sign, 1)), None)


def _near_days(wanted: Q, sign: str, most: int) -> tuple[date, ...]:
    shown = Listing.objects.filter(wanted, paper__hidden=False, paper__withdrawn_at__isnull=True)
    days = shown.order_by(f"{sign}listed_on")
    return tuple(days.values_list("listed_on", flat=True).distinct()[:most])


def _explain(day: date, today: date, story: DayStory | None = None) -> str:
    same = [day - timedelta(weeks=back) for back in range(1, WEEKS + 1)]
    # Both are read off the index by day: all listings together are many.
    listed = Listing.objects.filter(listed_on__in=same).values(all=Value(1))
    counted = listed.annotate(days=Count("listed_on", distinct=True)).values("days")
    oldest = Listing.objects.order_by("listed_on").annotate(usual=Subquery(counted))
    first, usual = oldest.values_list("listed_on", "usual").first() or (None, 0)
    weeks = sum(1 for one in same if first and one >= first)
    sources = [
        SourceDay(one.name, _STATES[StoredSourceDay.State(one.state)])
        for one in (story.sources if story else ())
    ]
    return explain_quiet(QuietFacts(day, today, first, usual or 0, weeks, sources))
