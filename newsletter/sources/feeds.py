"""Journal feeds of the three dialects: RSS 2.0, RSS 1.0 (RDF) and Atom, at any address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urljoin

from newsletter.sources.asking import (
    Answer,
    Ask,
    Parameter,
    Request,
    Response,
    Source,
    gettext_noop,
)
from newsletter.sources.base import FetchedPaper, Listing, SourceError
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_TITLE,
    clean_arxiv_id,
    clean_text,
    clean_url,
    parse_date,
    to_utc,
)
from newsletter.sources.identifiers import doi_identifier, find_doi, split_identifiers
from newsletter.sources.markup import (
    Element,
    child_text,
    children,
    first,
    flow,
    local_name,
    parse_xml,
    plain_html,
    text_of,
)
from newsletter.sources.names import MAX_AUTHORS, split_authors, turn_name
from newsletter.sources.reading import (
    SkippedError,
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    or_none,
)

KIND = "feed"
WHAT = "the feed"
MOST_ITEMS = 2_000
# A paper that appeared longer ago is the feed's backlog, not this day's news.
BACKLOG = timedelta(days=7)

_ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# “Nature, Published online: 13 May 2026; doi:10.1038/…” before the text, or instead of one.
_PREAMBLE = re.compile(
    r"^[^;]{0,120}?published(?: online)?:?\s[^;]{4,30};\s*doi:\s*\S+\s*", re.IGNORECASE
)
_NO_PAPER = re.compile(
    r"(?:author|publisher) correction\b|correction:|erratum\b|corrigend|issue information\b"
    r"|editorial board\b|(?:front|back) (?:cover|matter)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"^\S+@\S+\s+\((?P<name>[^()]+)\)$")


@dataclass(frozen=True, slots=True)
class Parameters:
    url: str
    journal: str  # "" to take the feed's own name


def make_requests(parameters: Parameters, ask: Ask) -> tuple[Request, ...]:
    """The feed as it stands: it cannot be asked for a day."""
    part = parameters.journal  # shown in the letter, so it travels with the request
    return (Request(parameters.url, ask.name, ask.day, part=part, accept=_ACCEPT),)


def read_answer(response: Response, request: Request) -> Answer:
    """The feed's items. An item is filed on the day it was first seen; backlog on its own day."""
    channel, listing = _read_feed(check_status(response, WHAT), request.url, request.part)
    papers = tuple(replace(one, listed_on=_listing_day(one, request.day)) for one in listing.papers)
    listing = file_under(request, replace(listing, papers=papers))
    return Answer(
        listing=replace(
            listing, papers=tuple(replace(paper, listed_once=True) for paper in listing.papers)
        ),
        announced_on=_read_own_day(channel),
    )


def _listing_day(paper: FetchedPaper, today: date) -> date | None:
    published = paper.published_at.date() if paper.published_at else today
    return published if published < today - BACKLOG else None


def load_feed(data: bytes) -> Listing:
    """The papers of a saved feed, without a day. Raises SourceError where it is no feed."""
    return _read_feed(data, "", "")[1]


def _read_feed(body: bytes, url: str, journal: str) -> tuple[Element, Listing]:
    root = parse_xml(body, WHAT)
    channel = first(root, "channel") if local_name(root) in ("rss", "rdf") else root
    if channel is None or local_name(root) not in ("rss", "rdf", "feed"):
        raise SourceError(f"{WHAT}: expected RSS or Atom, found <{local_name(root)[:40]}>")
    name = journal or plain_html(child_text(channel, "title"))
    # In RSS 1.0 the items are the channel's siblings, in RSS 2.0 its children.
    items = [*children(root, "item"), *children(root, "entry")]
    items += children(channel, "item") if channel is not root else []
    listing = collect(
        items[:MOST_ITEMS],
        lambda item: _read_item(item, url, name),
        lambda item: child_text(item, "title") or child_text(item, "link"),
    )
    return channel, listing


def _read_own_day(channel: Element) -> date | None:
    for name in ("pubdate", "lastbuilddate", "date", "updated"):
        if found := or_none(parse_date, child_text(channel, name)):
            return found.date()
    return None


