"""Letters picked by arrays are those picked one by one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time

import pytest

from newsletter.matches import pack_hits, unpack_hits
from newsletter.matching.base import Document
from newsletter.matching.rank import pick_papers
from newsletter.picking import Scores, pick_many
from subscribers.queries import Reader, ReaderInterest


def make_readers(chance: random.Random, number: int, queries: int) -> list[Reader]:
    readers = []
    for key in range(number):
        drawn = chance.sample(range(queries), chance.randint(0, 6))
        interests = tuple(
            ReaderInterest(query, f"q{query}", f"q{query}", True, chance.choice((1, 1, 2)), place)
            for place, query in enumerate(drawn)
        )
        readers.append(
            Reader(
                key, "a@b.example", "confirmed", "UTC", time(8), 127, chance.randint(1, 12),
                None, 0, "en", "nothing", interests,
            )
        )  # fmt: skip
    return readers


@pytest.mark.parametrize("seed", range(8))
def test_it_picks_what_picking_one_by_one_does(seed: int) -> None:
    chance = random.Random(seed)
    documents = {
        key: Document(
            key, "t", "a", upvotes=chance.choice((0, 0, 7)),
            published_at=datetime(2026, 11, chance.randint(1, 20), tzinfo=UTC),
        )
        for key in range(60)
    }  # fmt: skip
    matches = {
        (edition, query): pack_hits(
            (paper, chance.choice((3.0, 10.0, 13.0)))
            for paper in chance.sample(
                range(30 * edition, 30 * edition + 30), chance.randint(0, 20)
            )
        )
        for edition in (0, 1)
        for query in range(20)
    }
    known = {key: one for key, one in documents.items() if key != 5}  # one was not read
    readers = make_readers(chance, 200, 20)
    picked = pick_many(readers, Scores((0, 1)), matches, known)
    for reader, many in zip(readers, picked, strict=True):
        order = [interest.query_id for interest in reader.interests]
        weights = {interest.query_id: interest.weight for interest in reader.interests}
        own = {
            query: [match for edition in (0, 1) for match in unpack_hits(matches[edition, query])]
            for query in order
        }
        alone = pick_papers(own, weights, order, known, reader.papers_per_letter)
        assert many.left_out == alone.left_out
        assert many.picks == tuple(pick._replace(reasons=()) for pick in alone.picks)
