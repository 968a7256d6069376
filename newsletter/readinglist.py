"""A reader's saved papers: the list, its export for reference managers, and its private feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from newsletter import links
from newsletter.atom import Entry, Feed, write_atom
from newsletter.cards import make_byline, make_links, paper_address
from newsletter.citations import write_bibtex, write_ris
from newsletter.mail.letter import Link
from newsletter.matching.display import readable, snippet
from newsletter.models import SavedFeed, SavedPaper
from newsletter.whole import make_citation

FEED_ENTRIES = 100
SUMMARY_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class SavedSheet:
    """A saved paper as its reader's list shows it: readable text."""

    id: int
    title: str
    url: str
    byline: tuple[str, ...]
    links: tuple[Link, ...]
    saved_at: datetime


class FeedError(LookupError):
    """There is no such feed: never opened, closed, or its link was replaced."""


def list_saved(subscriber_id: int) -> tuple[SavedSheet, ...]:
    """Return the reader's saved papers, newest first, in one query."""
    return tuple(
        SavedSheet(
            row.paper_id,
            readable(row.paper.title).text,
            paper_address(row.paper),
            make_byline(row.paper),
            make_links(row.paper),
            row.saved_at,
        )
        for row in _saved(subscriber_id)
    )


def feed_address(subscriber_id: int) -> str:
    """Return the address of the reader's feed, "" where it is closed."""
    version = SavedFeed.objects.filter(subscriber=subscriber_id).values_list("version", flat=True)
    found = version.first()
    return "" if found is None else links.saved_feed_url(subscriber_id, found)


def open_feed(subscriber_id: int, now: datetime) -> None:
    """Open the reader's feed under a new address; the one before, if any, leads nowhere now."""
    fresh = int(now.timestamp() * 1000)
    known = SavedFeed.objects.filter(subscriber=subscriber_id).values_list("version", flat=True)
    version = max(fresh, (known.first() or 0) + 1)
    SavedFeed.objects.update_or_create(subscriber_id=subscriber_id, defaults={"version": version})


def close_feed(subscriber_id: int) -> None:
    """Close the reader's feed: no address of it works any more."""
    SavedFeed.objects.filter(subscriber=subscriber_id).delete()


def read_feed(token: str) -> bytes:
    """Return the feed behind a private address as Atom; `FeedError` or `BadToken` without one."""
    value = links.read_token(token, links.SAVED_FEED)
    rows = SavedFeed.objects.filter(subscriber=value.subscriber_id, version=int(value.extra))
    row = rows.select_related("subscriber").first()
    if row is None:
        raise FeedError("this feed was closed, or has another address now")
    saved = list(_saved(value.subscriber_id)[:FEED_ENTRIES])
    opened = datetime.fromtimestamp(row.version / 1000, UTC)
    address = links.saved_feed_url(value.subscriber_id, row.version)
    feed = Feed(
        id=f"urn:paper-round:saved:{value.subscriber_id}:{row.version}",
        title=_("%(site)s: saved papers") % {"site": settings.SITE_NAME},
        subtitle=_("A private reading list"),
        author=settings.SITE_NAME,
        self_url=address,
        page_url=f"{settings.SITE_URL}/manage/saved",
        icon_url=f"{settings.SITE_URL}/static/newsletter/icon.svg",
        updated=max([opened, *(one.saved_at for one in saved)]),
        entries=[_entry(one) for one in saved],
    )
    return write_atom(feed)


def _saved(subscriber_id: int) -> QuerySet[SavedPaper]:
    rows = SavedPaper.objects.filter(subscriber=subscriber_id, how=SavedPaper.How.SAVED)
    papers = rows.select_related("paper__edition").defer("paper__edition__matched_queries")
    return papers.order_by("-saved_at", "-pk")


def _entry(row: SavedPaper) -> Entry:
    paper = row.paper
    cut = snippet(paper.abstract, (), SUMMARY_CHARACTERS)
    return Entry(
        id=links.paper_url(paper.pk),
        title=readable(paper.title).text,
        url=links.paper_url(paper.pk),
        updated=row.saved_at,
        published=paper.published_at,
        authors=tuple(readable(name).text for name in paper.authors),
        categories=tuple(paper.categories),
        summary=cut.text + " …" * cut.trailing,
        related=paper_address(paper),
    )


def write_list(subscriber_id: int, kind: str) -> str:
    """Return the reading list as "bib" or "ris", newest first; `KeyError` for another kind."""
    write = {"bib": write_bibtex, "ris": write_ris}[kind]
    return "\n".join(write(make_citation(row.paper)) for row in _saved(subscriber_id))
