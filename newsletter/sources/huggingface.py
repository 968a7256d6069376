"""Hugging Face Daily Papers: the decoded JSON of `GET https://huggingface.co/api/daily_papers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from newsletter.sources.arxiv import base_parameter
from newsletter.sources.asking import WEEKEND, Answer, Ask, Request, Response, gettext_noop
from newsletter.sources.asking import Source as SourceEntry
from newsletter.sources.base import (
    FetchedPaper,
    Listing,
    NotYetError,
    SourceError,
    Withdrawal,
)
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_HANDLE,
    MAX_ORGANIZATION,
    MAX_TITLE,
    clean_arxiv_id,
    clean_count,
    clean_text,
    clean_url,
    parse_instant,
)
from newsletter.sources.reading import check_status, collect, excerpt, file_under, parse_json

SOURCE = "huggingface"
WHAT = "Hugging Face"
BASE = "https://huggingface.co"
PAGE = 100

_EXPECTED = "expected the JSON array of Hugging Face's daily_papers"

T = TypeVar("T")


def load_daily_papers(data: object) -> Listing:
    """The papers of one answer, in its order; an empty array (a weekend) is an empty listing.

    Takes the records of `/api/daily_papers` and `/api/papers/search`, where the paper is inside
    "paper", and those of older searches, which are the paper itself. A record that cannot be read
    is a refusal, one with `withdrawnAt` a withdrawal. `listed_on` is the UTC day of
    `submittedOnDailyAt`. The outer `publishedAt` is ignored: it is Eastern wall-clock time labelled
    UTC.

    Raises SourceError where the whole is no such array.
    """
    if isinstance(data, Mapping):
        raise SourceError(_describe_error(data))
    if not isinstance(data, list):
        raise SourceError(f"{_EXPECTED}, found {type(data).__name__}")
    if data and not any(_is_record(record) for record in data):
        raise SourceError(f"{_EXPECTED}, found an array whose records have no “paper” and no “id”")
    return collect(data, _read_record, _name_record)


def _is_record(record: object) -> bool:
    return isinstance(record, Mapping) and ("paper" in record or "id" in record)


def _read_record(record: object) -> FetchedPaper | Withdrawal:
    if not isinstance(record, Mapping):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    inner = record.get("paper")
    paper: Mapping[str, Any] = inner if isinstance(inner, Mapping) else record
    identifier = paper.get("id")
    if not isinstance(identifier, str) or not identifier.strip():
        raise ValueError("the paper has no “id”")
    arxiv_id, version = clean_arxiv_id(identifier)
    if gone := paper.get("withdrawnAt"):
        at = _or_none(parse_instant, gone) if isinstance(gone, str) else None
        reason = "withdrawn on Hugging Face"
        return Withdrawal(SOURCE, f"arxiv:{arxiv_id}", at, reason=reason, by="source")
    listed_at = _read_instant(paper, "submittedOnDailyAt")
    handle, organization = _read_organization(paper, record)
    return FetchedPaper(
        source=SOURCE,
        title=_read_text("title", MAX_TITLE, paper, record),
        abstract=_read_text("summary", MAX_ABSTRACT, paper, record),
        arxiv_id=arxiv_id,
        version=version,
        url=f"https://arxiv.org/abs/{arxiv_id}",
        published_at=_read_instant(paper, "publishedAt"),
        listed_on=listed_at.date() if listed_at else None,
        authors=_read_authors(paper.get("authors")),
        organization=organization,
        organization_handle=handle,
        upvotes=_or_none(clean_count, paper.get("upvotes")),
        comments=_or_none(clean_count, record.get("numComments")),
        thumbnail_url=_read_url(record.get("thumbnail")),
        project_url=_read_url(paper.get("projectPage")),
        code_url=_read_url(paper.get("githubRepo")),
        ai_summary=_one_line(paper.get("ai_summary")),
        ai_keywords=_read_words(paper.get("ai_keywords")),
    )


def _read_text(key: str, longest: int, *places: Mapping[str, Any]) -> str:
    """The first non-empty text under the key; newlines in it are collapsed."""
    text = next((found for place in places if (found := _one_line(place.get(key)))), "")
    if not text:
        raise ValueError(f"the paper has no “{key}”")
    if len(text) > longest:
        raise ValueError(f"“{key}” is {len(text)} characters long, more than {longest}")
    return text


def _read_instant(paper: Mapping[str, Any], key: str) -> datetime | None:
    value = paper.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"“{key}” is no time: {clean_text(str(value))[:60]}")
    try:
        return parse_instant(value)
    except ValueError as error:
        raise ValueError(f"“{key}”: {error}") from None


def _read_authors(value: object) -> tuple[str, ...]:
    """The names in order, without the authors the paper hides (`"hidden": true`)."""
    if not isinstance(value, list):
        return ()
    people = [person for person in value if isinstance(person, Mapping)]
    names = (_one_line(person.get("name")) for person in people if not person.get("hidden"))
    return tuple(name for name in names if name)


def _read_organization(*places: Mapping[str, Any]) -> tuple[str, str]:
    """Handle and display name of the first organisation given, ("", "") where none is."""
    for place in places:
        organization = place.get("organization")
        if isinstance(organization, Mapping):
            handle = _one_line(organization.get("name"))
            if display := _one_line(organization.get("fullname")) or handle:
                return handle[:MAX_HANDLE], display[:MAX_ORGANIZATION]
    return "", ""


def _read_words(value: object) -> tuple[str, ...]:
    words = (_one_line(word) for word in value) if isinstance(value, list) else ()
    return tuple(word for word in words if word)


def _read_url(value: object) -> str:
    # A paper is worth listing without a link that its submitter mistyped.
    return _or_none(clean_url, value) or "" if isinstance(value, str) else ""


def _one_line(value: object) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _or_none(clean: Callable[[Any], T], value: object) -> T | None:
    try:
        return clean(value)
    except ValueError:
        return None


def _name_record(record: object) -> str:
    paper = record.get("paper") if isinstance(record, Mapping) else None
    place = paper if isinstance(paper, Mapping) else record
    return _one_line(place.get("id")) if isinstance(place, Mapping) else ""


def _describe_error(body: Mapping[str, Any]) -> str:
    """What an error body says, as the Hub writes them: error, error_description or errors[]."""
    said = _one_line(body.get("error_description")) or _one_line(body.get("error"))
    if not said and isinstance(errors := body.get("errors"), list):
        parts = [item.get("message") if isinstance(item, Mapping) else item for item in errors]
        said = "; ".join(filter(None, map(_one_line, parts)))
    if said:
        return f"{_EXPECTED}, found the error “{said[:300]}”"
    return f"{_EXPECTED}, found one object"


@dataclass(frozen=True, slots=True)
class Parameters:
    base: str


def make_requests(parameters: Parameters, ask: Ask) -> tuple[Request, ...]:
    """The day's list, from its first page."""
    return (_make_request(f"{parameters.base}/api/daily_papers", ask.name, ask.day, 0),)


