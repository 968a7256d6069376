"""Readers by the thousand from a CSV file, in batches that are committed one by one.

What is kept in memory does not grow with the file: one batch, and the latest queries and zones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, reset_queries, transaction

from subscribers import fields, services
from subscribers.models import (
    EVERY_DAY,
    MOST_INTERESTS,
    PAPERS_PER_LETTER,
    ConsentEvent,
    Interest,
    Query,
    Subscriber,
    Suppression,
)
from subscribers.rescheduling import day_before
from subscribers.schedule import next_send_at
from subscribers.tables import REPORT, FileError, Refusal, Table, unescape_formula

BATCH = 1_000
CACHED = 20_000  # queries kept with their ids


@dataclass(frozen=True, slots=True)
class Row:
    """One line that reads well; `queries` are distinct by canonical text."""

    line: int
    cells: tuple[str, ...]
    email: str
    queries: tuple[fields.QueryText, ...]
    timezone: str
    hour: time
    weekdays: int
    papers_per_letter: int


@dataclass(slots=True)
class Counts:
    """How far an import has come."""

    rows: int = 0
    added: int = 0
    refused: int = 0


def import_readers(
    table: Table,
    *,
    source: str,
    clock: Callable[[], datetime],
    refuse: Callable[[Refusal], None],
    report: Callable[[Counts], None] = lambda counts: None,
    batch: int = BATCH,
) -> Counts:
    """Add the readers of `table` as confirmed by the operator, a transaction per batch.

    `refuse` is called for each row that is not added, `report` after each batch; both after its
    commit, so that what they saw is kept whatever happens later. Run again after an interruption it
    refuses those already in and adds the others.
    """
    cells = _Cells(table.columns)
    interner = _Interner()
    counts = Counts()
    while chunk := list(islice(table.rows, batch)):
        read = [item if isinstance(item, Refusal) else cells.read(*item) for item in chunk]
        rows = [item for item in read if isinstance(item, Row)]
        refusals = [item for item in read if isinstance(item, Refusal)]
        refusals += _store(rows, interner, source, clock())
        counts.rows += len(chunk)
        counts.refused += len(refusals)
        counts.added += len(chunk) - len(refusals)
        for refusal in sorted(refusals, key=lambda refusal: refusal.line):
            refuse(refusal)
        report(counts)
        reset_queries()  # with DEBUG Django keeps the text of the last 9,000 statements
    return counts


class _Cells:
    """Reads the cells of one file's rows; the same text is parsed once."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.is_report = columns[: len(REPORT)] == REPORT
        self.read_query = lru_cache(maxsize=CACHED)(fields.read_query)
        self.read_zone = lru_cache(maxsize=1_000)(fields.read_zone)
        self.read_hour = lru_cache(maxsize=2_000)(fields.read_hour)

    def read(self, line: int, cells: list[str]) -> Row | Refusal:
        if self.is_report:
            cells = [unescape_formula(cell) for cell in cells]
        kept = tuple(cells[len(REPORT) :] if self.is_report else cells)
        try:
            return self._read(line, kept, cells)
        except fields.ReaderError as error:
            return Refusal(line, kept, str(error))

    def _read(self, line: int, kept: tuple[str, ...], cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            raise fields.ReaderError(
                "row",
                f"{len(cells)} cells under {len(self.columns)} columns",
                "put a cell with a comma between quotes",
            )
        named = dict(zip(self.columns, cells, strict=True))
        days = named.get("weekdays", "").strip()
        papers = named.get("papers_per_letter", "").strip()
        return Row(
            line,
            kept,
            fields.normalise_address(named["email"]),
            self._read_interests(named["interests"]),
            self.read_zone(named["timezone"].strip() or "UTC"),
            self.read_hour(named["hour"].strip() or "8"),
            fields.read_weekdays(days) if days else EVERY_DAY,
            fields.read_papers(papers) if papers else PAPERS_PER_LETTER,
        )

    def _read_interests(self, cell: str) -> tuple[fields.QueryText, ...]:
        found: dict[str, fields.QueryText] = {}
        for text in fields.split_interests(cell):
            query = self.read_query(text)
            found.setdefault(query.canonical, query)
        if not found:
            raise fields.ReaderError("interests", "no interest", "write at least one")
        if len(found) > MOST_INTERESTS:
            raise fields.ReaderError(
                "interests", f"{len(found)} interests", f"a reader has at most {MOST_INTERESTS}"
            )
        return tuple(found.values())


class _Interner:
    """Ids of queries by canonical text, the latest used ones."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def intern(self, rows: list[Row]) -> dict[str, int]:
        wanted = {query.canonical for row in rows for query in row.queries}
        missing = [text for text in wanted if text not in self.ids]
        fresh: dict[str, int] = {}
        if missing:
            # In one order everywhere, so that two imports at once cannot wait for each other.
            new = [Query(text=text, expand=True) for text in sorted(missing)]
            Query.objects.bulk_create(new, ignore_conflicts=True)
            found = Query.objects.filter(text__in=missing, expand=True)
            fresh = dict(found.values_list("text", "pk"))
        return {text: fresh.get(text) or self.ids[text] for text in wanted}

    def remember(self, ids: dict[str, int]) -> None:
        """Keep `ids`, which are committed, as the latest used; forget the oldest."""
        for text, query_id in ids.items():
            self.ids.pop(text, None)
            self.ids[text] = query_id
        for text in list(islice(self.ids, max(0, len(self.ids) - CACHED))):
            del self.ids[text]


def _store(rows: list[Row], interner: _Interner, source: str, now: datetime) -> list[Refusal]:
    for _ in range(5):
        try:
            with transaction.atomic():
                welcome, refusals = _sort_out(rows)
                ids = interner.intern(welcome)
                _insert(welcome, ids, source, now)
        except IntegrityError:  # an address was added by someone else meanwhile: look again
            interner.ids.clear()
            continue
        interner.remember(ids)
        return refusals
    raise FileError("other processes keep adding the same addresses: run the import again later")


def _sort_out(rows: list[Row]) -> tuple[list[Row], list[Refusal]]:
    known = {row.email: row for row in services.with_addresses([row.email for row in rows])}
    hashes = {row.email: services.hash_address(row.email) for row in rows}
    suppressed = dict(
        Suppression.objects.filter(address_hash__in=hashes.values()).values_list(
            "address_hash", "reason"
        )
    )
    welcome: dict[str, Row] = {}
    refusals = []
    for row in rows:
        if row.email in known:
            why = services.describe_standing(known[row.email])
        elif hashes[row.email] in suppressed:
            why = services.describe_suppression(suppressed[hashes[row.email]])
        elif row.email in welcome:
            why = ("already subscribed", f"line {welcome[row.email].line} has the same address")
        else:
            welcome[row.email] = row
            continue
        refusals.append(Refusal(row.line, row.cells, f"{row.email} {': '.join(why)}"))
    return list(welcome.values()), refusals


def _insert(rows: list[Row], ids: dict[str, int], source: str, now: datetime) -> None:
    first_at = lru_cache(maxsize=None)(next_send_at)
    covered = day_before(now)
    readers = Subscriber.objects.bulk_create(
        Subscriber(
            email=row.email,
            status=Subscriber.Status.CONFIRMED,
            language=settings.SITE_LANGUAGE,
            timezone=row.timezone,
            send_time=row.hour,
            weekdays=row.weekdays,
            papers_per_letter=row.papers_per_letter,
            next_send_at=first_at(now, row.hour, row.timezone, row.weekdays),
            covered_until=covered,
            confirmed_at=now,
        )
        for row in rows
    )
    Interest.objects.bulk_create(
        Interest(
            subscriber_id=reader.pk, query_id=ids[query.canonical], text=query.typed, position=place
        )
        for reader, row in zip(readers, rows, strict=True)
        for place, query in enumerate(row.queries)
    )
    ConsentEvent.objects.bulk_create(
        ConsentEvent(
            subscriber_id=reader.pk,
            kind=ConsentEvent.Kind.CONFIRMED_BY_OPERATOR,
            source=source[:200],
            wording=services.OPERATOR_WORDING,
        )
        for reader in readers
    )
