"""What a BibTeX entry or a RIS record says, made a paper: both name the same few things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from newsletter.sources.arxiv import abs_url
from newsletter.sources.base import FetchedPaper
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_TITLE,
    clean_arxiv_id,
    clean_url,
    parse_date,
)
from newsletter.sources.identifiers import doi_identifier, find_doi, split_identifiers
from newsletter.sources.markup import plain_html
from newsletter.sources.names import MAX_AUTHORS
from newsletter.sources.reading import check_length, need_text, or_none

MAX_ENTRIES = 50_000

_KEYWORD_BREAK = re.compile(r"\s*[;,\n]\s*")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Reference:
    """The raw values of one record; empty where it does not say."""

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    date: str = ""
    doi: str = ""
    arxiv: str = ""
    urls: tuple[str, ...] = ()
    journal: str = ""
    note: str = ""
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def make_paper(source: str, reference: Reference) -> FetchedPaper:
    """The paper a reference is. Raises ValueError where it has no title or something too long."""
    urls = [url for given in reference.urls if (url := or_none(clean_url, given))]
    arxiv_id, doi, others = split_identifiers(_identify(reference, urls))
    own = next(iter(urls), "") or (abs_url(arxiv_id) if arxiv_id else "")
    return FetchedPaper(
        source=source,
        title=need_text(plain_html(reference.title), "title", MAX_TITLE),
        abstract=check_length(plain_html(reference.abstract), "abstract", MAX_ABSTRACT),
        arxiv_id=arxiv_id,
        doi=doi,
        also_known_as=others,
        url=own or (f"https://doi.org/{doi}" if doi else ""),
        published_at=or_none(parse_date, reference.date) if reference.date else None,
        authors=tuple(name for name in reference.authors if name)[:MAX_AUTHORS],
        categories=tuple(name for name in reference.categories if 0 < len(name) <= MAX_CATEGORY),
        ai_keywords=tuple(dict.fromkeys(split_keywords(reference.keywords))),
        journal=reference.journal[:300],
        note=reference.note,
    )


def _identify(reference: Reference, urls: Iterable[str]) -> Iterator[str]:
    if found := or_none(clean_arxiv_id, reference.arxiv):
        yield f"arxiv:{found[0]}"
    if doi := or_none(doi_identifier, reference.doi):
        yield doi
    for url in urls:
        if found := or_none(clean_arxiv_id, url):
            yield f"arxiv:{found[0]}"
        elif doi := find_doi(url):
            yield doi


def split_keywords(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (word for word in _KEYWORD_BREAK.split(text) if word)


def join_date(year: str, month: str, day: str = "") -> str:
    """A date `parse_date` reads; the month as a number or an English name, "" without a year."""
    if not re.fullmatch(r"\d{4}", year, re.ASCII):
        return ""
    name = month.strip().casefold()[:3]
    number = str(_MONTHS.index(name) + 1) if name in _MONTHS else month.strip()
    if not re.fullmatch(r"\d{1,2}", number, re.ASCII):
        return year
    return f"{year}-{number}" + (f"-{day}" if re.fullmatch(r"\d{1,2}", day, re.ASCII) else "")
