"""bioRxiv and medRxiv: `https://api.biorxiv.org/details/{server}/{from}/{to}/{cursor}/json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from newsletter.sources.arxiv import base_parameter
from newsletter.sources.asking import (
    Answer,
    Ask,
    Parameter,
    Request,
    Response,
    Source,
    gettext_noop,
)
from newsletter.sources.base import FetchedPaper, Listing, SourceError, Withdrawal
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_ORGANIZATION,
    MAX_TITLE,
    clean_count,
    clean_doi,
    clean_text,
    parse_date,
    to_utc,
)
from newsletter.sources.identifiers import doi_identifier, split_identifiers
from newsletter.sources.markup import plain_html
from newsletter.sources.names import MAX_AUTHORS, turn_name
from newsletter.sources.reading import (
    as_list,
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    one_line,
    or_none,
    parse_object,
)

KIND = "biorxiv"
BASE = "https://api.biorxiv.org"
MAX_VERSION = 32_767  # what its column holds

_CATEGORY = re.compile(r"[a-z][a-z0-9 _&/-]{1,60}", re.IGNORECASE | re.ASCII)
_CURSOR = re.compile(r"/(\d+)/json$", re.ASCII)
_WITHDRAWN_TITLE = re.compile(r"^\W*withdrawn\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    server: str
    category: str  # "" for all
    base: str


def clean_category(text: str) -> str:
    """A subject as the server names it, such as "neuroscience"; "" for all of them."""
    category = clean_text(text).casefold()
    if category and not _CATEGORY.fullmatch(category):
        raise ValueError(f"“{category[:60]}” is no subject; write it like neuroscience")
    return category.replace(" ", "_")


def make_requests(parameters: Parameters, ask: Ask) -> tuple[Request, ...]:
    """The records posted from the first day wanted to the last, from cursor 0."""
    url = f"{parameters.base}/details/{parameters.server}/{ask.first}/{ask.day}/0/json"
    if parameters.category:
        url += f"?category={quote(parameters.category)}"
    return (Request(url=url, source=ask.name, day=ask.day, accept="application/json"),)


def read_answer(response: Response, request: Request) -> Answer:
    """One page of records; every version is one, and of a DOI the page's newest is kept.

    Pages have had 100 and have 30 records: the next begins behind what came.
    """
    what = "medRxiv's API" if "/medrxiv/" in request.url else "bioRxiv's API"
    body = parse_object(check_status(response, what), what)
    message = next((m for m in as_list(body.get("messages")) if isinstance(m, Mapping)), {})
    status = one_line(message.get("status")).casefold()
    records = body.get("collection")
    if not isinstance(records, list):
        if status.startswith("no posts"):
            records = []
        else:
            raise SourceError(f"{what}: expected a “collection”, found none ({status[:100]})")
    listing = _keep_newest(file_under(request, collect(records, read_record, _name_record)))
    total = or_none(clean_count, message.get("total"))
    cursor = _read_cursor(request.url) + len(records)
    more = bool(records) and total is not None and cursor < total
    return Answer(
        listing=listing,
        following=_next_page(request, cursor) if more else None,
        total=total,
    )


def _read_cursor(url: str) -> int:
    match = _CURSOR.search(urlsplit(url).path)
    return int(match[1]) if match else 0


def _next_page(request: Request, cursor: int) -> Request:
    address, mark, query = request.url.partition("?")
    url = _CURSOR.sub(f"/{cursor}/json", address) + mark + query
    return replace(request, url=url, page=request.page + 1)


def _keep_newest(listing: Listing) -> Listing:
    newest: dict[str, FetchedPaper] = {}
    for paper in listing.papers:
        known = newest.get(paper.doi)
        if known is None or (paper.version or 0) >= (known.version or 0):
            # A first version and its revision on one page are still a new paper.
            fresh = known is not None and known.announced == "new"
            newest[paper.doi] = replace(paper, announced="new") if fresh else paper
        elif paper.announced == "new":
            newest[paper.doi] = replace(known, announced="new")
    return replace(listing, papers=tuple(newest.values()))


def _name_record(record: Any) -> str:
    return one_line(record.get("doi")) if isinstance(record, Mapping) else ""


def read_record(record: Any) -> FetchedPaper | Withdrawal:
    """One version of one preprint. A later version than the first is announced as "replace"."""
    if not isinstance(record, Mapping):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    doi = clean_doi(one_line(record.get("doi")))
    version = min(clean_count(record.get("version") or 1), MAX_VERSION)
    posted = to_utc(parse_date(one_line(record.get("date"))))
    title = need_text(plain_html(one_line(record.get("title"))), "title", MAX_TITLE)
    if _WITHDRAWN_TITLE.match(title) or one_line(record.get("type")).casefold() == "withdrawn":
        return Withdrawal("", f"doi:{doi}", at=posted, reason=title[:500])
    journal_doi = or_none(
        doi_identifier, one_line(record.get("published"))
    )  # "NA" until it is published
    arxiv_id, _, others = split_identifiers([f"doi:{doi}", journal_doi or ""])
    server = "medrxiv" if one_line(record.get("server")).casefold() == "medrxiv" else "biorxiv"
    category = one_line(record.get("category"))[:MAX_CATEGORY]
    return FetchedPaper(
        source=KIND,
        title=title,
        abstract=check_length(
            plain_html(one_line(record.get("abstract"))), "abstract", MAX_ABSTRACT
        ),
        arxiv_id=arxiv_id,
        doi=doi,
        version=version,
        also_known_as=others,
        url=f"https://www.{server}.org/content/{quote(doi)}v{version}",
        published_at=posted if version == 1 else None,
        listed_on=posted.date(),
        authors=_read_authors(one_line(record.get("authors"))),
        organization=one_line(record.get("author_corresponding_institution"))[:MAX_ORGANIZATION],
        categories=(category,) if category else (),
        journal=server.replace("rxiv", "Rxiv"),
        announced="new" if version == 1 else "replace",
        listed_once=True,
    )


def _read_authors(text: str) -> tuple[str, ...]:
    """The names of "Smith, J.; Doe, A." in order."""
    names = (turn_name(part) for part in text.split(";"))
    return tuple(name for name in names if name)[:MAX_AUTHORS]


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("bioRxiv or medRxiv"),
    summary=gettext_noop("The preprints posted on a day, of all subjects or of one."),
    parameters=(
        Parameter(
            name="server",
            label=gettext_noop("Server"),
            choices=(("biorxiv", "bioRxiv"), ("medrxiv", "medRxiv")),
            default="biorxiv",
        ),
        Parameter(
            name="category",
            label=gettext_noop("Subject"),
            help=gettext_noop("Such as neuroscience; empty for all."),
            clean=clean_category,
            required=False,
        ),
        base_parameter(BASE),
    ),
    make_parameters=Parameters,
    make_requests=make_requests,
    read_answer=read_answer,
    refresh_days=2,
)
