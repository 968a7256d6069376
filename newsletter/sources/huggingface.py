"""Hugging Face Daily Papers: the decoded JSON of `GET https://huggingface.co/api/daily_papers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from newsletter.sources.base import FetchedPaper, Listing, Refusal, SourceError
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

SOURCE = "huggingface"

_EXPECTED = "expected the JSON array of Hugging Face's daily_papers"

T = TypeVar("T")


def load_daily_papers(data: object) -> Listing:
    """The papers of one answer, in its order; an empty array (a weekend) is an empty listing.

    Takes the records of `/api/daily_papers` and `/api/papers/search`, where the paper is inside
    "paper", and those of older searches, which are the paper itself. A record that cannot be read,
    or whose paper is withdrawn, is a refusal. `listed_on` is the UTC day of `submittedOnDailyAt`.
    The outer `publishedAt` is ignored: it is Eastern wall-clock time labelled UTC.

    Raises SourceError where the whole is no such array.
    """
    if isinstance(data, Mapping):
        raise SourceError(_describe_error(data))
    if not isinstance(data, list):
        raise SourceError(f"{_EXPECTED}, found {type(data).__name__}")
    if data and not any(_is_record(record) for record in data):
        raise SourceError(f"{_EXPECTED}, found an array whose records have no “paper” and no “id”")
    papers: list[FetchedPaper] = []
    refusals: list[Refusal] = []
    for number, record in enumerate(data, start=1):
        try:
            papers.append(_read_record(record))
        except ValueError as error:
            refusals.append(Refusal(_name_record(number, record), str(error)))
    return Listing(tuple(papers), tuple(refusals))


def _is_record(record: object) -> bool:
    return isinstance(record, Mapping) and ("paper" in record or "id" in record)


def _read_record(record: object) -> FetchedPaper:
    if not isinstance(record, Mapping):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    inner = record.get("paper")
    paper: Mapping[str, Any] = inner if isinstance(inner, Mapping) else record
    if paper.get("withdrawnAt"):
        raise ValueError(f"the paper was withdrawn at {clean_text(str(paper['withdrawnAt']))}")
    identifier = paper.get("id")
    if not isinstance(identifier, str) or not identifier.strip():
        raise ValueError("the paper has no “id”")
    arxiv_id, version = clean_arxiv_id(identifier)
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


def _name_record(number: int, record: object) -> str:
    paper = record.get("paper") if isinstance(record, Mapping) else None
    place = paper if isinstance(paper, Mapping) else record
    identifier = _one_line(place.get("id")) if isinstance(place, Mapping) else ""
    return f"record {number} ({identifier[:60]})" if identifier else f"record {number}"


def _describe_error(body: Mapping[str, Any]) -> str:
    """What an error body says, as the Hub writes them: error, error_description or errors[]."""
    said = _one_line(body.get("error_description")) or _one_line(body.get("error"))
    if not said and isinstance(errors := body.get("errors"), list):
        parts = [item.get("message") if isinstance(item, Mapping) else item for item in errors]
        said = "; ".join(filter(None, map(_one_line, parts)))
    if said:
        return f"{_EXPECTED}, found the error “{said[:300]}”"
    return f"{_EXPECTED}, found one object"
