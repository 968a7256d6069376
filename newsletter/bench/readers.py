"""Invented readers of an invented edition, stored by COPY: whom `bench letters` writes to."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Sequence

from django.db import connection

from newsletter.bench.generation import make_workload
from newsletter.editions import match_edition
from newsletter.matching.base import Document, QueryError
from newsletter.matching.query import parse_query
from newsletter.models import Edition, Paper

MOST_INTERESTS = 6
READERS = "email, status, timezone, send_time, weekdays, papers_per_letter, language, "
READERS += "empty_days, similar_up_to, created_at, confirmed_at, next_send_at"


def store_edition(papers: int, interests: int, seed: int, now: dt.datetime) -> list[int]:
    """Store an edition of today, frozen and matched, and distinct interests; return their ids.

    Every interest has one reader who is not due, so that all of them are matched beforehand.
    """
    workload = make_workload(papers, interests, seed)
    edition = Edition.objects.create(date=now.date(), frozen_at=now)
    Paper.objects.bulk_create(_make_papers(workload.papers, edition, now), batch_size=1_000)
    queries = store_queries(workload.interests, now)
    _copy("subscribers_subscriber", READERS, [_reader("matched", "en", now, due=False)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM subscribers_subscriber")
        (reader,) = cursor.fetchone()
    rows = ((reader, query, "matched", 1, 0, False, now) for query in queries)
    _copy("subscribers_interest", INTERESTS, rows)
    match_edition(edition.pk, now)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM subscribers_interest WHERE subscriber_id = %s", [reader])
    return queries


INTERESTS = "subscriber_id, query_id, text, weight, position, muted, created_at"


def store_readers(number: int, queries: Sequence[int], seed: int, now: dt.datetime) -> None:
    """Store readers who are due, with one to six interests each, drawn by Zipf's law."""
    chance = random.Random(f"readers {seed}")  # noqa: S311 (invented readers)
    languages = ("en", "en", "en", "de")
    rows = (
        _reader(f"reader-{n}", languages[n % len(languages)], now, due=True) for n in range(number)
    )
    _copy("subscribers_subscriber", READERS, rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM subscribers_subscriber WHERE next_send_at IS NOT NULL")
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT id, text FROM subscribers_query")
        texts = dict(cursor.fetchall())
    _copy("subscribers_interest", INTERESTS, _interests(ids, queries, texts, chance, now))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _interests(
    readers: Iterable[int],
    queries: Sequence[int],
    texts: dict[int, str],
    chance: random.Random,
    now: dt.datetime,
) -> Iterable[tuple[object, ...]]:
    for reader in readers:
        wanted = chance.randint(1, MOST_INTERESTS)
        drawn = dict.fromkeys(
            queries[int(len(queries) ** chance.random()) - 1] for _ in range(wanted)
        )
        for position, query in enumerate(drawn):
            weight = 2 if chance.random() < 0.1 else 1
            yield reader, query, texts[query][:200], weight, position, False, now


def _reader(name: str, language: str, now: dt.datetime, *, due: bool) -> tuple[object, ...]:
    due_at = now - dt.timedelta(minutes=1) if due else None
    since = now - dt.timedelta(days=90)
    return (
        *(f"{name}@reader.example", "confirmed", "Europe/Berlin", dt.time(8), 127, 10),
        *(language, "nothing", 0, since, since, due_at),
    )


def _make_papers(documents: Sequence[Document], edition: Edition, now: dt.datetime) -> list[Paper]:
    return [
        Paper(
            title=document.title,
            title_key=f"bench {number}",
            abstract=document.abstract,
            authors=list(document.authors),
            categories=list(document.categories),
            ai_keywords=list(document.keywords),
            organization=document.organizations[0] if document.organizations else "",
            arxiv_id=f"2611.{number:05d}",
            upvotes=number % 50,
            edition=edition,
            frozen_upvotes=number % 50,
            published_at=now - dt.timedelta(days=1),
        )
        for number, document in enumerate(documents)
    ]


def store_queries(interests: Iterable[str], now: dt.datetime) -> list[int]:
    """Store distinct queries; return their ids, the most wanted first."""
    texts: dict[str, None] = {}
    for interest in interests:
        try:
            texts[str(parse_query(interest))] = None
        except QueryError:
            continue
    _copy("subscribers_query", "text, expand, created_at", ((text, True, now) for text in texts))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM subscribers_query ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def _copy(table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    statement = f"COPY {table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
