"""What delivery and matching read of readers: values, never rows, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef

from subscribers.models import Interest, Query, Subscriber, Suppression
from subscribers.suppressions import hash_address

CHUNK = 2_000
# Every letter's reader is read, so the rows are asked for as they are used, by one array of ids: no
# models, no placeholder for each id, and an instant as a number, which is read ten times as fast.
READERS = """
SELECT id, email, status, timezone, send_time, weekdays, papers_per_letter,
  (extract(epoch FROM confirmed_at) * 1000000)::bigint, similar_up_to, language, empty_days
FROM subscribers_subscriber WHERE id = ANY(%s)
"""
INTERESTS = """
SELECT i.subscriber_id, i.muted, i.query_id, i.text, q.text, q.expand, i.weight, i.position
FROM subscribers_interest AS i JOIN subscribers_query AS q ON q.id = i.query_id
WHERE i.subscriber_id = ANY(%s)
ORDER BY i.subscriber_id, i.position, i.id
"""
SUPPRESSED = "SELECT address_hash FROM subscribers_suppression WHERE address_hash = ANY(%s)"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReaderInterest(NamedTuple):
    """One interest: `text` as typed, `canonical` and `expand` as matched, `weight` 1 or 2 (★)."""

    query_id: int
    text: str
    canonical: str
    expand: bool
    weight: int
    position: int


class Reader(NamedTuple):
    """One reader, the interests in the order of the letter; `weekdays` has Monday as bit 0.

    `muted` are the interests that find nothing now; a letter already made may have papers of them.
    With fewer matches than `similar_up_to` the letter is filled up to it with similar papers.
    `empty_days` says what comes when nothing matches: nothing, line or heartbeat.
    """

    id: int
    email: str
    status: str
    timezone: str
    send_time: time
    weekdays: int
    papers_per_letter: int
    confirmed_at: datetime | None
    similar_up_to: int
    language: str
    empty_days: str
    interests: tuple[ReaderInterest, ...]
    muted: tuple[ReaderInterest, ...] = ()


class DistinctQuery(NamedTuple):
    """A query at least one confirmed reader has; `text` is canonical."""

    id: int
    text: str
    expand: bool


def read_readers(ids: Iterable[int]) -> dict[int, Reader]:
    """Return the readers of these ids by id, in two queries; unknown ids are left out.

    Muted interests find nothing: they stand apart.
    """
    wanted = list(ids)
    interests: dict[tuple[int, bool], tuple[ReaderInterest, ...]] = {}
    with connection.cursor() as cursor:
        cursor.execute(INTERESTS, [wanted])
        for subscriber_id, muted, *values in cursor.fetchall():
            some = interests.get((subscriber_id, muted), ())
            interests[subscriber_id, muted] = (*some, ReaderInterest._make(values))
        cursor.execute(READERS, [wanted])
        rows = cursor.fetchall()
    return {row[0]: _make_reader(row, interests) for row in rows}


def _make_reader(
    row: tuple[Any, ...], interests: Mapping[tuple[int, bool], tuple[ReaderInterest, ...]]
) -> Reader:
    confirmed_at = EPOCH + timedelta(microseconds=row[7]) if row[7] is not None else None
    own, muted = (interests.get((row[0], is_muted), ()) for is_muted in (False, True))
    return Reader._make((*row[:7], confirmed_at, *row[8:], own, muted))


def suppressed_among(emails: Iterable[str]) -> set[str]:
    """Return those of `emails`, as given, to which nothing may be mailed, in one query."""
    by_hash: dict[str, list[str]] = {}
    for email in emails:
        by_hash.setdefault(hash_address(email), []).append(email)
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESSED, [list(by_hash)])
        return {email for (digest,) in cursor.fetchall() for email in by_hash[digest]}


def is_wanted(subscriber_id: int, email: str) -> bool:
    """Return whether this reader is to be mailed at this address now: confirmed, not suppressed.

    One query, asked right before each letter is handed over.
    """
    suppressed = Suppression.objects.filter(address_hash=hash_address(email))
    wanted = Subscriber.objects.filter(
        ~Exists(suppressed), pk=subscriber_id, status=Subscriber.Status.CONFIRMED
    )
    return wanted.exists()


def distinct_queries() -> Iterator[DistinctQuery]:
    """Yield the queries that at least one confirmed reader has, by id, in constant memory."""
    asked = Interest.objects.filter(
        query=OuterRef("pk"), muted=False, subscriber__status=Subscriber.Status.CONFIRMED
    )
    rows = Query.objects.filter(Exists(asked)).order_by("pk")
    for values in rows.values_list("pk", "text", "expand").iterator(chunk_size=CHUNK):
        yield DistinctQuery(*values)
