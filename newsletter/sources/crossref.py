"""Crossref: what journals registered on a day, by ISSN, `https://api.crossref.org/works`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
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
from newsletter.sources.base import FetchedPaper, SourceError, Withdrawal
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_COUNT,
    MAX_TITLE,
    clean_url,
    parse_date,
    to_utc,
)
from newsletter.sources.identifiers import doi_identifier, split_identifiers
from newsletter.sources.markup import plain_html
from newsletter.sources.names import MAX_AUTHORS, join_name
from newsletter.sources.reading import (
    SkippedError,
    as_list,
    as_mapping,
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    one_line,
    or_none,
    parse_object,
)

KIND = "crossref"
WHAT = "Crossref's API"
BASE = "https://api.crossref.org"
ROWS = 200

_ISSN = re.compile(r"\d{4}-\d{3}[\dX]", re.ASCII)
_PARTING = re.compile(r"[\s,;]+")
# Relations to the same work under another identifier.
_SAME = ("has-preprint", "is-preprint-of", "is-identical-to", "is-same-as")
_RETRACTS = frozenset({"retraction", "withdrawal", "removal"})
_NO_PAPER = re.compile(
    r"(?:front|back|inside)? ?(?:cover|matter|masthead)\b|issue information|editorial board"
    r"|table of contents|contents$|(?:author |publisher )?correction\b|corrigend|erratum\b",
    re.IGNORECASE,
)
_LEADING_HEADING = re.compile(r"^(?:abstract|summary)\b[\s:.]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    issns: tuple[str, ...]
    base: str


def clean_issns(text: str) -> tuple[str, ...]:
    """The ISSNs of typed text, each once, with their check digits checked."""
    found = dict.fromkeys(_clean_issn(part) for part in _PARTING.split(text) if part)
    if not found:
        raise ValueError("name at least one ISSN, such as 0028-0836")
    if len(found) > 50:
        raise ValueError(f"{len(found)} ISSNs are more than 50; make a second source of the rest")
    return tuple(found)


def _clean_issn(text: str) -> str:
    plain = text.upper().replace("-", "")
    issn = f"{plain[:4]}-{plain[4:]}"
    if not _ISSN.fullmatch(issn):
        raise ValueError(f"“{text[:20]}” is no ISSN; write it like 0028-0836")
    digits = [10 if char == "X" else int(char) for char in plain]
    if sum((8 - at) * digit for at, digit in enumerate(digits)) % 11:
        raise ValueError(f"the last character of “{issn}” does not fit the others; check it")
    return issn


def make_requests(parameters: Parameters, ask: Ask) -> tuple[Request, ...]:
    """The articles registered from the first day wanted to the last, in all the journals."""
    filters = [f"from-created-date:{ask.first}", f"until-created-date:{ask.day}"]
    filters += ["type:journal-article", *(f"issn:{issn}" for issn in parameters.issns)]
    fields = {"filter": ",".join(filters), "rows": str(ROWS), "cursor": "*"}
    if ask.contact:
        fields["mailto"] = ask.contact
    url = f"{parameters.base}/works?{urlencode(fields, quote_via=quote)}"
    return (Request(url=url, source=ask.name, day=ask.day, accept="application/json"),)


def read_answer(response: Response, request: Request) -> Answer:
    """One page of works. Corrections, covers and contents are no papers; retractions withdraw."""
    body = parse_object(check_status(response, WHAT), WHAT)
    message = body.get("message")
    if not isinstance(message, Mapping) or not isinstance(message.get("items"), list):
        raise SourceError(f"{WHAT}: expected a list of works, found “{_read_error(body)}”")
    items = message["items"]
    total = message.get("total-results")
    listing = collect(items, read_work, _name_work)
    return Answer(
        listing=file_under(request, listing),
        following=_next_page(request, one_line(message.get("next-cursor")), len(items)),
        total=total if isinstance(total, int) and 0 <= total <= MAX_COUNT else None,
    )


def _read_error(body: Mapping[str, Any]) -> str:
    """Crossref says {"status":"failed","message":[{"message":…}]}."""
    parts = as_list(body.get("message"))
    said = "; ".join(one_line(as_mapping(part).get("message")) for part in parts)
    return said[:300] or one_line(body.get("status"))[:100]


def _next_page(request: Request, cursor: str, items: int) -> Request | None:
    fields = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    if not cursor or not items or items < int(fields.get("rows", ROWS)):
        return None
    address = request.url.partition("?")[0]
    query = urlencode({**fields, "cursor": cursor}, quote_via=quote)
    return replace(request, url=f"{address}?{query}", page=request.page + 1)


def _name_work(work: Any) -> str:
    return one_line(work.get("DOI")) if isinstance(work, Mapping) else ""


def read_work(work: Any) -> FetchedPaper | Withdrawal:
    """One work. ValueError where it has no DOI or title, SkippedError where it is no paper."""
    if not isinstance(work, Mapping):
        raise ValueError(f"expected an object, found {type(work).__name__}")
    own = doi_identifier(one_line(work.get("DOI")))
    for update in map(as_mapping, as_list(work.get("update-to"))):
        if one_line(update.get("type")).casefold() in _RETRACTS:
            target = doi_identifier(one_line(update.get("DOI")))
            at, reason = _read_created(work), f"retracted by {own}"
            return Withdrawal("", target, at=at, reason=reason, by="journal")
    title = need_text(plain_html(_first_text(work, "title")), "title", MAX_TITLE)
    if _NO_PAPER.match(title):
        raise SkippedError(title)
    arxiv_id, doi, others = split_identifiers([own, *_read_relations(work)])
    abstract = _LEADING_HEADING.sub("", plain_html(one_line(work.get("abstract"))))
    created = _read_created(work)
    return FetchedPaper(
        source=KIND,
        title=title,
        abstract=check_length(abstract, "abstract", MAX_ABSTRACT),
        arxiv_id=arxiv_id,
        doi=doi,
        also_known_as=others,
        url=or_none(clean_url, one_line(work.get("URL"))) or f"https://doi.org/{quote(doi)}",
        published_at=_read_published(work) or created,
        listed_on=created.date() if created else None,
        authors=tuple(_read_authors(work))[:MAX_AUTHORS],
        journal=plain_html(_first_text(work, "container-title"))[:300],
        announced="new",
        listed_once=True,
    )


def _first_text(work: Mapping[str, Any], name: str) -> str:
    """Crossref's texts are lists of one, or of none."""
    value = work.get(name)
    found = value if isinstance(value, str) else next(iter(as_list(value)), "")
    return one_line(found)


