"""Which of very many queries match which papers and how well: a day's matching, all at once.

The same as `index.Index`, by arrays; without the reasons, which `Index.explain` gives for the few
papers that are picked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np

from newsletter.matching.base import Document
from newsletter.matching.compiling import Compiled, compile_queries
from newsletter.matching.filing import Found
from newsletter.matching.hashes import Floats, Ints, group
from newsletter.matching.linking import Links
from newsletter.matching.memory import uncollected
from newsletter.matching.rank import FIELD_SCORES, FURTHER_HIT, MAX_FURTHER, score_atom
from newsletter.matching.reading import ABSTRACT, Reading
from newsletter.matching.shapes import Postings, match_shape
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.texts import Texts
from newsletter.matching.tree import Query
from newsletter.matching.windows import Heads, Keys, Places, find_places

AT_ONCE = 250  # papers, which bounds the memory


class Scores(NamedTuple):
    """Match n: query `queries[n]` found in document `documents[n]`, with `scores[n]`."""

    queries: Ints
    documents: Ints
    scores: Floats


class Matcher:
    """Queries by id, each with whether synonyms count, compiled once for any number of papers."""

    def __init__(
        self,
        queries: Mapping[int, tuple[Query, bool]],
        synonyms: Synonyms = DEFAULT_SYNONYMS,
    ) -> None:
        with uncollected():
            self._compile(queries, synonyms)

    def _compile(self, queries: Mapping[int, tuple[Query, bool]], synonyms: Synonyms) -> None:
        self._compiled = compiled = compile_queries(queries, synonyms)
        self._links = Links(compiled.chains)
        columns = compiled.ways.columns
        hashes, heads, letters = self._links.hash_phrases()
        hashes = np.concatenate((columns.hashes, hashes))
        heads = np.concatenate((columns.heads, heads))
        letters = np.concatenate((columns.letters, letters))
        self._keys = Keys(hashes, letters)
        self._heads = Heads(heads[heads != 0], letters[heads != 0])
        ways = len(columns.hashes)
        self._by_key = group(self._keys.rows[:ways], len(self._keys.table))
        self._units = group(self._keys.rows[ways:], len(self._keys.table))

    def score(self, documents: Iterable[Document]) -> Scores:
        """Every match in the documents, in no order."""
        return self.score_readings(map(Reading, documents))

    def score_readings(self, readings: Iterable[Reading]) -> Scores:
        """Every match in documents that are read already."""
        with uncollected():
            parts = [self._score(some) for some in _batches(readings)]
        return Scores(*map(np.concatenate, zip(*parts, strict=True))) if parts else _NOTHING

    def _score(self, readings: tuple[Reading, ...]) -> Scores:
        texts = Texts(readings)
        postings = self._find_atoms(texts)
        compiled = self._compiled
        single = postings.starts[len(compiled.single)]
        queries = [compiled.single[postings.atoms[:single]]]
        documents = [postings.documents[:single]]
        scores = [postings.scores[:single]]
        for shape, rows in compiled.shapes.items():
            matched = match_shape(shape, rows, postings)
            queries.append(matched[0])
            documents.append(matched[1])
            scores.append(matched[2])
        ids = np.array([reading.document.id for reading in readings], np.int64)
        return Scores(
            np.concatenate(queries), ids[np.concatenate(documents)], np.concatenate(scores)
        )

    def _find_atoms(self, texts: Texts) -> Postings:
        compiled = self._compiled
        windows = self._keys.find(texts, self._heads)
        found = [find_places(texts, compiled.ways, self._by_key, windows)]
        if self._links.chains:
            found.append(self._links.find(texts, windows, self._units))
        places = Places(*map(np.concatenate, zip(*found, strict=True)))
        named = [
            (number, document, score_atom(hits))
            for document, reading in enumerate(texts.readings)
            for number, hits in _find_names(compiled, reading).items()
        ]
        return _score_atoms(texts, places, named, compiled.atoms)


_NOTHING = Scores(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
_BY_MASK = np.array(
    [
        sum(score for field, score in FIELD_SCORES.items() if mask >> field & 1)
        for mask in range(2 ** len(FIELD_SCORES))
    ]
)


def _find_names(compiled: Compiled, reading: Reading) -> Found:
    found: Found = {}
    compiled.names.find_names(reading, found)
    return found


def _score_atoms(
    texts: Texts, places: Places, named: list[tuple[int, int, float]], atoms: int
) -> Postings:
    """Score each atom in each paper it was found in, as `rank.score_atom`."""
    count = len(texts.readings)
    text_of = texts.text_of[places.firsts]
    fields = texts.fields[text_of]
    pairs = places.atoms * count + texts.documents[text_of]
    order = np.argsort(pairs * len(texts) + places.firsts)
    pairs, fields = pairs[order], fields[order]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = pairs[1:] != pairs[:-1]
    heads = np.flatnonzero(new)
    if not len(heads):
        return Postings.of(named, pairs, np.zeros(0), count, atoms)
    masks = np.bitwise_or.reduceat(1 << fields, heads)
    scores = _BY_MASK[masks]
    times = np.add.reduceat((fields == ABSTRACT).astype(np.int64), heads)
    scores = scores + np.clip(FURTHER_HIT * (times - 1), 0, MAX_FURTHER)
    # Places of several spellings, or that overlap, are counted one by one.
    firsts, lasts = places.firsts[order], places.lasts[order]
    spellings = places.spellings[order]
    odd = np.zeros(len(pairs), np.bool_)
    odd[1:] = (firsts[1:] < lasts[:-1]) | (spellings[1:] != spellings[:-1])
    odd[heads] = False
    for at in np.unique(np.searchsorted(heads, np.flatnonzero(odd), "right") - 1).tolist():
        rows = slice(heads[at], heads[at + 1] if at + 1 < len(heads) else len(pairs))
        hits = zip(
            *(column[rows].tolist() for column in (fields, firsts, lasts, spellings)), strict=True
        )
        scores[at] = score_atom(list({(hit[0], 0, *hit[1:]) for hit in hits}))
    return Postings.of(named, pairs[heads], scores, count, atoms)


def _batches(readings: Iterable[Reading]) -> Iterator[tuple[Reading, ...]]:
    rest = iter(readings)
    while some := tuple(islice(rest, AT_ONCE)):
        yield some
