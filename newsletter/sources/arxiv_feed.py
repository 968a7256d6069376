"""arXiv's daily feeds: RSS 2.0 and Atom of `https://rss.arxiv.org/{rss|atom}/{category}`."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from functools import partial
from urllib.parse import quote

from newsletter.sources import arxiv, arxiv_list
from newsletter.sources.asking import Answer, Ask, Request, Response, Source, gettext_noop
from newsletter.sources.base import FetchedPaper, SourceError, Withdrawal
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_TITLE,
    clean_doi,
    clean_text,
    parse_date,
    to_utc,
)
from newsletter.sources.markup import (
    Element,
    child_text,
    children,
    first,
    local_name,
    parse_xml,
    text_of,
)
from newsletter.sources.names import split_authors
from newsletter.sources.reading import (
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    or_none,
)

KIND = "arxiv-rss"
WHAT = "arXiv's feed"
BASE = "https://rss.arxiv.org"
CUT_AT = 2_000  # items; sorted so that the new papers are the ones left out
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS = frozenset({"new", "cross", "replace", "replace-cross"})
_PREAMBLE = re.compile(
    r"arXiv:\s*\S+\s+Announce Type:\s*(?P<kind>[a-z-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
_OLD_TITLE = re.compile(r"\s*\(arXiv:\S+\s+\[[^\]]{1,40}\](?:\s+[A-Z]+)?\)\s*$")


def make_requests(parameters: arxiv.CategoryParameters, ask: Ask) -> tuple[Request, ...]:
    """One feed a category: of a joined feed over 2,000 items the new papers would be cut."""
    return tuple(
        Request(
            url=f"{parameters.base}/rss/{quote(category)}",
            source=ask.name_part(category),
            day=ask.day,
            part=category,
            accept="application/rss+xml",
        )
        for category in parameters.categories
    )


def read_answer(response: Response, request: Request) -> Answer:
    """The batch of one feed; an empty one (weekend, holiday) is an empty answer with skip days.

    `announced_on` is the day in the announcement's own time zone that most items bear, else the
    feed's. It can be today's on yesterday's batch: only unseen identifiers prove a new one.
    """
    if response.status == 400:  # a feed that says what is wrong with the category
        raise SourceError(_describe_error(_open_feed(response.body)) or f"{WHAT} answered 400")
    channel = _open_feed(check_status(response, WHAT))
    if complaint := _describe_error(channel):
        raise SourceError(complaint)
    items = [child for child in channel if local_name(child) in ("item", "entry")]
    listing = collect(items, read_item, _name_item)
    days = Counter(paper.listed_on for paper in listing.papers if paper.listed_on)
    return Answer(
        listing=file_under(request, listing),
        announced_on=days.most_common(1)[0][0] if days else _read_own_day(channel),
        skip_days=_read_skip_days(channel),
        total=len(items),
        warning=_warn_of_cut(len(items), request.part),
    )


def _open_feed(body: bytes) -> Element:
    """The element that holds the items: RSS's channel, Atom's feed."""
    root = parse_xml(body, WHAT)
    if local_name(root) == "rss" and (channel := first(root, "channel")) is not None:
        return channel
    if local_name(root) == "feed":
        return root
    raise SourceError(f"{WHAT}: expected RSS or Atom, found <{local_name(root)[:40]}>")


def _describe_error(channel: Element) -> str:
    title = child_text(channel, "title")
    if not title.casefold().startswith("feed error"):
        return ""
    said = child_text(channel, "description") or child_text(channel, "subtitle") or title
    return f"{WHAT} refused the request: “{said[:300]}”; check the category"


def _read_skip_days(channel: Element) -> frozenset[int]:
    skip = first(channel, "skipdays")
    names = [text_of(day).casefold() for day in children(skip, "day")] if skip is not None else []
    return frozenset(_WEEKDAYS.index(name) for name in names if name in _WEEKDAYS)


def _read_own_day(channel: Element) -> date | None:
    for name in ("pubdate", "lastbuilddate", "updated"):
        if found := or_none(parse_date, child_text(channel, name)):
            return found.date()
    return None


def _warn_of_cut(items: int, category: str) -> str:
    if items < CUT_AT:
        return ""
    return (
        f"the feed of {category or 'this category'} has {items} items: arXiv cuts it at"
        f" {CUT_AT:,}, and it is new papers that are missing; ask for smaller categories"
    )


def read_item(item: Element) -> FetchedPaper | Withdrawal:
    """One item of either dialect. ValueError where it has no id, no title, or an odd date."""
    arxiv_id, version = _read_identity(item)
    raw = child_text(item, "description") or child_text(item, "summary")
    match = _PREAMBLE.match(raw)
    abstract = raw[match.end() :] if match else raw
    kind = child_text(item, "announce_type").casefold() or (match["kind"] if match else "new")
    kind = kind.casefold()
    if kind not in _KINDS:
        raise ValueError(f"“{kind[:40]}” is no announcement; expected new, cross or replace")
    announced = _read_date(item)
    if gone := arxiv.read_withdrawal(arxiv_id, "", abstract, announced and to_utc(announced)):
        return gone
    dois = [
        doi
        for part in arxiv.split_dois(child_text(item, "doi"))
        if (doi := or_none(clean_doi, part))
    ]
    return FetchedPaper(
        source=KIND,
        title=need_text(_OLD_TITLE.sub("", child_text(item, "title")), "title", MAX_TITLE),
        abstract=check_length(abstract, "abstract", MAX_ABSTRACT),
        arxiv_id=arxiv_id,
        version=version,
        doi=dois[0] if dois else "",
        also_known_as=tuple(f"doi:{doi}" for doi in dois[1:]),
        url=arxiv.abs_url(arxiv_id),
        # The feed's date is that of the announcement, which for a cross-list is not the paper's.
        published_at=to_utc(announced) if announced and kind == "new" else None,
        listed_on=announced.date() if announced else None,
        authors=_read_authors(item),
        categories=_read_categories(item),
        journal=child_text(item, "journal_reference"),
        announced=kind,
        listed_once=True,
    )


def _read_identity(item: Element) -> tuple[str, int | None]:
    """By guid or id, which bear the version; by link where they are something else."""
    complaint: ValueError | None = None
    for name in ("guid", "id", "link"):
        for element in children(item, name):
            if given := text_of(element) or clean_text(element.get("href") or ""):
                try:
                    return arxiv.read_identifier(given)
                except ValueError as error:
                    complaint = complaint or error
    raise complaint or ValueError("it has no identifier")


def _name_item(item: Element) -> str:
    return child_text(item, "guid") or child_text(item, "id") or child_text(item, "link")


def _read_date(item: Element) -> datetime | None:
    for name in ("pubdate", "published", "updated"):
        if given := child_text(item, name):
            return parse_date(given)
    return None


def _read_authors(item: Element) -> tuple[str, ...]:
    creators = [text_of(one) for one in children(item, "creator", DUBLIN_CORE)]
    creators += [child_text(one, "name") for one in children(item, "author")]
    return tuple(name for text in creators for name in split_authors(text))


def _read_categories(item: Element) -> tuple[str, ...]:
    found = (
        text_of(one) or clean_text(one.get("term") or "") for one in children(item, "category")
    )
    return tuple(dict.fromkeys(name for name in found if 0 < len(name) <= MAX_CATEGORY))


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("arXiv announcements"),
    summary=gettext_noop("The day's new papers and cross-lists of arXiv categories."),
    parameters=(arxiv.CATEGORIES, arxiv.HOLIDAYS, arxiv.base_parameter(BASE)),
    make_parameters=arxiv.CategoryParameters,
    make_requests=make_requests,
    read_answer=read_answer,
    is_quiet=arxiv.is_quiet,
    by_day=False,
    seconds_between=arxiv.SECONDS_BETWEEN,
    make_checks=partial(arxiv_list.make_checks, feeds=BASE),
    read_check=arxiv_list.read_check,
)
