"""`bench search`: a page of results over many stored papers, beside reading them all again."""

from __future__ import annotations

import datetime
from functools import partial
from statistics import median
from typing import Any

from django.db import transaction

from newsletter.bench.estimate import LAST, QUERIES, milliseconds, store_papers
from newsletter.bench.generation import make_papers
from newsletter.bench.report import Clock, Say
from newsletter.finding import search_page
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.search import Sort
from newsletter.searchbook import current_searchbook, keep_blocks

ROUNDS = 7


def measure_search(papers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; what is stored for it is taken back."""
    clock = Clock(say)
    with clock.time("generate"):
        documents = make_papers(papers, seed)
    now = datetime.datetime.combine(LAST, datetime.time(12), datetime.UTC)
    with transaction.atomic():
        with clock.time("store"):
            store_papers(documents, now)
        with clock.time("pack"):
            keep_blocks()
        with clock.time("first search of a process"):
            current_searchbook()
        found = {
            (query, sort): measure_query(query, sort) for query in QUERIES for sort in tuple(Sort)
        }
        transaction.set_rollback(True)
    sample = documents[: max(1, papers // 30)]
    with clock.time("matching"):
        match_query(parse_query("machine learning"), sample)
    whole = clock.seconds["matching"] * papers / len(sample) * 1000
    middle = median(found.values())
    return {
        "ratios": {
            "matching all papers (scaled), of a page of results": whole / middle,
            "the slowest query, of the middle one": max(found.values()) / middle,
        },
        "figures": {
            "papers": papers,
            "packing all words, once, s": clock.seconds["pack"],
            "first search of a process, s": clock.seconds["first search of a process"],
            "a page of results, median of the queries, ms": middle,
            "the slowest query, ms": max(found.values()),
        },
    }


def measure_query(query: str, sort: Sort) -> float:
    """Return the median milliseconds of the first page of results."""
    ask = partial(search_page, query, sort, 1)
    ask()
    return median(milliseconds(ask) for _ in range(ROUNDS))
