"""What the site shows: a day's papers, most upvoted first, and one paper."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db.models import Max, Min, Q, QuerySet

from newsletter.cards import make_byline, make_links, paper_address
from newsletter.mail.letter import Link
from newsletter.matching.display import readable, snippet
from newsletter.models import Listing, Paper

LEAD_CHARACTERS = 320
MOST_PAPERS = 300  # of one page


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper as the site shows it: readable text, no markup."""

    id: int
    title: str
    url: str
    byline: tuple[str, ...]
    lead: str
    abstract: str
    links: tuple[Link, ...]
    upvotes: int
    comments: int
    late: bool
    authors: tuple[str, ...]
    keywords: tuple[str, ...]
    day: datetime.date | None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the site: its papers, and the neighbouring days that have some."""

    date: datetime.date
    is_today: bool
    papers: tuple[Sheet, ...]
    previous: datetime.date | None
    next: datetime.date | None


def read_day(wanted: datetime.date | None, today: datetime.date) -> Day:
    """Return a day's papers; without `wanted` the newest day up to today that has papers."""
    days = Listing.objects.aggregate(newest=Max("listed_on", filter=Q(listed_on__lte=today)))
    day = wanted or days["newest"] or today
    near = Listing.objects.aggregate(
        previous=Max("listed_on", filter=Q(listed_on__lt=day)),
        next=Min("listed_on", filter=Q(listed_on__gt=day, listed_on__lte=today)),
    )
    papers = tuple(make_sheet(paper) for paper in list_day(day))
    return Day(day, day == today, papers, near["previous"], near["next"])


def list_day(day: datetime.date) -> QuerySet[Paper]:
    """The papers listed on a day, and those its edition took late."""
    listed = Q(listings__listed_on=day) | Q(edition__date=day)
    papers = Paper.objects.filter(listed, hidden=False).select_related("edition").distinct()
    return papers.order_by("-upvotes", "-comments", "id")[:MOST_PAPERS]


def make_sheet(paper: Paper) -> Sheet:
    lead = snippet(paper.abstract, (), LEAD_CHARACTERS)
    return Sheet(
        id=paper.pk,
        title=readable(paper.title).text,
        url=paper_address(paper),
        byline=tuple(part for part in make_byline(paper) if not part.startswith("▲")),
        lead=lead.text + " …" * lead.trailing,
        abstract=readable(paper.abstract).text,
        links=tuple(link for link in make_links(paper) if link.label != "Read"),
        upvotes=paper.upvotes,
        comments=paper.comments,
        late=paper.late,
        authors=tuple(readable(name).text for name in paper.authors),
        keywords=tuple(readable(word).text for word in paper.ai_keywords),
        day=paper.edition.date if paper.edition else paper.newest_listing,
    )
