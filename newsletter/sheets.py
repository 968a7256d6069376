"""A paper as the site shows it: readable text, checked links, what matched marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from django.db.models import Case, DateField, OuterRef, Q, QuerySet, Subquery, When
from django.utils.translation import ngettext

from newsletter.cards import make_outlinks
from newsletter.matching.base import QueryError, Reason
from newsletter.matching.display import (
    Segment,
    Snippet,
    Span,
    marked_segments,
    readable,
    snippet,
)
from newsletter.matching.query import Atom, parse_query
from newsletter.models import Listing, Paper
from newsletter.outlinks import OutLink
from newsletter.remarks import tell_journal, tell_late, tell_version
from newsletter.withdrawals import LISTED

LEAD_CHARACTERS = 320
TITLE_CHARACTERS = 500
NAMES_SHOWN = 2
CATEGORIES_SHOWN = 3
OLD = timedelta(days=60)  # an older paper says when it was published
_ELSEWHERE = ("keywords", "authors", "organizations", "categories")


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored thumbnail: its paper, the beginning of its digest, its size in pixels.

    `large` is the same in more pixels, where there is one.
    """

    paper_id: int
    digest: str
    width: int
    height: int
    large: Picture | None = None

    @property
    def best(self) -> Picture:
        return self.large or self


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper in a list. `title` and `lead` are in pieces, those that matched marked.

    `elsewhere` is what matched beside them, such as an author; `remarks` say what is unusual: that
    it came late, that there is a newer version; `published` is given for old papers only.
    """

    id: int
    name: str
    title: tuple[Segment, ...]
    byline: tuple[str, ...]
    lead: tuple[Segment, ...]
    cut_before: bool
    cut_after: bool
    elsewhere: tuple[str, ...]
    links: tuple[OutLink, ...]
    upvotes: int
    comments: int
    remarks: tuple[str, ...]
    published: date | None
    day: date | None
    picture: Picture | None


def shown_papers() -> QuerySet[Paper]:
    """Every paper that may be shown, with what a sheet needs and no more."""
    return _with_sheets(Paper.objects.filter(LISTED))


def kept_papers() -> QuerySet[Paper]:
    """Those, and the withdrawn ones: their pages stay, and say so."""
    return _with_sheets(Paper.objects.filter(Q(hidden=False) | Q(hidden_as_withdrawn=True)))


def _with_sheets(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    heavy = ("edition__matched_queries", "edition__note", "ai_summary")
    days = Listing.objects.filter(paper=OuterRef("pk")).order_by("listed_on").values("listed_on")
    first = Case(When(late=True, then=Subquery(days[:1])), output_field=DateField())
    papers = papers.select_related("edition", "thumbnail").annotate(first_listed=first)
    return papers.defer(*heavy, "thumbnail__data", "thumbnail__large_data")


def make_sheet(paper: Paper, reasons: Sequence[Reason] = (), on: date | None = None) -> Sheet:
    """Return the sheet of a paper, found for `reasons` if it was searched for, on a day's page."""
    spans = {
        name: sorted({(one.start, one.end) for one in reasons if one.field == name})
        for name in ("title", "abstract")
    }
    lead = _read_lead(paper.abstract, tuple(spans["abstract"]))
    title = _read_title(paper.title, tuple(spans["title"]))
    marked = {piece.text.casefold() for piece in (*title, *lead.segments) if piece.marked}
    found = (read_text(one.text) for one in reasons if one.field in _ELSEWHERE)
    return Sheet(
        id=paper.pk,
        name="".join(piece.text for piece in title),
        title=title,
        byline=make_byline(paper),
        lead=lead.segments,
        cut_before=lead.leading,
        cut_after=lead.trailing,
        elsewhere=tuple(dict.fromkeys(text for text in found if text.casefold() not in marked)),
        links=make_links(paper),
        upvotes=paper.upvotes,
        comments=paper.comments,
        remarks=make_remarks(paper, on),
        published=_old_day(paper),
        day=paper_day(paper),
        picture=_picture(paper),
    )


