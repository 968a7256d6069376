"""How well a query matches each of many papers, all papers at once: the scores of `rank`."""

from __future__ import annotations

from itertools import chain

import numpy as np

from newsletter.matching.packs import Array
from newsletter.matching.phrases import Pattern, Phrase, patterns
from newsletter.matching.postings import FIELDS, Postings
from newsletter.matching.rank import FIELD_SCORES, FURTHER_HIT, MAX_FURTHER
from newsletter.matching.reading import ABSTRACT, AUTHORS, CATEGORIES
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import Atom, Query


def score_papers(
    postings: Postings, query: Query, synonyms: Synonyms = DEFAULT_SYNONYMS, expand: bool = True
) -> Array:
    """Return a score for each paper of `postings`, of use where `postings.find` says it matches.

    What `match_query` gives, but for hits in an abstract that overlap: they count apart.
    """
    scores = np.zeros(len(postings), np.float32)
    for atom in query.atoms():
        others = synonyms.expand(atom) if expand else ()
        scores += _score_atom(postings, atom, others)
    return scores


def _score_atom(postings: Postings, atom: Atom, others: tuple[str, ...]) -> Array:
    if atom.field in ("cat", "author"):
        field = CATEGORIES if atom.field == "cat" else AUTHORS
        found = postings.find(Query(atom), Synonyms())
        return np.where(found, np.float32(FIELD_SCORES[field]), np.float32(0))
    spellings = [
        patterns(atom.words, atom.slack, atom.field != "org"),
        *(patterns(other) for other in others),
    ]
    scores = np.zeros(len(postings), np.float32)
    for field in FIELDS[atom.field]:
        stream = postings.streams[field]
        if field != ABSTRACT:
            masks = [stream.find(way) for way in chain.from_iterable(spellings)]
            scores[np.logical_or.reduce(masks)] += FIELD_SCORES[field]
            continue
        most = np.maximum.reduce([_count(postings, ways) for ways in spellings])
        further = np.minimum(FURTHER_HIT * np.maximum(most - 1, 0), MAX_FURTHER)
        scores += np.where(most > 0, FIELD_SCORES[field] + further, 0).astype(np.float32)
    return scores


def _count(postings: Postings, ways: tuple[Pattern, ...]) -> Array:
    """How often each paper's abstract has one spelling.

    Where its words stand joined as fewer, as in pretraining for pre-training, it is a second try,
    and counts where the spelling itself is not found.
    """
    stream = postings.streams[ABSTRACT]
    found: list[Array] = []
    joined: list[Array] = []
    for way in ways:
        starts, sizes = stream.places_of(way)
        if not isinstance(way, Phrase):
            found.append(np.unique(starts))
        elif not way.cuts:
            found.append(starts)
        else:
            fewer = sizes <= len(way.cuts)
            found.append(starts[~fewer])
            joined.append(starts[fewer])
    counts, others = (
        np.bincount(stream.paper_of[_once(some)], minlength=len(postings))
        for some in (found, joined or [np.zeros(0, np.int64)])
    )
    return np.where(counts > 0, counts, others)


def _once(places: list[Array]) -> Array:
    """The places of all ways, each once; a phrase alone stands nowhere twice."""
    whole = np.concatenate(places)
    return whole if len(places) == 1 else np.unique(whole)
