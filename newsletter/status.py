"""How the morning stands: the figures the operator's first page and commands show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from newsletter.models import Delivery, Edition, EditionTally, Listing, Paper, QueryMatches
from newsletter.papers import DAYS_LATE
from subscribers.models import Subscriber

RECENT = 14  # editions in the table
FAILED_WITHIN = timedelta(days=7)
OVERDUE_AFTER = timedelta(minutes=15)  # planning runs every minute: this late, it does not run


@dataclass(frozen=True, slots=True)
class LetterCounts:
    """How many deliveries are in each state; the names are those of `Delivery.State`."""

    sent: int = 0
    empty: int = 0
    queued: int = 0
    sending: int = 0
    deferred: int = 0
    in_doubt: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return sum(count for _, count in self.items())

    def items(self) -> list[tuple[str, int]]:
        """Return (state, count) in the order a letter goes through them."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True, slots=True)
class PaperCounts:
    """How many papers an edition holds in all, and of them late and hidden ones."""

    total: int = 0
    late: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class EditionFigures:
    """One edition in numbers; `state` is open, frozen or closed."""

    edition_id: int
    date: date
    state: str
    papers: PaperCounts
    letters: LetterCounts


@dataclass(frozen=True, slots=True)
class ReaderCounts:
    """Readers by status; `due_*` count the confirmed whose next letter falls in that time."""

    unconfirmed: int = 0
    confirmed: int = 0
    paused: int = 0
    unsubscribed: int = 0
    overdue: int = 0
    due_hour: int = 0
    due_day: int = 0

    @property
    def total(self) -> int:
        return self.unconfirmed + self.confirmed + self.paused + self.unsubscribed


@dataclass(frozen=True, slots=True)
class MorningStatus:
    """The morning of `today`, the site's day.

    `edition` is today's, None before it is opened; `matched_queries` how many interests found
    something in it; `waiting` the papers the next freeze takes. `in_doubt` counts such deliveries
    not parked, `failed` those since `failed_since`, `unfrozen` the editions of past days that
    never froze. `recent` holds the last editions, newest first.
    """

    now: datetime
    today: date
    edition: EditionFigures | None
    matched_queries: int
    waiting: int
    has_papers: bool
    readers: ReaderCounts
    in_doubt: int
    failed: int
    failed_since: datetime
    unfrozen: int
    recent: tuple[EditionFigures, ...]

    @property
    def papers_today(self) -> int:
        """Papers of today's edition: those it holds once frozen, else those that wait for it."""
        if self.edition and self.edition.state != "open":
            return self.edition.papers.total
        return self.waiting


def morning_status(now: datetime) -> MorningStatus:
    """Return how the morning stands at `now`, in at most eight queries whatever the data."""
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    failed_since = (now - FAILED_WITHIN).replace(minute=0, second=0, microsecond=0)
    recent = list_recent_editions(RECENT)
    edition = next((figures for figures in recent if figures.date == today), None)
    waiting = count_waiting(today)
    has_papers = waiting > 0 or any(each.papers.total for each in recent) or Paper.objects.exists()
    troubled = Delivery.objects.filter(state__in=["in_doubt", "failed"]).aggregate(
        in_doubt=Count("pk", filter=Q(state="in_doubt", parked_at__isnull=True)),
        failed=Count("pk", filter=Q(state="failed", finished_at__gte=failed_since)),
    )
    return MorningStatus(
        now=now,
        today=today,
        edition=edition,
        matched_queries=_count_matched(edition.edition_id) if edition else 0,
        waiting=waiting,
        has_papers=has_papers,
        readers=count_readers(now),
        in_doubt=troubled["in_doubt"],
        failed=troubled["failed"],
        failed_since=failed_since,
        unfrozen=Edition.objects.filter(date__lt=today, frozen_at__isnull=True).count(),
        recent=tuple(recent),
    )


def list_recent_editions(limit: int) -> list[EditionFigures]:
    """Return the last `limit` editions in numbers, newest first, in two queries."""
    editions: list[Any] = list(
        count_papers(Edition.objects.order_by("-date").defer("matched_queries"))[:limit]
    )
    letters = count_letters(edition.pk for edition in editions)
    return [
        EditionFigures(
            edition.pk,
            edition.date,
            edition.shown_state,
            PaperCounts(edition.papers_total, edition.papers_late, edition.papers_hidden),
            letters[edition.pk],
        )
        for edition in editions
    ]


def count_papers(editions: QuerySet[Edition]) -> QuerySet[Edition]:
    """Annotate editions with `papers_total`, `papers_late` and `papers_hidden`."""
    held = Paper.objects.filter(edition=OuterRef("pk")).order_by().values("edition")

    def count(condition: Q) -> Coalesce:
        counted = held.filter(condition).annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(counted, output_field=IntegerField()), 0)

    return editions.annotate(
        papers_total=count(Q()),
        papers_late=count(Q(late=True)),
        papers_hidden=count(Q(hidden=True)),
    )


def count_letters(edition_ids: Iterable[int]) -> dict[int, LetterCounts]:
    """Return {edition id: deliveries by state} for every id given, in one query.

    Rows that left the ledger, their reader erased or they old, count as they ended.
    """
    found: dict[int, dict[str, int]] = {pk: {} for pk in edition_ids}
    rows = Delivery.objects.filter(edition__in=list(found)).values_list("edition", "state")
    gone = EditionTally.objects.filter(edition__in=list(found))
    counts = (
        rows.annotate(n=Count("pk"))
        .order_by()
        .union(gone.values_list("edition", "state", "deliveries"), all=True)
    )
    for pk, state, count in counts:
        found[pk][state] = found[pk].get(state, 0) + count
    return {pk: LetterCounts(**states) for pk, states in found.items()}


def count_readers(now: datetime) -> ReaderCounts:
    """Return readers by status and how many letters fall due, in one query."""

    def due(condition: Q) -> Count:
        return Count("pk", filter=Q(status="confirmed") & condition)

    rows = list(
        Subscriber.objects.order_by()
        .values("status")
        .annotate(
            n=Count("pk"),
            overdue=due(Q(next_send_at__lt=now - OVERDUE_AFTER)),
            due_hour=due(Q(next_send_at__lte=now + timedelta(hours=1))),
            due_day=due(Q(next_send_at__lte=now + timedelta(days=1))),
        )
    )
    sums = {name: sum(row[name] for row in rows) for name in ("overdue", "due_hour", "due_day")}
    return ReaderCounts(**{row["status"]: row["n"] for row in rows}, **sums)


def count_waiting(today: date) -> int:
    """Return how many papers the freeze of today's edition would take now."""
    listed = Listing.objects.filter(
        listed_on__lte=today, listed_on__gte=today - timedelta(days=DAYS_LATE)
    )
    waiting = Paper.objects.filter(edition__isnull=True)
    return waiting.filter(pk__in=listed.values("paper")).count()


def _count_matched(edition_id: int) -> int:
    """Return how many queries found something; newcomers that found nothing keep an empty row."""
    return QueryMatches.objects.filter(edition=edition_id).exclude(hits=[]).count()