def paper_day(paper: Paper) -> date | None:
    """Return the day of the site that shows the paper: its edition's, else its newest listing."""
    return paper.edition.date if paper.edition else paper.newest_listing


def make_remarks(paper: Paper, on: date | None = None) -> tuple[str, ...]:
    """Return what is unusual about a paper of `shown_papers`: it came late, it was revised.

    On the page of the day it was listed `on` it is not late.
    """
    listed: date | None = getattr(paper, "first_listed", None)
    late = tell_late(listed) if paper.late and (listed is None or listed != on) else ""
    return tuple(text for text in (late, tell_version(paper)) if text)


def make_byline(paper: Paper) -> tuple[str, ...]:
    """Return who, where, the categories, and where it appeared, as far as known."""
    parts = (
        format_authors(paper),
        read_text(paper.organization),
        ", ".join(map(read_text, paper.categories[:CATEGORIES_SHOWN])),
        tell_journal(paper.journal),
    )
    return tuple(part for part in parts if part)


def format_authors(paper: Paper) -> str:
    """Return "Ada Example, Noor Sample, and 4 more", or their number where names are not known."""
    names = [name for name in map(read_text, paper.authors) if name]
    if not names:
        count = paper.author_count or 0
        return ngettext("%d author", "%d authors", count) % count if count else ""
    if len(names) > NAMES_SHOWN + 1:
        some = ", ".join(names[:NAMES_SHOWN])
        rest = len(names) - NAMES_SHOWN
        return ngettext("%(names)s, and %(rest)d more", "%(names)s, and %(rest)d more", rest) % {
            "names": some,
            "rest": rest,
        }
    return ", ".join(names)


def make_links(paper: Paper) -> tuple[OutLink, ...]:
    """Return where the paper can be read, its code and its project: the safe addresses of these."""
    return make_outlinks(paper)


def make_search(field: str, text: str) -> str:
    """Return the query that finds `text` in a field ("" for any), "" where none can be written."""
    words = " ".join(read_text(text).replace('"', " ").split())
    plain = [words] if not field else []  # without quotes it finds an acronym's long form too
    for query in (*plain, f'{field}:"{words}"' if field else f'"{words}"'):
        try:
            root = parse_query(query).root
        except QueryError:
            continue
        if isinstance(root, Atom) and root.field == field:
            return query
    return ""


@lru_cache(maxsize=20_000)
def read_text(raw: str) -> str:
    """Return what a reader sees of a short raw text."""
    return readable(raw).text


# The papers of the last days are read again and again.
@lru_cache(maxsize=2_000)
def _read_lead(abstract: str, spans: tuple[Span, ...]) -> Snippet:
    return snippet(abstract, spans, LEAD_CHARACTERS)


@lru_cache(maxsize=2_000)
def _read_title(title: str, spans: tuple[Span, ...]) -> tuple[Segment, ...]:
    return _cut(marked_segments(title, spans), TITLE_CHARACTERS)


def _cut(segments: tuple[Segment, ...], most: int) -> tuple[Segment, ...]:
    kept: list[Segment] = []
    room = most
    for segment in segments:
        if len(segment.text) > room:
            kept.append(Segment(segment.text[:room].rstrip() + "…", segment.marked))
            break
        kept.append(segment)
        room -= len(segment.text)
    return tuple(kept)


def _old_day(paper: Paper) -> date | None:
    day = paper_day(paper)
    if paper.published_at is None or day is None:
        return None
    published = paper.published_at.date()
    return published if day - published > OLD else None


def _picture(paper: Paper) -> Picture | None:
    kept = getattr(paper, "thumbnail", None)
    if kept is None:
        return None
    small = Picture(paper.pk, kept.digest[:16], kept.width, kept.height)
    if not kept.large_digest:
        return small
    large = Picture(paper.pk, kept.large_digest[:16], kept.large_width, kept.large_height)
    return replace(small, large=large)
