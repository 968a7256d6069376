"""OpenReview: the papers of a venue, `https://api2.openreview.net/notes?content.venueid=…`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

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
from newsletter.sources.base import FetchedPaper, SourceBusyError, SourceError, Withdrawal
from newsletter.sources.fields import MAX_ABSTRACT, MAX_COUNT, MAX_TITLE, clean_text
from newsletter.sources.identifiers import OPENREVIEW
from newsletter.sources.names import MAX_AUTHORS
from newsletter.sources.reading import (
    as_list,
    as_mapping,
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    one_line,
    parse_object,
)

KIND = "openreview"
WHAT = "OpenReview's API"
BASE = "https://api2.openreview.net"
PAGE = 500

_VENUE = re.compile(r"[A-Za-z0-9._-]{2,60}(?:/[A-Za-z0-9._-]{1,80}){1,8}", re.ASCII)
_NOTE_ID = re.compile(r"[A-Za-z0-9_-]{4,40}", re.ASCII)
_GONE = re.compile(r"withdrawn|desk.?rejected", re.IGNORECASE)
_REJECTED = re.compile(r"desk.?rejected", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    venue: str
    base: str


def clean_venue(text: str) -> str:
    """A venue's identifier, "ICLR.cc/2026/Conference", or its address on openreview.net."""
    given = clean_text(text)
    parts = urlsplit(given) if given.startswith(("http://", "https://")) else None
    venue = (parse_qs(parts.query).get("id") or [""])[0] if parts else given
    if not _VENUE.fullmatch(venue):
        raise ValueError(f"“{given[:80]}” is no venue; write it like ICLR.cc/2026/Conference")
    return venue


def make_requests(parameters: Parameters, ask: Ask) -> tuple[Request, ...]:
    """The venue's papers from the first: what is new among them, only our own memory tells."""
    fields = {"content.venueid": parameters.venue, "limit": str(PAGE), "offset": "0"}
    url = f"{parameters.base}/notes?{urlencode(fields, quote_via=quote)}"
    return (Request(url=url, source=ask.name, day=ask.day, accept="application/json"),)


def read_answer(response: Response, request: Request) -> Answer:
    """One page of notes, of version 2 of the API or of version 1, which has bare values."""
    body = parse_object(check_status(response, WHAT), WHAT)
    notes = body.get("notes")
    if not isinstance(notes, list):
        said = one_line(body.get("message")) or one_line(body.get("error"))
        raise SourceError(f"{WHAT}: expected “notes”, found “{said[:200]}”")
    count = body.get("count")
    total = count if isinstance(count, int) and 0 <= count <= MAX_COUNT else None
    fields = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    offset = int(fields.get("offset", "0")) if fields.get("offset", "0").isdecimal() else 0
    if not notes and total and offset < total:
        raise SourceBusyError(f"{WHAT} sent an empty page at {offset} of {total}; ask again")
    end = offset + len(notes)
    following = None
    if notes and total is not None and end < total:
        address = request.url.partition("?")[0]
        query = urlencode({**fields, "offset": str(end)}, quote_via=quote)
        following = replace(request, url=f"{address}?{query}", page=request.page + 1)
    listing = collect(notes, read_note, _name_note)
    return Answer(listing=file_under(request, listing), following=following, total=total)


def _name_note(note: Any) -> str:
    return one_line(note.get("id")) if isinstance(note, Mapping) else ""


def read_note(note: Any) -> FetchedPaper | Withdrawal:
    """One note. Raises ValueError where it has no id or title."""
    if not isinstance(note, Mapping):
        raise ValueError(f"expected an object, found {type(note).__name__}")
    forum = one_line(note.get("forum")) or one_line(note.get("id"))
    if not _NOTE_ID.fullmatch(forum):
        raise ValueError("it has no identifier of a forum")
    content = as_mapping(note.get("content"))
    venue = one_line(_unwrap(content, "venue"))
    place = one_line(_unwrap(content, "venueid"))
    identifier = f"{OPENREVIEW}:{forum}"
    if _GONE.search(venue) or _GONE.search(place):
        by = "source" if _REJECTED.search(venue or place) else "authors"
        return Withdrawal("", identifier, reason=(venue or place)[:500], by=by)
    abstract = one_line(_unwrap(content, "abstract"))
    authors = (one_line(name) for name in as_list(_unwrap(content, "authors")))
    keywords = (one_line(word) for word in as_list(_unwrap(content, "keywords")))
    return FetchedPaper(
        source=KIND,
        title=need_text(_unwrap(content, "title"), "title", MAX_TITLE),
        abstract=check_length(abstract, "abstract", MAX_ABSTRACT),
        also_known_as=(identifier,),
        url=f"https://openreview.net/forum?id={forum}",
        published_at=_read_instant(note.get("pdate")) or _read_instant(note.get("cdate")),
        authors=tuple(name for name in authors if name)[:MAX_AUTHORS],
        ai_keywords=tuple(dict.fromkeys(word for word in keywords if word)),
        journal=venue[:300],
        announced="new",
    )


def _unwrap(content: Mapping[str, Any], name: str) -> object:
    found = content.get(name)
    return found.get("value") if isinstance(found, Mapping) else found


def _read_instant(value: object) -> datetime | None:
    """The instant of milliseconds since 1970; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        instant = datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return instant if 1970 < instant.year < 2200 else None


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("OpenReview venue"),
    summary=gettext_noop("The papers of a conference or workshop, as they become public."),
    parameters=(
        Parameter(
            name="venue",
            label=gettext_noop("Venue"),
            help=gettext_noop("Such as ICLR.cc/2026/Conference, or its address."),
            clean=clean_venue,
        ),
        base_parameter(BASE),
    ),
    make_parameters=Parameters,
    make_requests=make_requests,
    read_answer=read_answer,
    by_day=False,
)
