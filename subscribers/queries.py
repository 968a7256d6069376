"""What delivery and matching read of readers: values, never rows, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import NamedTuple

from django.db.models import Exists, OuterRef

from subscribers.models import Interest, Query, Subscriber, Suppression
from subscribers.suppressions import hash_address

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class ReaderInterest:
    """One interest: `text` as typed, `canonical` and `expand` as matched, `weight` 1 or 2 (★)."""

    query_id: int
    text: str
    canonical: str
    expand: bool
    weight: int
    position: int


@dataclass(frozen=True, slots=True)
class Reader:
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
    interests: dict[tuple[int, bool], list[ReaderInterest]] = {}
    rows = Interest.objects.filter(subscriber_id__in=wanted).order_by(
        "subscriber_id", "position", "pk"
    )
    fields = ("query_id", "text", "query__text", "query__expand", "weight", "position")
    for subscriber_id, muted, *values in rows.values_list("subscriber_id", "muted", *fields):
        interests.setdefault((subscriber_id, muted), []).append(ReaderInterest(*values))
    return {
        values[0]: Reader(
            *values,
            interests=tuple(interests.get((values[0], False), ())),
            muted=tuple(interests.get((values[0], True), ())),
        )
        for values in Subscriber.objects.filter(pk__in=wanted).values_list(
            "pk",
            "email",
            "status",
            "timezone",
            "send_time",
            "weekdays",
            "papers_per_letter",
            "confirmed_at",
            "similar_up_to",
            "language",
            "empty_days",
        )
    }


def suppressed_among(emails: Iterable[str]) -> set[str]:
    """Return those of `emails`, as given, to which nothing may be mailed, in one query."""
    by_hash: dict[str, list[str]] = {}
    for email in emails:
        by_hash.setdefault(hash_address(email), []).append(email)
    found = Suppression.objects.filter(address_hash__in=by_hash).values_list(
        "address_hash", flat=True
    )
    return {email for digest in found for email in by_hash[digest]}


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
