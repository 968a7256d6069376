"""Very many papers into the database at once, to be measured: no rules, no questions, one COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from newsletter.matching.base import Document
from newsletter.models import Edition, Paper

_COPIED = {
    "title": "text",
    "title_key": "text",
    "abstract": "text",
    "authors": "text[]",
    "categories": "varchar[]",
    "ai_keywords": "text[]",
    "organization": "varchar",
    "upvotes": "int",
    "comments": "int",
    "published_at": "timestamptz",
    "newest_listing": "date",
    "edition_id": "bigint",
}


def copy_papers(
    documents: Iterable[Document], papers: int, last: date, a_day: int, editions: int = 0
) -> None:
    """Store so many papers, `a_day` of them listed on each day up to `last`, the oldest first.

    The newest days get frozen editions, as many as `editions`.
    """
    now, name = timezone.now(), f"bench {uuid4().hex}"
    days = [last - timedelta(days=back) for back in range(editions)]
    made = Edition.objects.bulk_create(
        Edition(date=day, frozen_at=now - timedelta(days=back)) for back, day in enumerate(days)
    )
    keys = {edition.date: edition.pk for edition in made}
    columns = ", ".join(f"{name} {kind}" for name, kind in _COPIED.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bench_papers ({columns})")
        with cursor.copy(f"COPY bench_papers ({', '.join(_COPIED)}) FROM STDIN") as copy:
            for row in _rows(name, documents, papers, last, a_day, keys):
                copy.write_row(row)
        fixed: dict[str, Any] = {
            field.column: field.get_db_prep_save(value, connection)
            for field in Paper._meta.concrete_fields
            if field.column is not None
            and field.column not in _COPIED
            and (value := field.pre_save(Paper(), add=True)) is not None
        }
        names, values = [*_COPIED, *fixed], [*_COPIED, *["%s"] * len(fixed)]
        cursor.execute(
            f"INSERT INTO newsletter_paper ({', '.join(names)}) "  # noqa: S608 (names of columns)
            f"SELECT {', '.join(values)} FROM bench_papers",
            list(fixed.values()),
        )
        cursor.execute("DROP TABLE bench_papers")
        cursor.execute(
            "INSERT INTO newsletter_listing (paper_id, source, listed_on, seen_at) "
            "SELECT id, 'bench', newest_listing, now() FROM newsletter_paper "
            "WHERE starts_with(title_key, %s)",
            [name],
        )
        cursor.execute("ANALYZE newsletter_paper, newsletter_listing")


def forget_changes() -> None:
    """Take back what the log has of this transaction: it is one that would otherwise be over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM newsletter_paperchange "
            "WHERE transaction = pg_current_xact_id()::text::bigint"
        )


def _rows(
    name: str,
    documents: Iterable[Document],
    papers: int,
    last: date,
    a_day: int,
    editions: dict[date, int],
) -> Iterator[tuple[Any, ...]]:
    for number, document in enumerate(documents):
        day = last - timedelta(days=(papers - 1 - number) // a_day)
        yield (
            document.title,
            f"{name} {number}",
            document.abstract,
            list(document.authors),
            list(document.categories),
            list(document.keywords),
            document.organizations[0] if document.organizations else "",
            document.upvotes,
            document.comments,
            document.published_at,
            day,
            editions.get(day),
        )
