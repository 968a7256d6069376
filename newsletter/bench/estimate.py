"""`bench estimate`: an interest's estimate over many papers, beside matching them all."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from django.db import transaction

from newsletter.bench.generation import make_papers
from newsletter.bench.report import Clock, Say
from newsletter.estimates import estimate
from newsletter.matching.base import Document
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Edition, Paper
from newsletter.wordbook import current_wordbook

DAYS = 30
# No edition of a real installation is as new: the generated ones are the last thirty.
LAST = datetime.date(2900, 1, 31)
ROUNDS = 5
QUERIES = (
    *("learning", "RL", "grokking", "machine learning", "large language model", "pretraining"),
    *("the", "train*", '"machine learning"~3', "LLM -RL", "title:robot", "cat:cs", "grokkin"),
    *("(diffusion models OR GAN) AND robot", "over parameterised", "1-layer", "deep learning"),
)


def measure_estimate(papers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; what is stored for it is taken back."""
    clock = Clock(say)
    with clock.time("generate"):
        documents = make_papers(papers, seed)
    now = datetime.datetime.combine(LAST, datetime.time(12), datetime.UTC)
    with transaction.atomic():
        with clock.time("store"):
            store_papers(documents, now)
        with clock.time("first estimate, packing every edition"):
            current_wordbook(now)
        rounds = {query: measure_query(query, now) for query in QUERIES}
        transaction.set_rollback(True)
    sample = documents[: max(1, papers // 30)]
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
        },
    }


def measure_query(query: str, now: datetime.datetime) -> float:
    """Return the median milliseconds of an estimate."""
    ask = partial(estimate, query, now)
    ask()
    return median(milliseconds(ask) for _ in range(ROUNDS))


def milliseconds(ask: Callable[[], object]) -> float:
    """Return how long it took to ask once."""
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def store_papers(documents: tuple[Document, ...], now: datetime.datetime) -> None:
    days = [LAST - datetime.timedelta(days=back) for back in range(DAYS)]
    editions = [
        Edition(date=day, frozen_at=now - datetime.timedelta(days=back))
        for back, day in enumerate(days)
    ]
    Edition.objects.bulk_create(editions)
    Paper.objects.bulk_create(
        (
            Paper(
                title=document.title,
                title_key=f"bench {number}",
                abstract=document.abstract,
                authors=list(document.authors),
                categories=list(document.categories),
                ai_keywords=list(document.keywords),
                edition=editions[number % DAYS],
            )
            for number, document in enumerate(documents)
        ),
        batch_size=1000,
    )
