"""What the site shows: a day's papers, a week's or a month's best, and one paper."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum

from django.db.models import Count, Min, Q, QuerySet

from newsletter.citations import Citation
from newsletter.freshness import DayStory, describe_day, tell_day
from newsletter.links import paper_url
from newsletter.matching.display import readable
from newsletter.mathematics import Part, read_parts
from newsletter.models import Edition, Listing, Paper
from newsletter.models import SourceDay as StoredSourceDay
from newsletter.outlinks import make_outlink
from newsletter.quiet import WEEKS, QuietFacts, SourceDay, SourceState, explain_quiet
from newsletter.search import find_similar
from newsletter.sheets import Sheet, make_links, make_search, make_sheet, paper_day, shown_papers

MOST_PAPERS = 300  # of one page
BEST_OF_WEEK = 50
BEST_OF_MONTH = 100
SIMILAR = 5
WEEK_OR_LESS = 7  # days

# What the sources did on a day; with none to ask nothing is claimed of them.
ReadStory = Callable[[date], DayStory]
_STATES = {
    StoredSourceDay.State.FRESH: SourceState.ANNOUNCED,
    StoredSourceDay.State.QUIET: SourceState.QUIET,
    StoredSourceDay.State.WAITING: SourceState.LATE,
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


@dataclass(frozen=True, slots=True)
class Sought:
    """A name or a word of a paper, and the search that finds more of it, "" where none can."""

    text: str
    query: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is shown of one paper.

    Its neighbours in its day, and the papers most like it, are (id, title).
    """

    sheet: Sheet
    abstract: tuple[Part, ...]
    authors: tuple[Sought, ...]
    author_count: int
    organization: Sought | None
    categories: tuple[Sought, ...]
    keywords: tuple[Sought, ...]
    citation: Citation
    previous: tuple[int, str] | None
    next: tuple[int, str] | None
    similar: tuple[tuple[int, str], ...]


class PaperMissing(LookupError):  # noqa: N818
    """No such paper; `hidden` where there is one, which the editor took off the site."""

    def __init__(self, hidden: bool) -> None:
        super().__init__("the paper is hidden" if hidden else "there is no such paper")
        self.hidden = hidden


def read_day(
    wanted: date | None,
    today: date,
    order: Order = Order.UPVOTES,
    read_story: ReadStory = describe_day,
) -> Day:
    """Return a day's papers; without `wanted` the newest day up to today that has papers."""
    newest = () if wanted else _near_days(Q(listed_on__lte=today), "-", 2)
    day = wanted or next(iter(newest), today)
    papers = tuple(make_sheet(paper) for paper in list_day(day, order))
    asked = day if wanted else today
    is_quiet = not papers or asked != day
    story = read_story(asked)
    following = Q(listed_on__gt=day, listed_on__lte=today)
    note = Edition.objects.filter(date=day).values_list("note", flat=True).first() if papers else ""
    return Day(
        date=day,
        today=today,
        order=order,
        papers=papers,
        previous=_near_day(Q(listed_on__lt=day), "-") if wanted else next(iter(newest[1:]), None),
        next=_near_day(following, "") if day < today and wanted else None,
        quiet=_explain(asked, today, story) if is_quiet else "",
        note=note or "",
        told="" if is_quiet else tell_day(story),
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


def read_paper(paper_id: int) -> Whole:
    """Return one paper; `PaperMissing` where there is none to show."""
    paper = shown_papers().filter(pk=paper_id).first()
    if paper is None:
        raise PaperMissing(Paper.objects.filter(pk=paper_id).exists())
    organization = readable(paper.organization).text
    previous, following = _beside(paper)
    return Whole(
        sheet=make_sheet(paper),
        abstract=read_parts(paper.abstract),
        authors=_seek("author", paper.authors),
        author_count=paper.author_count or len(paper.authors),
        organization=Sought(organization, make_search("org", organization))
        if organization
        else None,
        categories=tuple(
            Sought(name, f"cat:{name}" if make_search("", name) and " " not in name else "")
            for name in (readable(category).text for category in paper.categories)
        ),
        keywords=_seek("", paper.ai_keywords),
        citation=make_citation(paper),
        previous=previous,
        next=following,
        similar=_find_similar(paper),
    )


def make_citation(paper: Paper) -> Citation:
    """Return what a reference to the paper says: readable texts, and only safe addresses."""
    links = make_links(paper)
    published = paper.published_at.astimezone(UTC).date() if paper.published_at else None
    names = (readable(name).text for name in paper.authors)
    read = {link.url: link for link in links}
    code = {make_outlink("", url) for url in (paper.code_url, paper.project_url)}
    others = {link.url for link in code if link is not None}
    return Citation(
        title=readable(paper.title).text,
        authors=tuple(name for name in names if name),
        abstract=readable(paper.abstract).text,
        year=paper.year or (published.year if published else None),
        day=published,
        arxiv_id=paper.arxiv_id or "",
        primary_class=readable(paper.categories[0]).text if paper.categories else "",
        doi=paper.doi or "",
        url=next((url for url in read if url not in others), ""),
        page=paper_url(paper.pk),
        keywords=tuple(readable(word).text for word in paper.ai_keywords),
    )


def week_of(day: date) -> tuple[date, date]:
    """Return Monday and Sunday of the ISO week that `day` is in."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _seek(field: str, texts: Sequence[str]) -> tuple[Sought, ...]:
    found = (readable(text).text for text in texts)
    return tuple(Sought(text, make_search(field, text)) for text in found if text)


def _beside(paper: Paper) -> tuple[tuple[int, str] | None, tuple[int, str] | None]:
    """The papers before and after one in the order of its day."""
    day = paper_day(paper)
    if day is None:
        return None, None
    rows = [(key, title) for key, title in list_day(day).values_list("pk", "title")]
    at = next((at for at, row in enumerate(rows) if row[0] == paper.pk), None)
    if at is None:
        return None, None
    named = [(key, readable(title).text) for key, title in rows[max(at - 1, 0) : at + 2]]
    here = min(at, 1)
    return (named[0] if here else None), (named[here + 1] if len(named) > here + 1 else None)


def _find_similar(paper: Paper) -> tuple[tuple[int, str], ...]:
    keys = find_similar(paper, SIMILAR)
    titles = dict(Paper.objects.filter(pk__in=keys).values_list("pk", "title"))
    return tuple((key, readable(titles[key]).text) for key in keys if key in titles)


def _near_day(wanted: Q, sign: str) -> date | None:
    """The first or (with "-") the last of the wanted days that has a paper to show."""
    return next(iter(_near_days(wanted, sign, 1)), None)


def _near_days(wanted: Q, sign: str, most: int) -> tuple[date, ...]:
    days = Listing.objects.filter(wanted, paper__hidden=False).order_by(f"{sign}listed_on")
    return tuple(days.values_list("listed_on", flat=True).distinct()[:most])


def _explain(day: date, today: date, story: DayStory | None = None) -> str:
    same = [day - timedelta(weeks=back) for back in range(1, WEEKS + 1)]
    row = Listing.objects.aggregate(
        first=Min("listed_on"),
        usual=Count("listed_on", distinct=True, filter=Q(listed_on__in=same)),
    )
    weeks = sum(1 for one in same if row["first"] and one >= row["first"])
    sources = [
        SourceDay(one.name, _STATES[StoredSourceDay.State(one.state)])
        for one in (story.sources if story else ())
    ]
    return explain_quiet(QuietFacts(day, today, row["first"], row["usual"], weeks, sources))
