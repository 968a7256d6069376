"""arXiv's query API, `https://export.arxiv.org/api/query`: papers by id, and searches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from newsletter.sources import arxiv
from newsletter.sources.asking import (
    Answer,
    Ask,
    Parameter,
    Request,
    Response,
    Source,
    gettext_noop,
)
from newsletter.sources.base import (
    FetchedPaper,
    Refusal,
    SourceBusyError,
    SourceError,
    Withdrawal,
)
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_TITLE,
    clean_arxiv_id,
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
from newsletter.sources.names import MAX_AUTHORS
from newsletter.sources.reading import (
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    or_none,
)

KIND = "arxiv-query"
WHAT = "arXiv's API"
BASE = "https://export.arxiv.org"
PAGE = 200  # entries a request; the API allows 2,000, and answers those badly
IDS_PER_REQUEST = 100
MOST_NAMED = 1_000  # papers an operator may name at once

_ATOM = "application/atom+xml"
_PARTING = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class NamedParameters:
    papers: tuple[str, ...]  # arXiv ids without version
    base: str


@dataclass(frozen=True, slots=True)
class QueryParameters:
    query: str
    base: str


def clean_named(text: str) -> tuple[str, ...]:
    """The arXiv ids, without versions, of typed ids and addresses; each once, in order."""
    found = dict.fromkeys(clean_arxiv_id(part)[0] for part in _PARTING.split(text) if part)
    if not found:
        raise ValueError("name at least one paper, such as 2602.23229 or its address")
    if len(found) > MOST_NAMED:
        raise ValueError(f"{len(found)} papers are more than {MOST_NAMED}; name fewer at once")
    return tuple(found)


def clean_query(text: str) -> str:
    """A search in arXiv's own language: `cat:cs.LG AND abs:"diffusion model"`."""
    query = clean_text(text)
    if not query or len(query) > 1_000:
        raise ValueError(
            "write a search of at most 1,000 characters, such as cat:cs.LG AND ti:quark"
        )
    if query.count('"') % 2 or query.count("(") != query.count(")"):
        raise ValueError("a quotation mark or a bracket is not closed")
    return query


def request_named(parameters: NamedParameters, ask: Ask) -> tuple[Request, ...]:
    """The named papers, a hundred a request."""
    ids = parameters.papers
    batches = [ids[at : at + IDS_PER_REQUEST] for at in range(0, len(ids), IDS_PER_REQUEST)]
    return tuple(
        Request(
            url=_address(parameters.base, id_list=",".join(batch), max_results=str(len(batch))),
            source=ask.name,
            day=ask.day,
            accept=_ATOM,
        )
        for batch in batches
    )


def request_query(parameters: QueryParameters, ask: Ask) -> tuple[Request, ...]:
    """What the search finds among the papers submitted from the first day wanted to the last."""
    span = f"submittedDate:[{ask.first:%Y%m%d}0000 TO {ask.day:%Y%m%d}2359]"
    url = _address(
        parameters.base,
        search_query=f"({parameters.query}) AND {span}",
        start="0",
        max_results=str(PAGE),
        sortBy="submittedDate",
        sortOrder="descending",
    )
    return (Request(url=url, source=ask.name, day=ask.day, accept=_ATOM),)


def _address(base: str, **fields: str) -> str:
    return f"{base}/api/query?{urlencode(fields, quote_via=quote)}"


def read_named(response: Response, request: Request) -> Answer:
    """The named papers; one that arXiv does not have is a refusal."""
    answer = read_answer(response, request)
    asked = _asked(request, "id_list").split(",")
    found = {f"arxiv:{paper.arxiv_id}" for paper in answer.papers}
    found |= {one.identifier for one in answer.withdrawals}
    missing = [name for name in asked if name and f"arxiv:{name}" not in found]
    if missing and not answer.refusals:
        refusals = tuple(Refusal(name, "arXiv has no paper of this id") for name in missing)
        return replace(answer, listing=replace(answer.listing, refusals=refusals), following=None)
    return replace(answer, following=None)


def read_answer(response: Response, request: Request) -> Answer:
    """One page of entries.

    Raises SourceBusyError for "Rate exceeded.", for overload, and for a page that is empty though
    the API says there is more, as it sometimes is: the same request may succeed later.
    """
    body = response.body
    if body.strip().lower().startswith(b"rate exceeded"):
        raise SourceBusyError(f"{WHAT} says “Rate exceeded.”; ask again later, and more slowly")
    if response.status != 400:  # which carries a feed that says what is wrong
        body = check_status(response, WHAT)
    root = parse_xml(body, WHAT)
    if local_name(root) != "feed":
        raise SourceError(f"{WHAT}: expected an Atom feed, found <{local_name(root)[:40]}>")
    entries = list(children(root, "entry"))
    _raise_error(entries)
    total = _read_number(root, "totalresults")
    start = _read_number(root, "startindex")
    if not entries and total > start:
        raise SourceBusyError(f"{WHAT} sent an empty page {start} of {total} entries; ask again")
    listing = collect(entries, read_entry, lambda entry: child_text(entry, "id"))
    end = start + len(entries)
    return Answer(
        listing=file_under(request, listing),
        following=_next_page(request, end) if entries and end < total else None,
        total=total,
    )


