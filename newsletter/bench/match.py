"""`bench match`: the index beside a plain scan and beside PostgreSQL, in one run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from newsletter.bench import postgres
from newsletter.bench.generation import make_workload
from newsletter.bench.report import Clock, Say, peak_megabytes
from newsletter.matching.memory import uncollected
from newsletter.matching.query import Query, parse_query
from newsletter.matching.reading import Reading
from newsletter.matching.scores import Matcher
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
    with clock.time("read"):
        readings = [Reading(paper) for paper in work.papers]
    before = peak_megabytes()
    queries, matches = _run_matcher(work.interests, readings, clock, "")
    memory = peak_megabytes() - before
    found = _run_scan(readings, queries, automaton, clock)
    plain = [text for text in work.interests if re.fullmatch(r"[a-z0-9 -]+", text)]
    phrases, _ = _run_matcher(plain, readings, clock, "phrases: ")
    _run_scan(readings, phrases, automaton, clock, "phrases: ")
    sample = min(SAMPLE, len(queries))
    by_postgres = postgres.run(work.papers, queries[:: max(1, len(queries) // sample)], clock)
    day = make_workload(DAY_PAPERS, DAY_INTERESTS, seed)
    days = [Reading(paper) for paper in day.papers]
    _run_matcher(day.interests, days, clock, "day: ")
    seconds = clock.seconds
    ours = seconds["build"] + seconds["match"]
    scan = seconds["scan: build"] + seconds["scan: find"]
    scale = len(queries) / by_postgres.queries
    tsquery = seconds["PostgreSQL: papers"] + scale * seconds["PostgreSQL: match"]
    return {
        "ratios": {
            "build + match, of a plain ahocorasick-rs scan": ours / scan,
            "the plain phrases alone: build + match, of their scan": (
                (seconds["phrases: build"] + seconds["phrases: match"])
                / (seconds["phrases: scan: build"] + seconds["phrases: scan: find"])
            ),
            "PostgreSQL tsquery x GIN (scaled), of build + match": tsquery / ours,
            "parse + read + build + match, of read + scan": (
                (ours + seconds["parse"] + seconds["read"]) / (scan + seconds["read"])
            ),
        },
        "figures": {
            "papers": len(work.papers),
            "interests": len(work.interests),
            "of these plain phrases": len(plain),
            "matches": matches,
            "matches of the plain scan": found,
            "parse s": seconds["parse"],
            "read s": seconds["read"],
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


def _run_matcher(
    interests: Sequence[str], readings: Sequence[Reading], clock: Clock, prefix: str
) -> tuple[list[Query], int]:
    with clock.time(f"{prefix}parse"), uncollected():
        queries = [parse_query(text) for text in interests]
    with clock.time(f"{prefix}build"), uncollected():
        matcher = Matcher({number: (query, True) for number, query in enumerate(queries)})
    with clock.time(f"{prefix}match"):
        scores = matcher.score_readings(readings)
    return queries, len(scores.queries)


def _run_scan(
    readings: Sequence[Reading],
    queries: Sequence[Query],
    automaton: Any,
    clock: Clock,
    prefix: str = "",
) -> int:
    """Find the same phrases, between spaces, in the same normalised texts; return how many."""
    texts = [
        " ".join(["", *text.forms, ""]) for reading in readings for text in reading.texts.values()
    ]
    phrases = {
        " ".join(["", *normalise(atom.words.replace("*", " ")).forms, ""])
        for query in queries
        for atom in query.atoms()
        if atom.field in ("", "title", "abs")
    }
    phrases = {phrase for phrase in phrases if BREAK not in phrase}
    with clock.time(f"{prefix}scan: build"):
        scan = automaton(sorted(phrases))
    with clock.time(f"{prefix}scan: find"):
        return sum(len(scan.find_matches_as_indexes(text, overlapping=True)) for text in texts)
