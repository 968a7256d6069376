"""The same interests as tsqueries against a GIN index, for comparison: not the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from newsletter.bench.report import Clock
from newsletter.matching.base import Document
from newsletter.matching.query import And, Atom, Node, Not, Query
from newsletter.matching.reading import Reading
from newsletter.matching.text import BREAK, normalise


@dataclass(frozen=True, slots=True)
class Compared:
    """How many queries PostgreSQL was given, and how often they matched."""

    queries: int
    matches: int


def run(papers: Sequence[Document], queries: Sequence[Query], clock: Clock) -> Compared:
    """Match what can be said as a tsquery, in temporary tables; times "PostgreSQL: …"."""
    texts = [
        (" ".join(form for text in Reading(paper).texts.values() for form in text.forms),)
        for paper in papers
    ]
    said = [(text,) for query in queries if (text := say(query.root))]
    with transaction.atomic(), connection.cursor() as cursor:
        with clock.time("PostgreSQL: papers"):
            cursor.execute("CREATE TEMP TABLE bench_papers (words tsvector) ON COMMIT DROP")
            cursor.executemany("INSERT INTO bench_papers VALUES (to_tsvector('simple', %s))", texts)
            cursor.execute("CREATE INDEX ON bench_papers USING gin (words)")
            cursor.execute("ANALYZE bench_papers")
        cursor.execute("CREATE TEMP TABLE bench_queries (query tsquery) ON COMMIT DROP")
        cursor.executemany("INSERT INTO bench_queries VALUES (%s::tsquery)", said)
        cursor.execute("ANALYZE bench_queries")
        with clock.time("PostgreSQL: match"):
            cursor.execute("SELECT count(*) FROM bench_queries JOIN bench_papers ON words @@ query")
            matches = cursor.fetchone()[0]
    return Compared(len(said), matches)


def say(node: Node | Not) -> str:
    """Return the node as a tsquery, "" where it has a field that papers' words do not have."""
    if isinstance(node, Not):
        inner = say(node.item)
        return f"!({inner})" if inner else ""
    if isinstance(node, Atom):
        return _say_atom(node)
    parts = [say(item) for item in node.items]
    if not all(parts):
        return ""
    return "(" + (" & " if isinstance(node, And) else " | ").join(parts) + ")"


def _say_atom(atom: Atom) -> str:
    if atom.field not in ("", "title", "abs"):
        return ""
    forms = normalise(atom.words.replace("*", " ")).forms
    words = [f"'{form}'" for form in forms if form != BREAK and form.isalnum()]
    if atom.words.endswith("*") and words:
        words[-1] += ":*"
    return (" & " if atom.slack else " <-> ").join(words)
