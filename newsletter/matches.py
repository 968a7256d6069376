"""What matched what in an edition, and why: scores kept for all, reasons worked out for few.

A day may have half a million matches and letters carry some of them, so the reasons (the words that
matched, where) are not kept. They come out the same whenever they are asked for, because an edition
keeps the synonyms it was matched with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from newsletter.mail.lru import Recent
from newsletter.matching.base import Document, Match, QueryError, Reason
from newsletter.matching.explaining import Explainer
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
PackedHits = NDArray[np.float64]  # the same as rows of an array: a tenth of the memory
# What many letters share, and what one of them asks for again and again.
REASONS_KEPT = 10_000  # of (query, paper) pairs
READINGS_KEPT = 2_000  # of papers
EXPLAINERS_KEPT = 4_000  # of queries


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


def pack_hits(hits: Iterable[Sequence[float]]) -> PackedHits:
    """Return hits, as kept or as found, packed."""
    return np.array([hit[:2] for hit in hits], np.float64).reshape(-1, 2)


def unpack_hits(hits: PackedHits | None) -> list[Match]:
    """Return packed hits as matches without reasons; none of None."""
    if hits is None:
        return []
    return [Match(int(document_id), score, ()) for document_id, score in hits.tolist()]


def edition_synonyms(edition: Edition) -> Synonyms:
    """Return the synonyms an edition was matched with."""
    return compile_synonyms(tuple((short, long) for short, long in edition.synonyms))


@dataclass(slots=True)
class Reasons:
    """Why queries match papers, each worked out once and kept while it is among the newest."""

    queries: dict[int, tuple[str, bool]] = field(default_factory=dict)  # canonical, expand
    _found: Recent[tuple[int, int], tuple[Reason, ...]] = field(
        default_factory=lambda: Recent(REASONS_KEPT)
    )
    _readings: Recent[int, Reading] = field(default_factory=lambda: Recent(READINGS_KEPT))
    _explainers: Recent[tuple[int, int], Explainer | None] = field(
        default_factory=lambda: Recent(EXPLAINERS_KEPT)
    )

    def learn(self, query_ids: Iterable[int]) -> None:
        """Read the queries of these ids that are not known yet: one query for all."""
        fresh = set(query_ids) - self.queries.keys()
        if fresh:
            rows = Query.objects.filter(pk__in=fresh).values_list("pk", "text", "expand")
            self.queries.update((key, (text, expand)) for key, text, expand in rows)

    def find(self, query_id: int, document: Document, synonyms: Synonyms) -> tuple[Reason, ...]:
        """Return the places where the query finds the paper.

        There are none where the paper's text is another than when it was matched.
        """
        if query_id not in self.queries:
            return ()
        return self._found.get((query_id, document.id), self._find, query_id, document, synonyms)

    def _find(self, query_id: int, document: Document, synonyms: Synonyms) -> tuple[Reason, ...]:
        # An explainer keeps its synonyms, so no others can have their number while it is kept.
        key = query_id, id(synonyms)
        explainer = self._explainers.get(key, self._make_explainer, query_id, synonyms)
        if explainer is None:
            return ()
        reading = self._readings.get(document.id, Reading, document)
        if reading.document is not document and reading.document != document:
            reading = Reading(document)
            self._readings.put(document.id, reading)
        return explainer.explain(reading)

    def _make_explainer(self, query_id: int, synonyms: Synonyms) -> Explainer | None:
        known = read_queries([DistinctQuery(query_id, *self.queries[query_id])]).get(query_id)
        return Explainer(*known, synonyms) if known else None
