"""`bench estimate`: an interest's estimate over many papers, beside matching them all."""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.db import transaction
from django.test.utils import override_settings

from newsletter.bench.generation import iterate_papers, make_papers
from newsletter.bench.report import Clock, Say, own_megabytes
from newsletter.bench.stored import copy_papers
from newsletter.estimates import estimate
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.wordbook import current_wordbook

DAYS = 30
# No edition of a real installation is as new: the generated ones are the last thirty.
LAST = datetime.date(2900, 1, 31)
ROUNDS = 5
SAMPLE = 1000  # papers matched by reading them
QUERIES = (
    *("learning", "RL", "grokking", "machine learning", "large language model", "pretraining"),
    *("the", "train*", '"machine learning"~3', "LLM -RL", "title:robot", "cat:cs", "grokkin"),
    *("(diffusion models OR GAN) AND robot", "over parameterised", "1-layer", "deep learning"),
)


def measure_estimate(papers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; what is stored for it is taken back."""
    clock = Clock(say)
    now = datetime.datetime.combine(LAST, datetime.time(12), datetime.UTC)
    with (
        tempfile.TemporaryDirectory() as var,
        override_settings(VAR_DIR=Path(var)),
        transaction.atomic(),
    ):
        with clock.time("generate and store"):
            copy_papers(iterate_papers(papers, seed), papers, LAST, -(-papers // DAYS), DAYS)
        with clock.time("first estimate, packing every edition"):
            current_wordbook(now)
        before = own_megabytes()
        rounds = {query: measure_query(query, now) for query in QUERIES}
        worked = {query: processor_milliseconds(partial(estimate, query, now)) for query in QUERIES}
        own = own_megabytes() - before
        transaction.set_rollback(True)
    sample = make_papers(min(papers, SAMPLE), seed)
    with clock.time("matching"):
        match_query(parse_query("machine learning"), sample)
    whole = clock.seconds["matching"] * papers / len(sample) * 1000
    return {
        "ratios": {"matching all papers (scaled), of an estimate": whole / median(rounds.values())},
        "figures": {
            "papers": papers,
            "first estimate, packing every edition, s": clock.seconds[
                "first estimate, packing every edition"
            ],
            "an estimate, median of the queries, ms": median(rounds.values()),
            "the slowest query, ms": max(rounds.values()),
            "the processor's part, median of the queries, ms": median(worked.values()),
            "the processor's part, the slowest query, ms": max(worked.values()),
            "a process's own memory for it, MB": own,
        },
    }


def measure_query(query: str, now: datetime.datetime) -> float:
    """Return the median milliseconds of an estimate."""
    ask = partial(estimate, query, now)
    ask()
    return median(milliseconds(ask) for _ in range(ROUNDS))


def processor_milliseconds(ask: Callable[[], object]) -> float:
    """Return how long this process's processor worked to ask once: the same when others work too.

    What the database does meanwhile is not in it.
    """
    started = time.process_time()
    ask()
    return (time.process_time() - started) * 1000


def milliseconds(ask: Callable[[], object]) -> float:
    """Return how long it took to ask once."""
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000