def _read_relations(work: Mapping[str, Any]) -> Iterator[str]:
    relation = as_mapping(work.get("relation"))
    for name in _SAME:
        for other in map(as_mapping, as_list(relation.get(name))):
            if found := or_none(doi_identifier, one_line(other.get("id"))):
                yield found


def _read_created(work: Mapping[str, Any]) -> datetime | None:
    text = one_line(as_mapping(work.get("created")).get("date-time"))
    found = or_none(parse_date, text)
    return found and to_utc(found)


def _read_published(work: Mapping[str, Any]) -> datetime | None:
    """The first of its dates that is a date; a year alone is its first day."""
    for name in ("published-online", "published", "issued", "published-print"):
        parts = as_list(next(iter(as_list(as_mapping(work.get(name)).get("date-parts"))), None))
        if parts and all(isinstance(part, int) for part in parts[:3]):
            text = "-".join(str(part) for part in parts[:3])
            if found := or_none(parse_date, text):
                return found
    return None


def _read_authors(work: Mapping[str, Any]) -> Iterator[str]:
    """Names in order; a group has one name instead of given and family names."""
    for person in map(as_mapping, as_list(work.get("author"))):
        given, family, suffix = (one_line(person.get(key)) for key in ("given", "family", "suffix"))
        if name := join_name(given, family, suffix) or one_line(person.get("name")):
            yield plain_html(name)


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("Journals by ISSN (Crossref)"),
    summary=gettext_noop("The articles that journals registered on a day."),
    parameters=(
        Parameter(
            name="issns",
            label=gettext_noop("ISSNs"),
            help=gettext_noop("One a line, such as 0028-0836."),
            clean=clean_issns,
            lines=True,
        ),
        base_parameter(BASE),
    ),
    make_parameters=Parameters,
    make_requests=make_requests,
    read_answer=read_answer,
    refresh_days=2,
)