def _read_item(item: Element, base: str, feed_name: str) -> FetchedPaper:
    title = need_text(_read_text(first(item, "title")), "title", MAX_TITLE)
    if _NO_PAPER.match(title):
        raise SkippedError(title)
    link = _read_link(item, base)
    arxiv_id, doi, others = split_identifiers(_find_identifiers(item, link))
    published = _read_date(item)
    journal = child_text(item, "publicationname") or feed_name
    return FetchedPaper(
        source=KIND,
        title=title,
        abstract=check_length(_read_abstract(item, title), "abstract", MAX_ABSTRACT),
        arxiv_id=arxiv_id,
        doi=doi,
        also_known_as=others,
        url=link or (f"https://doi.org/{doi}" if doi else ""),
        published_at=published and to_utc(published),
        authors=_read_authors(item),
        categories=_read_categories(item),
        journal=clean_text(journal)[:300],
    )


def _read_text(element: Element | None) -> str:
    """An element's text: HTML escaped inside it, or (Atom's xhtml) standing in it, or plain."""
    if element is None:
        return ""
    if len(element) or element.get("type") == "xhtml":
        return clean_text("".join(flow(element)))
    text = element.text or ""
    if element.get("type") == "text":
        return clean_text(text)
    return plain_html(text)


def _read_abstract(item: Element, title: str) -> str:
    """The longest of the item's texts, without a publisher's preamble; "" where only that is."""
    longest = ""
    for name in ("encoded", "description", "summary", "content", "abstract"):
        for element in children(item, name):
            text = _PREAMBLE.sub("", _read_text(element))
            if len(text) > len(longest) and text.casefold() != title.casefold():
                longest = text
    return longest


def _read_link(item: Element, base: str) -> str:
    """The address of the paper's page: Atom's alternate link, RSS's link, or the item's own."""
    found = []
    for link in children(item, "link"):
        if link.get("rel") in (None, "alternate"):
            found.append(link.get("href") or text_of(link))
    found += [
        text_of(guid) for guid in children(item, "guid") if guid.get("isPermaLink") != "false"
    ]
    found.append(item.get(f"{{{_RDF}}}about") or "")
    for given in found:
        address = given.strip()
        if address and base:
            address = or_none(lambda text: urljoin(base, text), address) or ""
        if address and (clean := or_none(clean_url, address)):
            return clean
    return ""


def _find_identifiers(item: Element, link: str) -> Iterator[str]:
    """The identifiers, from where they are meant to stand to where they happen to."""
    for name in ("doi", "identifier", "guid", "id"):
        for element in children(item, name):
            if found := or_none(doi_identifier, text_of(element)):
                yield found
    if arxiv := or_none(clean_arxiv_id, link):
        yield f"arxiv:{arxiv[0]}"
        return
    if found := find_doi(link):
        yield found


def _read_date(item: Element) -> datetime | None:
    """The first date that is one: an item whose date is missing or odd is still an item."""
    for name in ("date", "publicationdate", "pubdate", "published", "updated"):
        for element in children(item, name):
            if found := or_none(parse_date, text_of(element)):
                return found
    return None


def _read_authors(item: Element) -> tuple[str, ...]:
    creators = [plain_html(text_of(one)) for one in children(item, "creator")]
    for author in children(item, "author"):
        text = child_text(author, "name") or text_of(author)
        match = _PERSON.match(text)
        creators.append(match["name"] if match else plain_html(text))
    creators = [name for name in creators if name and "@" not in name]
    if len(creators) > 1:
        names = tuple(turn_name(name) if name.count(",") == 1 else name for name in creators)
        return tuple(dict.fromkeys(names))[:MAX_AUTHORS]
    return tuple(name for text in creators for name in _split_one(text))


def _split_one(text: str) -> tuple[str, ...]:
    """One name, “Example, Ada”, told by the single word before its only comma; or many."""
    family, comma, given = text.partition(",")
    if comma and "," not in given and " " not in family.strip() and " and " not in text:
        return (turn_name(text),)
    return split_authors(text)


def _read_categories(item: Element) -> tuple[str, ...]:
    found = [text_of(one) or (one.get("term") or "") for one in children(item, "category")]
    found += [text_of(one) for one in children(item, "subject")]
    cleaned = (plain_html(name) for name in found)
    return tuple(dict.fromkeys(name for name in cleaned if 0 < len(name) <= MAX_CATEGORY))


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("Journal feed"),
    summary=gettext_noop("A journal's RSS or Atom feed."),
    parameters=(
        Parameter(
            name="url",
            label=gettext_noop("Address of the feed"),
            help=gettext_noop("Starting with https://."),
            clean=clean_url,
        ),
        Parameter(
            name="journal",
            label=gettext_noop("Name of the journal"),
            help=gettext_noop("Empty to take the feed's own."),
            clean=lambda text: clean_text(text)[:100],
            required=False,
        ),
    ),
    make_parameters=Parameters,
    make_requests=make_requests,
    read_answer=read_answer,
    by_day=False,
)
