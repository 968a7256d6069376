"""What matched what in an edition, and why: scores kept for all, reasons worked out for few.

A day may have half a million matches and letters carry some of them, so the reasons (the words that
matched, where) are not kept. They come out the same whenever they are asked for, because an edition
keeps the synonyms it was matched with.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from newsletter.matching.base import Document, Match, QueryError, Reason
from newsletter.matching.index import Index
from newsletter.matching.query import parse_query
from newsletter.matching.rank import document_order, popularity
from newsletter.matching.reading import Reading
from newsletter.matching.scores import Matcher
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.tree import Query as ParsedQuery
from newsletter.models import Edition
from newsletter.synonyms import MOST_CHARACTERS, compile_synonyms
from subscribers.models import Query
from subscribers.queries import DistinctQuery

logger = logging.getLogger(__name__)

Hits = list[tuple[int, float]]  # paper id, score: best first
_KEPT = 20_000  # reasons of (query, paper) pairs, and papers read: what many letters share


def read_queries(queries: Iterable[Query | DistinctQuery]) -> dict[int, tuple[ParsedQuery, bool]]:
    """Return queries parsed, by id; one that cannot be read any more is left out and logged."""
    parsed: dict[int, tuple[ParsedQuery, bool]] = {}
    for query in queries:
        try:
            parsed[query.id] = parse_query(query.text, MOST_CHARACTERS), query.expand
        except QueryError as error:
            logger.warning("query %d is not matched: %s", query.id, error)
    return parsed


def find_hits(
    documents: Iterable[Document],
    queries: Mapping[int, tuple[ParsedQuery, bool]],
    synonyms: Synonyms,
) -> dict[int, Hits]:
    """Return what each query matches, best first by the total order; nothing for one without."""
    papers = sorted(documents, key=document_order)
    places = {paper.id: place for place, paper in enumerate(papers)}
    extra = {paper.id: popularity(paper.upvotes) for paper in papers}
    found: dict[int, Hits] = {}
    scores = Matcher(queries, synonyms).score(papers)
    columns = (column.tolist() for column in scores)
    for query_id, document_id, score in zip(*columns, strict=True):
        found.setdefault(query_id, []).append((document_id, score))
    for hits in found.values():
        if len(hits) > 1:
            hits.sort(key=lambda hit: (-hit[1] - extra[hit[0]], places[hit[0]]))
    return found


def unpack_hits(hits: Iterable[tuple[int, float]]) -> list[Match]:
    """Return kept hits as matches without reasons."""
    return [Match(document_id, score, ()) for document_id, score, *_ in hits]


def edition_synonyms(edition: Edition) -> Synonyms:
    """Return the synonyms an edition was matched with."""
    return compile_synonyms(tuple((short, long) for short, long in edition.synonyms))


@dataclass(slots=True)
class Reasons:
    """Why queries match papers, each worked out once and kept while it is among the newest."""

    queries: dict[int, tuple[ParsedQuery, bool]] = field(default_factory=dict)
    _found: OrderedDict[tuple[int, int], tuple[Reason, ...]] = field(default_factory=OrderedDict)
    _readings: OrderedDict[int, Reading] = field(default_factory=OrderedDict)

    def learn(self, query_ids: Iterable[int]) -> None:
        """Read the queries of these ids that are not known yet: one query for all."""
        fresh = set(query_ids) - self.queries.keys()
        if fresh:
            self.queries.update(read_queries(Query.objects.filter(pk__in=fresh)))

    def find(self, query_id: int, document: Document, synonyms: Synonyms) -> tuple[Reason, ...]:
        """Return the places where the query finds the paper.

        There are none where the paper's text is another than when it was matched.
        """
        key = query_id, document.id
        reasons = self._found.get(key)
        if reasons is None and query_id in self.queries:
            index = Index({query_id: self.queries[query_id]}, synonyms)
            reasons = index.explain(self._read(document)).get(query_id, ())
            self._found[key] = reasons
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return reasons or ()

    def _read(self, document: Document) -> Reading:
        reading = self._readings.get(document.id)
        if reading is None or reading.document != document:
            reading = self._readings[document.id] = Reading(document)
            if len(self._readings) > _KEPT // 10:
                self._readings.popitem(last=False)
        return reading
