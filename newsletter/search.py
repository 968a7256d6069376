"""Search: an interest over everything stored, by the very rules that fill the letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from newsletter.matching.base import Reason
from newsletter.matching.index import match_query
from newsletter.matching.packs import Array
from newsletter.matching.query import parse_query
from newsletter.models import Paper
from newsletter.papers import list_documents, make_document
from newsletter.searchbook import Hits, Searchbook, current_searchbook
from newsletter.synonyms import read_synonyms

_SAMPLE = 4000  # of very many values, to tell where the first ones end


class Sort(StrEnum):
    """In which order found papers come: best first, or newest day first and of a day best first."""

    RELEVANCE = "relevance"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Found:
    """What a query finds among all stored papers that are shown: `total` of them.

    `ids` are those that were asked for, in order. `canonical` is the query in its one spelling,
    `also_finds` its synonyms. `nearest` are queries near one that finds nothing, with how many
    papers each finds. `missing` papers, the oldest, were not looked at: their words are being read.
    """

    canonical: str
    total: int
    ids: tuple[int, ...]
    also_finds: tuple[str, ...]
    nearest: tuple[tuple[str, int], ...] = ()
    missing: int = 0


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


def find_papers(
    text: str, sort: Sort = Sort.RELEVANCE, first: int = 0, limit: int | None = None
) -> Found:
    """Return the papers that `text` finds, `limit` of them after the `first` ones.

    Raises `QueryError` where it is refused. The papers are not read: their words are kept, see
    `searchbook`. The order is the matcher's: score and upvotes, then `document_order`; but upvotes
    are today's, not those of an edition.
    """
    query = parse_query(text)
    synonyms = read_synonyms()
    book = current_searchbook()
    hits = book.search(query, synonyms)
    total = len(hits.rows)
    last = total if limit is None else min(total, first + limit)
    return Found(
        canonical=query.canonical,
        total=total,
        ids=tuple(book.facts.ids[_order(book, hits, sort, last)[first:]].tolist()),
        also_finds=synonyms.also_finds(query),
        nearest=() if total else book.nearest.suggest(query, synonyms),
        missing=book.missing,
    )


def find_similar(paper: Paper, limit: int) -> list[int]:
    """Return the ids of the stored papers most like one, none that is hidden."""
    return current_searchbook().similar(make_document(paper), limit)


def _order(book: Searchbook, hits: Hits, sort: Sort, most: int) -> Array:
    """The rows of the first so many hits, in order."""
    facts, rows = book.facts, hits.rows
    keys: list[Callable[[Array], Array]] = [
        lambda at: -(hits.scores[at] + book.popularity[rows[at]]),
        lambda at: -facts.upvotes[rows[at]].astype(np.int64),
        lambda at: -facts.comments[rows[at]].astype(np.int64),
        lambda at: -facts.published[rows[at]],
        lambda at: facts.ids[rows[at]],
    ]
    if sort is Sort.DATE:
        keys.insert(0, lambda at: -facts.days[rows[at]].astype(np.int64))
    return rows[_first(keys, len(rows), most)]


def _border(values: Array, most: int) -> Any:
    """The value of the last of the first `most`, were they in order."""
    some = values[:: max(1, len(values) // _SAMPLE)]
    likely = np.partition(some, rank := min(len(some) - 1, 4 * most * len(some) // len(values)))
    few = values[values <= likely[rank]]  # most often these are enough, and few
    return np.partition(few if len(few) >= most else values, most - 1)[most - 1]


def _first(keys: Sequence[Callable[[Array], Array]], count: int, most: int) -> Array:
    """The first `most` of so many numbers by these keys, which are worked out for numbers.

    What surely is not among them is left out key by key: to sort all takes far longer.
    """
    sure: list[Array] = []
    left = np.arange(count)
    for key in keys:
        if len(left) <= most or not most:
            break
        values = key(left)
        border = _border(values, most)
        sure.append(left[values < border])
        most -= len(sure[-1])
        left = left[values == border]
    found = np.concatenate((*sure, left))
    order = np.lexsort([key(found) for key in reversed(keys)])
    return found[order]
