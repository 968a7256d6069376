"""How well a query matches each of many papers, all papers at once: the scores of `rank`."""

from __future__ import annotations

from itertools import chain

import numpy as np

from newsletter.matching.packs import Array
from newsletter.matching.phrases import Pattern, Phrase, patterns
from newsletter.matching.postings import FIELDS, Asked, Postings
from newsletter.matching.rank import FIELD_SCORES, FURTHER_HIT, MAX_FURTHER
from newsletter.matching.reading import ABSTRACT, AUTHORS, CATEGORIES
from newsletter.matching.streams import Stream
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import Atom, Query

# What hits in an abstract score, by their number; more than the last number score as much.
_ABSTRACT = np.array(
    [0, *(FIELD_SCORES[ABSTRACT] + min(FURTHER_HIT * further, MAX_FURTHER) for further in range(9))]
).astype(np.float32)


def score_papers(
    postings: Postings,
    query: Query,
    synonyms: Synonyms = DEFAULT_SYNONYMS,
    expand: bool = True,
    asked: Asked | None = None,
) -> Array:
    """Return a score for each paper of `postings`, of use where `postings.find` says it matches.

    What `match_query` gives, but for hits in an abstract that overlap: they count apart. `asked` is
    what `find` was given, so that nothing is looked for twice.
    """
    asked = asked or Asked(postings)
    scores = np.zeros(len(postings), np.float32)
    for atom in query.atoms():
        others = synonyms.expand(atom) if expand else ()
        scores += _score_atom(postings, atom, others, asked)
    return scores


def _score_atom(postings: Postings, atom: Atom, others: tuple[str, ...], asked: Asked) -> Array:
    if atom.field in ("cat", "author"):
        field = CATEGORIES if atom.field == "cat" else AUTHORS
        found = postings.find(Query(atom), Synonyms(), asked=asked)
        return np.where(found, np.float32(FIELD_SCORES[field]), np.float32(0))
    spellings = [
        patterns(atom.words, atom.slack, atom.field != "org"),
        *(patterns(other) for other in others),
    ]
    scores = np.zeros(len(postings), np.float32)
    for field in FIELDS[atom.field]:
        if field != ABSTRACT:
            masks = [asked.mask(field, way) for way in chain.from_iterable(spellings)]
            scores[np.logical_or.reduce(masks)] += FIELD_SCORES[field]
            continue
        most = np.maximum.reduce([_count(postings, ways, asked) for ways in spellings])
        scores += _ABSTRACT[np.minimum(most, len(_ABSTRACT) - 1)]
    return scores


def _count(postings: Postings, ways: tuple[Pattern, ...], asked: Asked) -> Array:
    """How often each paper's abstract has one spelling.

    Where its words stand joined as fewer, as in pretraining for pre-training, it is a second try,
    and counts where the spelling itself is not found.
    """
    stream = postings.streams[ABSTRACT]
    if len(ways) > 1:
        return _count_apart(stream, ways, asked)
    way = ways[0]
    hits = asked.hits(ABSTRACT, way)
    cuts = len(way.cuts) if isinstance(way, Phrase) else 0
    whole = stream.how_often(hits.numbers)
    if not len(hits.starts):
        return whole
    papers = stream.paper_of[hits.starts if isinstance(way, Phrase) else np.unique(hits.starts)]
    if not cuts:
        return whole + np.bincount(papers, minlength=len(whole))
    fewer = hits.ends - hits.starts <= cuts
    found = np.bincount(papers[~fewer], minlength=len(whole))
    joined = whole + np.bincount(papers[fewer], minlength=len(whole))
    return np.where(found > 0, found, joined)


def _count_apart(stream: Stream, ways: tuple[Pattern, ...], asked: Asked) -> Array:
    """As `_count`, where several ways may find the same place: place by place."""
    found: list[Array] = []
    joined: list[Array] = []
    for way in ways:
        hits = asked.hits(ABSTRACT, way)
        single = stream.places(hits.numbers)
        if not isinstance(way, Phrase) or not way.cuts:
            found += [single, hits.starts]
        else:
            fewer = hits.ends - hits.starts <= len(way.cuts)
            found.append(hits.starts[~fewer])
            joined += [single, hits.starts[fewer]]
    counts, others = (
        np.bincount(
            stream.paper_of[np.unique(np.concatenate(some)) if some else stream.places(range(0))],
            minlength=len(stream.starts) - 1,
        )
        for some in (found, joined)
    )
    return np.where(counts > 0, counts, others)
