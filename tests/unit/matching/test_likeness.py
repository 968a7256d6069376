"""Likeness from packed words is the likeness of the words themselves."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.matching.base import Document
from newsletter.matching.likeness import Likeness
from newsletter.matching.packs import Pack
from newsletter.matching.postings import Postings
from newsletter.matching.similar import MINIMUM, TfIdf
from tests.unit.matching.test_relevance import sample


def test_it_measures_as_similar_does() -> None:
    papers = sample()
    postings = Postings([Pack.of(papers)])
    likeness, model = Likeness(postings), TfIdf(papers)
    for paper in papers:
        near = model.nearest([paper.id], [other.id for other in papers], len(papers))
        cosines = likeness.cosines(likeness.vector(paper))
        found = {
            key: value
            for key, value in zip(postings.ids.tolist(), cosines.tolist(), strict=True)
            if value >= MINIMUM and key != paper.id
        }
        assert found == pytest.approx({one.candidate: one.score for one in near}, abs=1e-5)


def test_papers_added_are_weighed_by_those_before() -> None:
    papers = sample()
    before = Postings([Pack.of(papers[:40])])
    after = Likeness(Postings([Pack.of(papers[40:])]), before)
    model = TfIdf(papers[:40])
    model.add(papers[40:])
    near = model.nearest([papers[0].id], [paper.id for paper in papers[40:]], 1)
    cosines = after.cosines(after.vector(papers[0]))
    assert cosines.max() == pytest.approx(near[0].score if near else cosines.max(), abs=1e-5)


def test_it_knows_no_papers() -> None:
    likeness = Likeness(Postings([Pack.of([])]))
    assert len(likeness.cosines(likeness.vector(Document(1, "A", "B")))) == 0
    one = Likeness(Postings([Pack.of([Document(1, "", "")])]))
    assert np.array_equal(one.cosines({}), [0])