def _make_request(address: str, name: str, day: date, page: int) -> Request:
    fields = urlencode({"date": day.isoformat(), "limit": PAGE, "p": page})
    return Request(f"{address}?{fields}", name, day, page=page, accept="application/json")


def read_answer(response: Response, request: Request) -> Answer:
    """One page of a day's list; a full page has a next one.

    `announced_on` is the day most records bear themselves. A record without one is of the day asked
    for. Raises NotYetError for a day that has not come (HTTP 400), by UTC.
    """
    if response.status == 400:
        said = _read_error(response.body)
        raise NotYetError(f"{WHAT} has no list of {request.day} yet (“{said}”)")
    listing = load_daily_papers(parse_json(check_status(response, WHAT), WHAT))
    days = [paper.listed_on for paper in listing.papers if paper.listed_on]
    records = len(listing.papers) + len(listing.refusals) + len(listing.withdrawals)
    following = None
    if records >= _read_limit(request):
        address = request.url.partition("?")[0]
        following = _make_request(address, request.source, request.day, request.page + 1)
    listing = file_under(request, listing)
    # Unlike a feed's item, a record without a day is known to be of the day asked for.
    papers = tuple(replace(paper, listed_once=False) for paper in listing.papers)
    return Answer(
        listing=replace(listing, papers=papers),
        announced_on=max(set(days), key=days.count) if days else None,
        following=following,
    )


def _read_limit(request: Request) -> int:
    given = (parse_qs(urlsplit(request.url).query).get("limit") or [""])[0]
    return int(given) if given.isdecimal() and int(given) else PAGE


def _read_error(body: bytes) -> str:
    try:
        found = parse_json(body, WHAT)
    except SourceError:
        return excerpt(body)
    return _one_line(found.get("error"))[:200] if isinstance(found, Mapping) else ""


def is_quiet(parameters: Parameters, day: date) -> bool:
    """Submitting is closed on weekends: their lists are empty."""
    return day.weekday() in WEEKEND


ENTRY = SourceEntry(
    kind=SOURCE,
    label=gettext_noop("Hugging Face Daily Papers"),
    summary=gettext_noop("The papers the research community submits and votes on each day."),
    parameters=(base_parameter(BASE),),
    make_parameters=Parameters,
    make_requests=make_requests,
    read_answer=read_answer,
    is_quiet=is_quiet,
    refresh_days=3,
    seconds_between=1.0,
)
