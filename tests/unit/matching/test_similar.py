"""Likeness of papers: by their words, the same every time, and only where there is some."""

from __future__ import annotations

import random

from newsletter.matching.base import Document
from newsletter.matching.similar import MINIMUM, TfIdf
from tests.unit.matching.papers import needs_pages, page_documents

STARS = Document(1, "Galaxies seen through dust", "Dust hides the spiral arms of galaxies.")
NEAR = Document(2, "Spiral galaxies and their dust", "We measure dust in galaxies.")
TWIN = Document(3, "Spiral galaxies and their dust", "We measure dust in galaxies.")
FAR = Document(4, "Contracts on a market", "Strangers agree on prices they never see.")
ALL = [STARS, NEAR, TWIN, FAR]


def test_it_finds_the_nearest_and_whom_it_is_near_to() -> None:
    found = TfIdf(ALL).nearest([1, 4], [2, 3, 4], 5)
    assert [(near.candidate, near.liked) for near in found] == [(2, 1), (3, 1)]
    assert all(near.score >= MINIMUM for near in found)


def test_it_gives_equals_by_id_whatever_order_they_came_in() -> None:
    expected = TfIdf(ALL).nearest([1], [2, 3], 2)
    for seed in range(5):
        mixed = random.Random(seed).sample(ALL, len(ALL))
        assert TfIdf(mixed).nearest([1], [3, 2], 2) == expected


def test_it_finds_nothing_where_nothing_is_like_it() -> None:
    model = TfIdf(ALL)
    assert model.nearest([1], [4], 5) == []
    assert model.nearest([], [2], 5) == []
    assert model.nearest([99], [2], 5) == []
    assert model.nearest([1], [2], 0) == []
    assert TfIdf([]).nearest([1], [2], 5) == []


def test_it_adds_papers_without_changing_what_is_there() -> None:
    model = TfIdf([STARS, FAR, NEAR])
    before = model.nearest([1], [2], 1)
    model.add([TWIN, NEAR])
    assert model.nearest([1], [2], 1) == before
    assert [near.candidate for near in model.nearest([1], [2, 3], 5)] == [2, 3]
    assert 3 in model
    model.drop_added()
    assert 3 not in model
    assert model.nearest([1], [2, 3], 5) == before
    model.add([TWIN])
    assert [near.candidate for near in model.nearest([1], [2, 3], 5)] == [2, 3]


def test_it_takes_papers_without_words() -> None:
    model = TfIdf([Document(1, "", ""), Document(2, "…", "12 3")])
    model.add([Document(3, "", "")])
    assert model.nearest([1], [2, 3], 5) == []


@needs_pages
def test_real_papers_have_few_neighbours() -> None:
    documents = page_documents()
    model = TfIdf(documents)
    ids = [document.id for document in documents]
    shares = [len(model.nearest([one], ids, len(ids))) / len(ids) for one in ids]
    assert sum(shares) / len(shares) < 0.02
    assert sum(share > 0 for share in shares) > len(shares) / 2
