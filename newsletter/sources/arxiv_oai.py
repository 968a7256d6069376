"""arXiv's OAI-PMH, `https://oaipmh.arxiv.org/oai`: every record changed on a day, by set."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import quote, urlencode

from newsletter.sources import arxiv
from newsletter.sources.asking import Answer, Ask, Request, Response, Source, gettext_noop
from newsletter.sources.base import FetchedPaper, SourceError, Withdrawal
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_TITLE,
    clean_doi,
    parse_date,
    parse_day,
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
from newsletter.sources.names import MAX_AUTHORS, join_name, split_authors
from newsletter.sources.reading import (
    check_length,
    check_status,
    collect,
    file_under,
    need_text,
    or_none,
)

KIND = "arxiv-oai"
WHAT = "arXiv's OAI-PMH"
BASE = "https://oaipmh.arxiv.org"
# A record first submitted so long before it was changed is a revision, not an announcement.
NEW_WITHIN = timedelta(days=14)

_NOTHING = "noRecordsMatch"


def make_requests(parameters: arxiv.CategoryParameters, ask: Ask) -> tuple[Request, ...]:
    """The records changed from the first day wanted to the last, one list a category."""
    return tuple(
        Request(
            url=f"{parameters.base}/oai?"
            + urlencode(
                {
                    "verb": "ListRecords",
                    "metadataPrefix": "arXiv",
                    "set": arxiv.oai_set(category),
                    "from": ask.first.isoformat(),
                    "until": ask.day.isoformat(),
                },
                quote_via=quote,
            ),
            source=ask.name_part(category),
            day=ask.day,
            part=category,
            accept="text/xml",
        )
        for category in parameters.categories
    )


def read_answer(response: Response, request: Request) -> Answer:
    """One page of records: papers, revisions of papers (announced "replace"), withdrawals.

    `following` bears the resumption token, which expires at midnight. No records at all is an empty
    answer. Raises SourceBusyError for "503 first byte timeout", SourceError for OAI's other errors.
    """
    body = check_status(response, WHAT)
    root = parse_xml(body, WHAT)
    if local_name(root) != "oai-pmh":
        raise SourceError(f"{WHAT}: expected <OAI-PMH>, found <{local_name(root)[:40]}>")
    for error in children(root, "error"):
        code = error.get("code") or ""
        if code == _NOTHING:
            return Answer(listing=collect((), read_record))
        raise SourceError(f"{WHAT} refused the request: {code[:60]}, “{text_of(error)[:300]}”")
    page = first(root, "listrecords")
    if page is None:
        page = first(root, "getrecord")
    if page is None:
        raise SourceError(f"{WHAT}: expected <ListRecords>, found none")
    listing = collect(children(page, "record"), read_record, _name_record)
    return Answer(
        listing=file_under(request, listing),
        following=_next_page(page, request),
        total=_read_total(page),
    )


def _next_page(page: Element, request: Request) -> Request | None:
    token = child_text(page, "resumptiontoken")
    if not token:
        return None
    # The token's text may be url-encoded itself; it is opaque, and is encoded once more.
    fields = urlencode({"verb": "ListRecords", "resumptionToken": token}, quote_via=quote)
    url = f"{request.url.partition('?')[0]}?{fields}"
    return replace(request, url=url, page=request.page + 1)


def _read_total(page: Element) -> int | None:
    token = first(page, "resumptiontoken")
    size = token.get("completeListSize") if token is not None else None
    return int(size) if size and size.isascii() and size.isdigit() and len(size) < 10 else None


def _name_record(record: Element) -> str:
    header = first(record, "header")
    return child_text(header, "identifier") if header is not None else ""


def read_record(record: Element) -> FetchedPaper | Withdrawal:
    """One record in the format arXiv or arXivRaw. Raises ValueError where it cannot be read."""
    header = first(record, "header")
    if header is None:
        raise ValueError("it has no header")
    arxiv_id, _ = arxiv.read_identifier(child_text(header, "identifier"))
    changed = parse_day(child_text(header, "datestamp")[:10])
    if header.get("status") == "deleted":
        at = parse_date(changed.isoformat())
        reason = "deleted by arXiv"
        return Withdrawal("", f"arxiv:{arxiv_id}", at=to_utc(at), reason=reason, by="source")
    holder = first(record, "metadata")
    body = next(iter(holder), None) if holder is not None else None
    if body is None or local_name(body) not in ("arxiv", "arxivraw"):
        raise ValueError("it has no metadata in the format arXiv or arXivRaw")
    comment = child_text(body, "comments")
    abstract = check_length(child_text(body, "abstract"), "abstract", MAX_ABSTRACT)
    at = to_utc(parse_date(changed.isoformat()))
    if gone := arxiv.read_withdrawal(arxiv_id, comment, abstract, at):
        return gone
    return _make_paper(body, arxiv_id, changed, abstract, comment)


def _make_paper(
    body: Element, arxiv_id: str, changed: date, abstract: str, comment: str
) -> FetchedPaper:
    created, version = _read_history(body)
    parts = arxiv.split_dois(child_text(body, "doi"))
    dois = [doi for part in parts if (doi := or_none(clean_doi, part))]
    fresh = version == 1 and created is not None and changed - created.date() <= NEW_WITHIN
    return FetchedPaper(
        source=KIND,
        title=need_text(child_text(body, "title"), "title", MAX_TITLE),
        abstract=abstract,
        arxiv_id=arxiv_id,
        version=version if body.tag.endswith("arXivRaw") or version == 1 else None,
        doi=dois[0] if dois else "",
        also_known_as=tuple(f"doi:{doi}" for doi in dois[1:]),
        url=arxiv.abs_url(arxiv_id),
        published_at=created and to_utc(created),
        listed_on=changed,
        authors=_read_authors(body),
        categories=tuple(
            name for name in child_text(body, "categories").split() if len(name) <= MAX_CATEGORY
        ),
        journal=child_text(body, "journal-ref"),
        note=comment,
        announced="new" if fresh else "replace",
        listed_once=True,
    )


def _read_history(body: Element) -> tuple[datetime | None, int]:
    """When it was first submitted, and its version: of the format arXiv 1, or 2 for “some later”.

    arXivRaw lists every version; arXiv has `created`, and `updated` once there is a second.
    """
    versions = list(children(body, "version"))
    if versions:
        dates = [child_text(version, "date") for version in versions]
        return parse_date(dates[0]), len(versions)
    created = child_text(body, "created")
    return (parse_date(created) if created else None), 2 if child_text(body, "updated") else 1


def _read_authors(body: Element) -> tuple[str, ...]:
    """The authors of arXiv, in parts, or the flat string of arXivRaw."""
    holder = first(body, "authors")
    if holder is None:
        return ()
    people = list(children(holder, "author"))
    if not people:
        return split_authors(text_of(holder))
    names = (
        join_name(
            child_text(one, "forenames"), child_text(one, "keyname"), child_text(one, "suffix")
        )
        for one in people
    )
    return tuple(name for name in names if name)[:MAX_AUTHORS]


SOURCE = Source(
    kind=KIND,
    label=gettext_noop("arXiv records (OAI-PMH)"),
    summary=gettext_noop(
        "Every record changed on a day: fills in comments, journals and withdrawals."
    ),
    parameters=(arxiv.CATEGORIES, arxiv.HOLIDAYS, arxiv.base_parameter(BASE)),
    make_parameters=arxiv.CategoryParameters,
    make_requests=make_requests,
    read_answer=read_answer,
    is_quiet=arxiv.is_quiet,
    refresh_days=1,
    seconds_between=arxiv.SECONDS_BETWEEN,
)
