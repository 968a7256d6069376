"""`bench search`: a page of results over many stored papers, beside reading them all again."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.db import transaction
from django.test.utils import override_settings

from newsletter.bench.estimate import LAST, QUERIES, milliseconds, processor_milliseconds
from newsletter.bench.generation import iterate_papers, make_papers
from newsletter.bench.report import Clock, Say, mapped_megabytes, own_megabytes, peak_megabytes
from newsletter.bench.stored import copy_papers, forget_changes
from newsletter.finding import search_page
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Paper
from newsletter.search import Sort, find_similar
from newsletter.searchbook import current_searchbook
from newsletter.volumes import directory, index_papers

DAYS = 365
ROUNDS = 7
SAMPLE = 1000  # papers matched by reading them
PAPERS = 20  # whose like are looked for


def measure_search(papers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; what is stored for it is taken back."""
    clock = Clock(say)
    with (
        tempfile.TemporaryDirectory() as var,
        override_settings(VAR_DIR=Path(var)),
        transaction.atomic(),
    ):
        with clock.time("generate and store"):
            a_day = max(1, papers // DAYS)
            copy_papers(iterate_papers(papers, seed), papers, LAST, a_day)
            forget_changes()
        with clock.time("index"):
            index_papers(say)
        before = own_megabytes()
        with clock.time("first search of a process"):
            current_searchbook()
        pages = {(query, sort): measure_query(query, sort) for query in QUERIES for sort in Sort}
        worked = {
            (query, sort): processor_milliseconds(partial(search_page, query, sort, 1))
            for query, sort in pages
        }
        alike = _measure_similar()
        figures = {
            "papers": papers,
            "indexing, once, s": clock.seconds["index"],
            "first search of a process, s": clock.seconds["first search of a process"],
            "a page of results, median of the queries, ms": median(pages.values()),
            "the slowest query, ms": max(pages.values()),
            "the processor's part, median of the queries, ms": median(worked.values()),
            "the processor's part, the slowest query, ms": max(worked.values()),
            "papers like one, ms": alike,
            "a process's own memory for it, MB": own_megabytes() - before,
            "memory of files that all processes share, MB": mapped_megabytes(directory()),
            "files, MB": sum(path.stat().st_size for path in directory().iterdir()) / 1e6,
            "peak resident size, indexing too, MB": peak_megabytes(),
        }
        transaction.set_rollback(True)
    slowest = max(pages, key=pages.__getitem__)
    say(f"slowest: {slowest[0]}, by {slowest[1]}")
    sample = make_papers(min(papers, SAMPLE), seed)
    with clock.time("matching"):
        match_query(parse_query("machine learning"), sample)
    whole = clock.seconds["matching"] * papers / len(sample) * 1000
    middle = median(pages.values())
    return {
        "ratios": {
            "matching all papers (scaled), of a page of results": whole / middle,
            "the slowest query, of the middle one": max(pages.values()) / middle,
        },
        "figures": figures,
    }


def measure_query(query: str, sort: Sort) -> float:
    """Return the median milliseconds of the first page of results."""
    ask = partial(search_page, query, sort, 1)
    ask()
    return median(milliseconds(ask) for _ in range(ROUNDS))


def _measure_similar() -> float:
    papers = list(Paper.objects.order_by("-pk")[:PAPERS])
    return median(milliseconds(partial(find_similar, paper, 5)) for paper in papers)
