"""Search: an interest over everything stored, by the very rules that fill the letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from newsletter.matching.base import Reason
from newsletter.matching.index import match_query
from newsletter.matching.packs import Array
from newsletter.matching.query import parse_query
from newsletter.matching.rank import MAX_POPULARITY
from newsletter.models import Paper
from newsletter.papers import list_documents, make_document
from newsletter.searchbook import Searchbook, current_searchbook
from newsletter.synonyms import read_synonyms


class Sort(StrEnum):
    """In which order found papers come: best first, or newest day first and of a day best first."""

    RELEVANCE = "relevance"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Found:
    """What a query finds among all stored papers that are not hidden: their ids in order.

    `canonical` is the query in its one spelling, `also_finds` its synonyms. `nearest` are queries
    near one that finds nothing, with how many papers each finds.
    """

    canonical: str
    ids: tuple[int, ...]
    also_finds: tuple[str, ...]
    nearest: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """A stored paper that matches, its raw title, its score and the words that matched."""

    id: int
    title: str
    score: float
    reasons: tuple[Reason, ...]

    def as_dict(self) -> dict[str, object]:
        why = [{"field": reason.field, "text": reason.text} for reason in self.reasons]
        return {"title": self.title, "score": self.score, "why": why}


def search_papers(text: str) -> list[FoundPaper]:
    """Return the stored papers that match `text`, best first; `QueryError` where it is refused."""
    query = parse_query(text)
    stored = Paper.objects.filter(same_as__isnull=True)
    matches = match_query(query, list_documents(stored), read_synonyms())
    ids = [match.document_id for match in matches]
    titles = dict(Paper.objects.filter(pk__in=ids).values_list("id", "title"))
    return [FoundPaper(m.document_id, titles[m.document_id], m.score, m.reasons) for m in matches]


def find_papers(text: str, sort: Sort = Sort.RELEVANCE) -> Found:
    """Return the ids of all papers that `text` finds; `QueryError` where it is refused.

    The papers are not read: their words are kept, see `searchbook`. The order is the matcher's:
    score and upvotes, then `document_order`; but upvotes are today's, not those of an edition.
    """
    query = parse_query(text)
    synonyms = read_synonyms()
    book = current_searchbook()
    hidden = Paper.objects.filter(hidden=True).values_list("pk", flat=True)
    ids, scores = book.search(query, synonyms, hidden)
    nearest = () if len(ids) else book.nearest.suggest(query, synonyms)
    ordered = tuple(ids[_order(book, ids, scores, sort)].tolist())
    return Found(query.canonical, ordered, synonyms.also_finds(query), nearest)


def find_similar(paper: Paper, limit: int) -> list[int]:
    """Return the ids of the stored papers most like one, none that is hidden."""
    hidden = Paper.objects.filter(hidden=True).values_list("pk", flat=True)
    return current_searchbook().similar(make_document(paper), hidden, limit)


def _order(book: Searchbook, ids: Array, scores: Array, sort: Sort) -> Array:
    known, columns = book.columns
    upvotes, comments, published, day = columns[np.searchsorted(known, ids)].T
    total = scores + np.minimum(MAX_POPULARITY, np.log2(1 + upvotes) / 2)
    first = (-day,) if sort is Sort.DATE else ()
    return np.lexsort((ids, -published, -comments, -upvotes, -total, *first))
