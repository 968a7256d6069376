"""`bench pick`: from matches to every reader's letter, for all at once and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from newsletter.bench.generation import make_papers
from newsletter.bench.report import Clock, Say, peak_megabytes
from newsletter.matching.base import Match
from newsletter.matching.bulk import Hits, Readers, order_papers, pick_bulk
from newsletter.matching.rank import pick_papers

PAPERS = 200
QUERIES = 200_000
LIMIT = 10
SAMPLE = 5_000  # readers picked for one by one
_SCORES = (3.0, 4.0, 5.0, 10.0, 13.0, 15.0)


def measure_pick(subscribers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …} of picking for so many generated readers."""
    chance = np.random.default_rng(seed)
    clock = Clock(say)
    with clock.time("generate"):
        ordered, extra = order_papers(make_papers(PAPERS, seed))
        hits = _make_hits(chance, min(QUERIES, max(100, subscribers)))
        readers = _make_readers(chance, subscribers, len(hits.starts) - 1)
    before = peak_megabytes()
    picked = crowded = 0
    with clock.time("all at once"):
        for picks in pick_bulk(hits, readers, extra):
            picked += len(picks.papers)
            crowded += int((picks.left_out > 0).sum())
    memory = peak_megabytes() - before
    matches = {
        query: [Match(ordered[paper].id, score, ()) for paper, score in zip(*found, strict=True)]
        for query in range(len(hits.starts) - 1)
        if (found := _hits_of(hits, query))[0]
    }
    by_id = {paper.id: paper for paper in ordered}
    sample = min(SAMPLE, subscribers)
    with clock.time("one by one"):
        for reader in range(sample):
            some = slice(readers.starts[reader], readers.starts[reader + 1])
            order = readers.queries[some].tolist()
            weights = dict(zip(order, readers.weights[some].tolist(), strict=True))
            pick_papers(matches, weights, order, by_id, LIMIT)
    fast = subscribers / clock.seconds["all at once"]
    slow = sample / clock.seconds["one by one"]
    return {
        "ratios": {"readers/s all at once, of one by one in Python": fast / slow},
        "figures": {
            "readers": subscribers,
            "papers": PAPERS,
            "readers/s all at once": fast,
            "readers/s one by one": slow,
            "papers picked": picked,
            "share of readers with more matches than papers in a letter": crowded / subscribers,
            "growth of the peak resident size, MB": memory,
        },
    }


def _hits_of(hits: Hits, query: int) -> tuple[list[int], list[float]]:
    some = slice(hits.starts[query], hits.starts[query + 1])
    return hits.papers[some].tolist(), hits.scores[some].tolist()


def _make_hits(chance: np.random.Generator, queries: int) -> Hits:
    """Few queries match many papers, a seventh at most; most match none."""
    counts = (PAPERS / 7 / (1 + np.arange(queries) / 20)).astype(np.int64)
    counts += chance.random(queries) < 0.2
    papers = [chance.choice(PAPERS, size=count, replace=False) for count in counts]
    starts = np.concatenate(([0], np.cumsum(counts)))
    scores = chance.choice(_SCORES, size=int(starts[-1]))
    return Hits(starts, np.concatenate(papers), scores)


def _make_readers(chance: np.random.Generator, readers: int, queries: int) -> Readers:
    """One to six interests each, drawn by Zipf's law."""
    counts = chance.integers(1, 7, size=readers)
    owners = np.repeat(np.arange(readers), counts)
    drawn = (queries ** chance.random(len(owners))).astype(np.int64) % queries
    pairs = np.unique(owners * queries + drawn)
    owners, drawn = np.divmod(pairs, queries)
    starts = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=readers))))
    weights = chance.choice((1, 1, 1, 2), size=len(drawn))
    return Readers(starts, drawn, weights, np.full(readers, LIMIT))
