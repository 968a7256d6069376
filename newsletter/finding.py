"""The page of a search: which papers, in what order, with what matched marked."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.matching.base import QueryError
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.papers import make_document
from newsletter.refusals import translate_refusal
from newsletter.search import Sort, find_papers
from newsletter.sheets import Sheet, make_sheet, shown_papers
from newsletter.synonyms import read_synonyms

PAGE = 20  # papers


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what a query finds; `number` from 1, `first` and `last` count from 1 too."""

    query: str
    canonical: str
    sort: Sort
    total: int
    number: int
    pages: int
    first: int
    last: int
    papers: tuple[Sheet, ...]
    also_finds: tuple[str, ...]
    nearest: tuple[tuple[str, int], ...]
    missing: int = 0  # papers whose words are still being read


@dataclass(frozen=True, slots=True)
class Refused:
    """A query that cannot be read: what is wrong, the text before, at and after it, the mend."""

    query: str
    problem: str
    mend: str
    before: str
    at: str
    after: str


def search_page(text: str, sort: Sort, number: int) -> Results:
    """Return a page of 20 papers, the last one where there are fewer; `QueryError` if refused."""
    number = max(1, number)
    found = find_papers(text, sort, (number - 1) * PAGE, PAGE)
    pages = max(1, -(-found.total // PAGE))
    if number > pages:
        number = pages
        found = find_papers(text, sort, (number - 1) * PAGE, PAGE)
    keys = found.ids
    return Results(
        query=text,
        canonical=found.canonical,
        sort=sort,
        total=found.total,
        number=number,
        pages=pages,
        first=(number - 1) * PAGE + 1 if keys else 0,
        last=(number - 1) * PAGE + len(keys),
        papers=make_found_sheets(text, keys),
        also_finds=found.also_finds,
        nearest=found.nearest,
        missing=found.missing,
    )


def make_found_sheets(text: str, keys: tuple[int, ...]) -> tuple[Sheet, ...]:
    """Return the sheets of these papers in their order, with what `text` matched marked."""
    papers = {paper.pk: paper for paper in shown_papers().filter(pk__in=keys)}
    documents = map(make_document, papers.values())
    matches = match_query(parse_query(text), documents, read_synonyms())
    reasons = {match.document_id: match.reasons for match in matches}
    return tuple(make_sheet(papers[key], reasons.get(key, ())) for key in keys if key in papers)


def describe_refusal(text: str, error: QueryError) -> Refused:
    """Return a refusal as a page shows it, the place between what stands before and after it."""
    at = min(error.position, len(text))
    return Refused(text, *translate_refusal(error), text[:at], text[at : at + 1], text[at + 1 :])
