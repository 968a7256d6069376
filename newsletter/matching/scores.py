"""All matches of an index as columns: what a day's matching keeps, without reasons."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import NamedTuple

from newsletter.matching.base import Document
from newsletter.matching.index import Index
from newsletter.matching.memory import uncollected


class Scores(NamedTuple):
    """Match n: query `queries[n]` found in document `documents[n]`, with `scores[n]`."""

    queries: array[int]
    documents: array[int]
    scores: array[float]


def score_all(index: Index, documents: Iterable[Document]) -> Scores:
    """Every match of the index in the documents, document after document."""
    queries, ids, scores = array("q"), array("q"), array("d")
    with uncollected():
        for document in documents:
            found = index.score(document)
            queries.extend([query_id for query_id, _ in found])
            scores.extend([score for _, score in found])
            ids.extend([document.id] * len(found))
    return Scores(queries, ids, scores)
