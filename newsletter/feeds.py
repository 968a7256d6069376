"""What the feeds carry: the papers listed last, or those a query finds, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext

from newsletter.atom import Entry, Feed
from newsletter.links import paper_url
from newsletter.matching.display import readable
from newsletter.models import Paper
from newsletter.reading import list_recent
from newsletter.remarks import tell_journal
from newsletter.search import Sort, find_papers
from newsletter.sheets import make_links, make_remarks, paper_day, shown_papers

ENTRIES = 100
FOUND_ENTRIES = 50
# RFC 4151: names for ever what was made by whoever had the domain on that day.
TAG_DAY = date(2026, 1, 1)
NEVER = datetime(2026, 1, 1, tzinfo=UTC)  # when a feed without entries was last another one


def read_day_feed(today: date) -> Feed:
    """Return the feed of the hundred papers listed last, newest day first."""
    papers = list_recent(today, ENTRIES)
    subtitle = gettext("The papers of each day, most upvoted first.")
    return _make_feed("feed", settings.SITE_NAME, subtitle, "/feed", "/", papers)


def read_search_feed(text: str) -> Feed:
    """Return the feed of the newest fifty papers that `text` finds; `QueryError` if refused."""
    found = find_papers(text, Sort.DATE, limit=FOUND_ENTRIES)
    keys = found.ids
    papers = shown_papers().in_bulk(keys)
    query = urlencode({"q": found.canonical})
    return _make_feed(
        f"search:{query}",
        f"{found.canonical} · {settings.SITE_NAME}",
        gettext("The newest papers that this search finds."),
        f"/feed/search?{query}",
        f"/search?{query}&sort=date",
        [papers[key] for key in keys if key in papers],
    )


def _make_feed(
    name: str, title: str, subtitle: str, path: str, page: str, papers: Iterable[Paper]
) -> Feed:
    entries = tuple(map(make_entry, papers))
    return Feed(
        id=_tag(name),
        title=title,
        subtitle=subtitle,
        author=settings.SITE_NAME,
        self_url=f"{settings.SITE_URL}{path}",
        page_url=f"{settings.SITE_URL}{page}",
        icon_url=f"{settings.SITE_URL}/{settings.STATIC_URL.lstrip('/')}newsletter/icon.svg",
        updated=max((entry.updated for entry in entries), default=NEVER),
        entries=entries,
    )


def make_entry(paper: Paper) -> Entry:
    """Return a paper's entry. It is updated when it was stored, or revised: counts are not in it.

    What is to be said beside the abstract comes after it: a newer version, where it appeared.
    """
    links = make_links(paper)
    names = (readable(name).text for name in paper.authors)
    labels = (readable(name).text for name in paper.categories)
    day = paper_day(paper)
    remarks = " · ".join(filter(None, (*make_remarks(paper), tell_journal(paper.journal))))
    return Entry(
        id=_tag(f"p:{paper.pk}"),
        title=readable(paper.title).text,
        url=paper_url(paper.pk),
        updated=max(paper.stored_at, _begin(paper.revised_on or TAG_DAY)),
        published=_begin(day) if day else None,
        authors=tuple(name for name in names if name),
        categories=tuple(label for label in labels if label),
        summary="\n\n".join(text for text in (readable(paper.abstract).text, remarks) if text),
        related=links[0].url if links else "",
    )


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tag(name: str) -> str:
    return f"tag:{urlsplit(settings.SITE_URL).hostname or 'localhost'},{TAG_DAY}:{name}"
