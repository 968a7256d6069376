"""How well a paper matches, in which order papers come, and which of them a reader gets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import NamedTuple

from newsletter.matching.base import Document, Match, Reason
from newsletter.matching.reading import (
    ABSTRACT,
    AUTHORS,
    CATEGORIES,
    KEYWORDS,
    ORGANIZATIONS,
    TITLE,
    Hit,
)

# What an atom scores by being found in a field, once per field.
FIELD_SCORES = {
    TITLE: 10.0,
    KEYWORDS: 5.0,
    ABSTRACT: 3.0,
    AUTHORS: 12.0,
    ORGANIZATIONS: 6.0,
    CATEGORIES: 2.0,
}
FURTHER_HIT = 1.0  # for each further hit in the abstract,
MAX_FURTHER = 2.0  # at most this much
MAX_POPULARITY = 3.0
FURTHER_INTEREST = 1.0  # for each further interest of the reader that the paper matches

Order = tuple[int, int, float, int]


def score_atom(hits: Sequence[Hit]) -> float:
    """The score of an atom found at `hits`: the sum over the fields it was found in.

    Synonyms share their atom: in the abstract the spelling that was found most often counts. The
    joined form of a spelling is a second try, and counts where the spelling itself is not found.
    """
    if len(hits) == 1:
        return FIELD_SCORES[hits[0][0]]
    fields = {hit[0] for hit in hits}
    score = sum(map(FIELD_SCORES.__getitem__, fields))
    if ABSTRACT in fields:
        score += min(MAX_FURTHER, FURTHER_HIT * (_count_abstract(hits) - 1))
    return score


def _count_abstract(hits: Iterable[Hit]) -> int:
    counts: dict[int, int] = {}
    reached: dict[int, int] = {}
    for field, _, first, last, spelling in sorted(hits):
        # Places of one spelling that overlap are one.
        if field == ABSTRACT and first >= reached.get(spelling, 0):
            counts[spelling] = counts.get(spelling, 0) + 1
            reached[spelling] = last
    return max(
        number
        for spelling, number in counts.items()
        if spelling % 2 == 0 or spelling - 1 not in counts
    )


def popularity(upvotes: int) -> float:
    """What upvotes add to a paper's score: little, to break near-ties."""
    return min(MAX_POPULARITY, math.log2(1 + max(0, upvotes)) / 2)


def document_order(document: Document) -> Order:
    """Sorts papers of equal score: upvotes, comments, newest, id. A naive date is taken as UTC."""
    published = document.published_at
    if published is None:
        stamp = -math.inf
    else:
        stamp = (published if published.tzinfo else published.replace(tzinfo=UTC)).timestamp()
    return -document.upvotes, -document.comments, -stamp, document.id


class Pick(NamedTuple):
    """A paper for a reader: `rank` from 1, the strongest interest, and the others, stronger first.

    `reasons` has the reasons of each interest: first of `interest_id`, then of each of `also`.
    """

    document_id: int
    score: float
    rank: int
    interest_id: int
    also: tuple[int, ...]
    reasons: tuple[tuple[Reason, ...], ...]


class Picked(NamedTuple):
    """The papers of a letter, best first, and how many more matched."""

    picks: tuple[Pick, ...]
    left_out: int


def rank_papers(
    matches: Mapping[int, Sequence[Match]],
    weights: Mapping[int, int],
    order: Sequence[int],
    documents: Mapping[int, Document],
) -> tuple[Pick, ...]:
    """Every paper that one of a reader's interests matched, once, best first.

    `matches` and `weights` (1 where missing) are by interest, `order` is the reader's order of
    interests: of equally strong ones the first comes first. Matches of papers not in `documents`
    and of interests not in `order` are left out.
    """
    by_paper: dict[int, list[tuple[float, int, Match]]] = {}
    for place, interest in enumerate(dict.fromkeys(order)):
        weight = weights.get(interest, 1)
        for match in matches.get(interest, ()):
            if match.document_id in documents:
                found = by_paper.setdefault(match.document_id, [])
                found.append((-match.score * weight, place, match))
    interests = tuple(dict.fromkeys(order))
    scored: list[tuple[float, Order, list[tuple[float, int, Match]]]] = []
    for document_id, found in by_paper.items():
        found.sort(key=lambda one: one[:2])
        document = documents[document_id]
        score = -found[0][0] + FURTHER_INTEREST * (len(found) - 1) + popularity(document.upvotes)
        scored.append((-score, document_order(document), found))
    scored.sort(key=lambda one: one[:2])
    return tuple(
        Pick(
            document_id=found[0][2].document_id,
            score=-negative,
            rank=rank,
            interest_id=interests[found[0][1]],
            also=tuple(interests[place] for _, place, _ in found[1:]),
            reasons=tuple(match.reasons for _, _, match in found),
        )
        for rank, (negative, _, found) in enumerate(scored, start=1)
    )


def pick_papers(
    matches: Mapping[int, Sequence[Match]],
    weights: Mapping[int, int],
    order: Sequence[int],
    documents: Mapping[int, Document],
    limit: int,
) -> Picked:
    """The papers of one letter: at most `limit`, in the order of `rank_papers`.

    Where more match, the interests take turns, in the reader's order, each taking the best paper it
    matched that is not taken yet; so a broad interest cannot starve a narrow one.
    """
    ranked = rank_papers(matches, weights, order, documents)
    limit = max(0, limit)
    if len(ranked) <= limit:
        return Picked(ranked, 0)
    queues: dict[int, list[Pick]] = {interest: [] for interest in order}
    for pick in reversed(ranked):  # the best last, to be popped
        for interest in (pick.interest_id, *pick.also):
            queues[interest].append(pick)
    taken: set[int] = set()
    while len(taken) < limit:
        for queue in queues.values():
            while queue and queue[-1].document_id in taken:
                queue.pop()
            if queue and len(taken) < limit:
                taken.add(queue.pop().document_id)
    chosen = (pick for pick in ranked if pick.document_id in taken)
    picks = tuple(
        Pick(pick.document_id, pick.score, rank, pick.interest_id, pick.also, pick.reasons)
        for rank, pick in enumerate(chosen, start=1)
    )
    return Picked(picks, len(ranked) - len(picks))
