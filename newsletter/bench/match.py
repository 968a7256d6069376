"""`bench match`: the index beside a plain scan and beside PostgreSQL, in one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from newsletter.bench import postgres
from newsletter.bench.generation import Workload, make_workload
from newsletter.bench.report import Clock, Say, peak_megabytes
from newsletter.matching.index import Index
from newsletter.matching.memory import uncollected
from newsletter.matching.query import Query, parse_query
from newsletter.matching.reading import Reading
from newsletter.matching.scores import score_all
from newsletter.matching.text import BREAK, normalise

SAMPLE = 2_000  # interests that PostgreSQL is given; its time is scaled to all
DAY_PAPERS, DAY_INTERESTS = 100, 1_000


class BenchError(Exception):
    """A measurement cannot be made; the text says why and the mend."""


def measure_match(papers: int, interests: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …} of matching generated interests against papers."""
    automaton = load_automaton()
    clock = Clock(say)
    with clock.time("generate"):
        work = make_workload(papers, interests, seed)
    before = peak_megabytes()
    queries, matches = _run_index(work, clock, "")
    memory = peak_megabytes() - before
    found = _run_scan(work, queries, automaton, clock)
    sample = min(SAMPLE, len(queries))
    by_postgres = postgres.run(work.papers, queries[:: max(1, len(queries) // sample)], clock)
    day = make_workload(DAY_PAPERS, DAY_INTERESTS, seed)
    _run_index(day, clock, "day: ")
    seconds = clock.seconds
    ours = seconds["build"] + seconds["match"]
    scan = seconds["scan: build"] + seconds["scan: find"]
    scale = len(queries) / by_postgres.queries
    tsquery = seconds["PostgreSQL: papers"] + scale * seconds["PostgreSQL: match"]
    return {
        "ratios": {
            "build + match, of a plain ahocorasick-rs scan": ours / scan,
            "PostgreSQL tsquery x GIN (scaled), of build + match": tsquery / ours,
            "build + match with parsing, of the scan": (ours + seconds["parse"]) / scan,
        },
        "figures": {
            "papers": len(work.papers),
            "interests": len(work.interests),
            "matches": matches,
            "matches of the plain scan": found,
            "parse s": seconds["parse"],
            "build s": seconds["build"],
            "match s": seconds["match"],
            "growth of the peak resident size, MB": memory,
            "scan: build s": seconds["scan: build"],
            "scan: find s": seconds["scan: find"],
            "PostgreSQL, scaled s": tsquery,
            f"{DAY_PAPERS} papers x {DAY_INTERESTS} interests: build ms": 1e3
            * seconds["day: build"],
            f"{DAY_PAPERS} papers x {DAY_INTERESTS} interests: match ms": 1e3
            * seconds["day: match"],
        },
    }


def load_automaton() -> Any:
    """Return ahocorasick-rs' class; `BenchError` where it is not installed."""
    try:
        from ahocorasick_rs import AhoCorasick
    except ImportError as error:
        raise BenchError(
            "ahocorasick-rs is not installed, and this is measured against it: "
            "pip install -r requirements/dev.txt"
        ) from error
    return AhoCorasick


def _run_index(work: Workload, clock: Clock, prefix: str) -> tuple[list[Query], int]:
    with clock.time(f"{prefix}parse"), uncollected():
        queries = [parse_query(text) for text in work.interests]
    with clock.time(f"{prefix}build"):
        index = Index({number: (query, True) for number, query in enumerate(queries)})
    with clock.time(f"{prefix}match"):
        scores = score_all(index, work.papers)
    return queries, len(scores.queries)


def _run_scan(work: Workload, queries: Sequence[Query], automaton: Any, clock: Clock) -> int:
    """Find the same phrases, between spaces, in the same normalised texts; return how many."""
    texts = [
        " ".join(["", *text.forms, ""])
        for paper in work.papers
        for text in Reading(paper).texts.values()
    ]
    phrases = {
        " ".join(["", *normalise(atom.words.replace("*", " ")).forms, ""])
        for query in queries
        for atom in query.atoms()
        if atom.field in ("", "title", "abs")
    }
    phrases = {phrase for phrase in phrases if BREAK not in phrase}
    with clock.time("scan: build"):
        scan = automaton(sorted(phrases))
    with clock.time("scan: find"):
        return sum(len(scan.find_matches_as_indexes(text, overlapping=True)) for text in texts)