def _raise_error(entries: Iterable[Element]) -> None:
    for entry in entries:
        if "/api/errors" in child_text(entry, "id"):
            said = child_text(entry, "summary") or "an error without a reason"
            raise SourceError(f"{WHAT} refused the request: “{said[:300]}”")


def _read_number(root: Element, name: str) -> int:
    text = child_text(root, name)
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _asked(request: Request, name: str) -> str:
    return (parse_qs(urlsplit(request.url).query).get(name) or [""])[0]


def _next_page(request: Request, start: int) -> Request:
    fields = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    base = request.url.partition("?")[0]
    fields["start"] = str(start)
    url = f"{base}?{urlencode(fields, quote_via=quote)}"
    return replace(request, url=url, page=request.page + 1)


def read_entry(entry: Element) -> FetchedPaper | Withdrawal:
    """One entry of the API. Raises ValueError where it has no id, title or readable date."""
    arxiv_id, version = arxiv.read_identifier(child_text(entry, "id"))
    published = _read_date(entry, "published")
    comment = child_text(entry, "comment")
    abstract = check_length(child_text(entry, "summary"), "abstract", MAX_ABSTRACT)
    gone = arxiv.read_withdrawal(arxiv_id, comment, abstract, _read_date(entry, "updated"))
    if gone:
        return gone
    parts = arxiv.split_dois(child_text(entry, "doi"))
    dois = [doi for part in parts if (doi := or_none(clean_doi, part))]
    return FetchedPaper(
        source=KIND,
        title=need_text(child_text(entry, "title"), "title", MAX_TITLE),
        abstract=abstract,
        arxiv_id=arxiv_id,
        version=version,
        doi=dois[0] if dois else "",
        also_known_as=tuple(f"doi:{doi}" for doi in dois[1:]),
        url=arxiv.abs_url(arxiv_id),
        published_at=published and to_utc(published),
        authors=_read_authors(entry),
        categories=_read_categories(entry),
        journal=child_text(entry, "journal_ref"),
        note=comment,
    )


def _read_date(entry: Element, name: str) -> datetime | None:
    given = child_text(entry, name)
    return parse_date(given) if given else None


def _read_authors(entry: Element) -> tuple[str, ...]:
    """One name an element, unlike in the feeds: a comma in it belongs to the name."""
    names = (child_text(author, "name") for author in children(entry, "author"))
    return tuple(name for name in names if name)[:MAX_AUTHORS]


def _read_categories(entry: Element) -> tuple[str, ...]:
    primary = first(entry, "primary_category")
    terms = [primary.get("term") or ""] if primary is not None else []
    terms += [one.get("term") or text_of(one) for one in children(entry, "category")]
    cleaned = (clean_text(term) for term in terms)
    return tuple(dict.fromkeys(term for term in cleaned if 0 < len(term) <= MAX_CATEGORY))


NAMED = Source(
    kind="arxiv-papers",
    label=gettext_noop("arXiv papers by id"),
    summary=gettext_noop("Papers an operator names by arXiv id or address."),
    parameters=(
        Parameter(
            name="papers",
            label=gettext_noop("Papers"),
            help=gettext_noop("arXiv ids or addresses, parted by spaces, commas or lines."),
            clean=clean_named,
            lines=True,
        ),
        arxiv.base_parameter(BASE),
    ),
    make_parameters=NamedParameters,
    make_requests=request_named,
    read_answer=read_named,
    on_demand=True,
    by_day=False,
    seconds_between=arxiv.SECONDS_BETWEEN,
)

QUERY = Source(
    kind=KIND,
    label=gettext_noop("arXiv search"),
    summary=gettext_noop("The new papers that a search in arXiv's own language finds."),
    parameters=(
        Parameter(
            name="query",
            label=gettext_noop("Search"),
            help=gettext_noop("In arXiv's language, such as cat:cs.LG AND abs:quark."),
            clean=clean_query,
        ),
        arxiv.base_parameter(BASE),
    ),
    make_parameters=QueryParameters,
    make_requests=request_query,
    read_answer=read_answer,
    seconds_between=arxiv.SECONDS_BETWEEN,
)
