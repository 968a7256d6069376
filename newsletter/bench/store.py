"""`bench store`: storing a day's papers, beside inserting as many plain rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from newsletter.bench.generation import iterate_papers, make_papers
from newsletter.bench.report import Clock, Say
from newsletter.bench.stored import copy_papers
from newsletter.sources.base import FetchedPaper
from newsletter.storing import store_papers

# No source lists papers of this day: what is stored never meets a real paper.
DAY = date(2900, 1, 31)
A_DAY = 1370  # papers: half a million a year


def make_rows(papers: int, seed: int, upvotes: int = 1) -> list[FetchedPaper]:
    """Invented papers as a source lists them: two of three with an arXiv id, some with a DOI."""
    return [
        FetchedPaper(
            source="huggingface" if number % 3 else "feed",
            title=f"{document.title} {number}",
            abstract=document.abstract,
            arxiv_id=f"9901.{number:05}" if number % 3 else "",
            doi=f"10.9999/bench.{number}" if number % 2 else "",
            also_known_as=(f"doi:10.9999/again.{number}",) if number % 5 == 0 else (),
            published_at=datetime(2900, 1, 30, tzinfo=UTC),
            listed_on=DAY,
            authors=document.authors,
            categories=document.categories,
            upvotes=upvotes,
            ai_keywords=document.keywords,
        )
        for number, document in enumerate(make_papers(papers, seed))
    ]


def measure_store(papers: int, seed: int, say: Say, stored: int = 0) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}, with so many papers stored before.

    What is stored for it is taken back.
    """
    clock = Clock(say)
    with clock.time("generate"):
        rows = make_rows(papers, seed)
    with transaction.atomic():
        if stored:
            with clock.time("stored before"):
                copy_papers(iterate_papers(stored, seed), stored, DAY - timedelta(days=1), A_DAY)
        with clock.time("plain"):
            _insert_plainly(rows)
        with clock.time("new"):
            store_papers(rows)
        with clock.time("again"):
            store_papers(rows)
        with clock.time("changed"):
            store_papers(replace(row, upvotes=2) for row in rows)
        transaction.set_rollback(True)
    seconds = clock.seconds
    return {
        "ratios": {
            "storing new papers, of inserting plain rows": seconds["new"] / seconds["plain"]
        },
        "figures": {
            "papers": papers,
            "papers stored before": stored,
            "stored anew, s": seconds["new"],
            "stored again unchanged, s": seconds["again"],
            "stored again with new counts, s": seconds["changed"],
            "new papers a second": papers / seconds["new"],
        },
    }


def _insert_plainly(rows: list[FetchedPaper]) -> None:
    """The least that any storing does: as many rows of the same texts, without a question."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bench_plain (title text, abstract text, url text)")
        cursor.executemany(
            "INSERT INTO bench_plain VALUES (%s, %s, %s)",
            [(row.title, row.abstract, row.url) for row in rows],
        )
