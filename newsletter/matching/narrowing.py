"""What makes a broad query narrower: words that some of its papers have, and other papers rarely.

Only words are guessed at, from samples; every count that is given is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from math import log
from typing import NamedTuple

import numpy as np

from newsletter.matching.base import QueryError
from newsletter.matching.nearest import Nearest
from newsletter.matching.packs import Array
from newsletter.matching.postings import Postings
from newsletter.matching.query import parse_query
from newsletter.matching.reading import ABSTRACT, TITLE
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.text import normalise
from newsletter.matching.tree import Or, Query

LIMIT = 3
_SAMPLE = 200  # papers in which words are counted
_LARGE_SAMPLE = 1500
_TRIED = 8  # words whose papers are counted
_LEAST, _MOST = 0.1, 0.7  # of a query's papers: a word that fewer or more have splits them badly
_SAME = 5  # letters: words that begin alike say the same, as learn and learning
_EMPTY = frozenset(  # words that say nothing of what a paper is about
    {"after", "also", "been", "before", "being", "both", "during", "each", "even", "first", "have"}
    | {"here", "however", "into", "many", "more", "most", "much", "often", "only", "other", "over"}
    | {"same", "show", "some", "such", "than", "their", "them", "then", "there", "these", "they"}
    | {"this", "through", "thus", "towards", "under", "using", "when", "where", "which", "while"}
)
_LIFT = 1.2  # how much more frequent a word is there than in all papers, to say something


class Narrower(NamedTuple):
    """A narrower query and how many papers it finds."""

    text: str
    papers: int


class Narrowing:
    """Suggestions from the words of the papers in `postings`."""

    def __init__(self, postings: Postings, nearest: Nearest) -> None:
        self._postings = postings
        self._nearest = nearest
        self._size = len(postings.lexicon.forms)

    @cached_property
    def _shares(self) -> Array:
        """The share of all papers that have each form, from a sample."""
        return self._count(np.ones(len(self._postings), np.bool_), _LARGE_SAMPLE)

    def suggest(
        self,
        query: Query,
        mask: Array,
        synonyms: Synonyms = DEFAULT_SYNONYMS,
        expand: bool = True,
    ) -> tuple[Narrower, ...]:
        """Narrower queries than `query`, which finds the papers of `mask`: the best split first."""
        if not mask.any():
            return ()
        whole = f"({query})" if isinstance(query.root, Or) else str(query)
        total = int(mask.sum())
        found = []
        for word in self._words(query, mask):
            text = f"{whole} AND {word}"
            try:
                parse_query(text)  # may be too long
                only = self._postings.find(parse_query(word), synonyms, expand)
            except QueryError:
                continue
            papers = int((mask & only).sum())
            if _LEAST / 2 <= papers / total <= _MOST:
                found.append(Narrower(text, papers))
        found.sort(key=lambda one: abs(one.papers / total - 0.5))
        return tuple(found[:LIMIT])

    def _words(self, query: Query, mask: Array) -> Iterator[str]:
        here = self._count(mask, _SAMPLE)
        lift = here / np.maximum(self._shares, 0.5 / _LARGE_SAMPLE)
        good = np.flatnonzero((here >= _LEAST) & (here <= _MOST) & (lift >= _LIFT))
        typed = {form[:_SAME] for form in normalise(str(query)).forms}
        scored = sorted(
            ((-here[n] * (1 - here[n]) * log(lift[n]), n) for n in good.tolist()),
        )
        words = (self._postings.lexicon.form(number) for _, number in scored)
        told = (form for form in words if form[:_SAME] not in typed and _tells(form))
        for form in islice(told, _TRIED):
            yield self._nearest.spelled(form)

    def _count(self, mask: Array, most: int) -> Array:
        """The share of the papers of `mask` that have each form, from at most so many of them."""
        papers = np.flatnonzero(mask)
        papers = papers[np.linspace(0, len(papers) - 1, min(most, len(papers))).astype(np.int64)]
        pairs = [self._pairs(field, papers) for field in (TITLE, ABSTRACT)]
        unique = np.unique(np.concatenate(pairs))
        counts = np.bincount(unique % max(1, self._size), minlength=self._size)
        return counts / max(1, len(papers))

    def _pairs(self, field: int, papers: Array) -> Array:
        """Papers with their forms, each pair as one number."""
        stream = self._postings.streams[field]
        firsts = self._postings.lexicon.firsts
        starts, ends = (stream.starts[rows].astype(np.int64) for rows in (papers, papers + 1))
        before = np.cumsum(ends - starts) - (ends - starts)
        places = np.arange(int((ends - starts).sum())) + np.repeat(starts - before, ends - starts)
        words = stream.words(places)
        which = np.repeat(np.arange(len(papers)), ends - starts)
        kept = words != 0
        forms = np.searchsorted(firsts, words[kept], side="right") - 1
        return which[kept] * max(1, self._size) + forms  # type: ignore[no-any-return]


def _tells(form: str) -> bool:
    return len(form) >= 2 and form.isalpha() and form not in _EMPTY
