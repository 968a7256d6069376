"""A day's edition: opened, frozen with its papers, matched, closed when its letters are done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef

from newsletter.matches import edition_synonyms, find_hits, read_queries
from newsletter.models import Delivery, Edition, Listing, Paper, QueryMatches
from newsletter.papers import DAYS_LATE, list_documents, lock_papers, waiting_papers
from newsletter.sourcedays import list_absent
from newsletter.synonyms import read_synonyms
from subscribers.models import Query
from subscribers.queries import distinct_queries

# After the cut-off an edition still waits until no paper came for this long, so that a slow import
# is not cut in two.
SETTLE = timedelta(minutes=10)
MATCHES_BATCH = 2000


class EditionError(ValueError):
    """An edition cannot do what was asked; the text says why and the mend."""


@dataclass(frozen=True, slots=True)
class FrozenEdition:
    """An edition's fixed content: `papers` in all, `late` of them from days already frozen."""

    edition_id: int
    date: date
    papers: int
    late: int


def site_date(now: datetime) -> date:
    """Return the site's calendar day at `now`: editions are dated by it."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def open_edition(day: date, now: datetime) -> int:
    """Return the id of the day's edition, made where missing.

    A day more than one ahead of today is refused: a clock that jumped forward must not use up
    editions to come.
    """
    if day > site_date(now) + timedelta(days=1):
        raise EditionError(
            f"{day} is more than a day ahead of {site_date(now)}, this site's day: "
            "check the clock, or wait for the day"
        )
    edition, _ = Edition.objects.get_or_create(date=day)
    return edition.pk


def freeze_edition(edition_id: int, now: datetime) -> FrozenEdition:
    """Fix the papers of an edition and return what it holds; freezing again changes nothing.

    It takes the waiting papers listed on its day. Unless its day is past, it also takes those
    listed up to seven days before that no edition has: they came late, and are marked so.
    """
    with transaction.atomic():
        lock_papers()
        edition = Edition.objects.select_for_update().get(pk=edition_id)
        if edition.frozen_at is None:
            _take_papers(edition, 0)
            if edition.date >= site_date(now):
                _take_papers(edition, DAYS_LATE)
            edition.frozen_at = now
            edition.absent = list_absent(edition.date, now)
            edition.save(update_fields=["frozen_at", "absent"])
        papers = edition.papers.count()
        late = edition.papers.filter(late=True).count()
    return FrozenEdition(edition_id, edition.date, papers, late)


def _take_papers(edition: Edition, days_late: int) -> None:
    waiting_papers(edition.date, days_late).update(
        edition=edition,
        late=bool(days_late),
        frozen_upvotes=F("upvotes"),
        frozen_comments=F("comments"),
        frozen_journal=F("journal"),
    )


def list_due_days(now: datetime) -> list[date]:
    """Return the days whose editions are to be frozen now, oldest first.

    Of the last seven days those left open, or never opened although papers were stored in time for
    them (the site was down); today once the cut-off has passed and its papers have settled.
    """
    today = site_date(now)
    first = today - timedelta(days=DAYS_LATE)
    frozen = set(
        Edition.objects.filter(date__gte=first, frozen_at__isnull=False).values_list(
            "date", flat=True
        )
    )
    due = set(
        Edition.objects.filter(date__lt=today, frozen_at__isnull=True).values_list(
            "date", flat=True
        )
    )
    for back in range(1, DAYS_LATE + 1):
        day = today - timedelta(days=back)
        if day not in frozen and waiting_papers(day).filter(stored_at__lt=day_end(day)).exists():
            due.add(day)
    if today not in frozen and _is_past_cutoff(now) and _is_settled(today, now):
        due.add(today)
    return sorted(due)


def is_edition_coming(now: datetime) -> bool:
    """Return whether today's edition is about to be made: its papers settle, or it is matched."""
    today = site_date(now)
    frozen = Edition.objects.filter(date=today, frozen_at__isnull=False)
    for matched_at in frozen.values_list("matched_at", flat=True):
        return matched_at is None
    return _is_past_cutoff(now) and waiting_papers(today).exists()


def _is_past_cutoff(now: datetime) -> bool:
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).time() >= settings.CUTOFF


def _is_settled(day: date, now: datetime) -> bool:
    """Return whether papers wait for the day's edition and none came in the last ten minutes."""
    newest: datetime | None = waiting_papers(day, DAYS_LATE).aggregate(at=Max("stored_at"))["at"]
    return newest is not None and newest <= now - SETTLE and waiting_papers(day).exists()


def day_end(day: date) -> datetime:
    """Return the instant the site's `day` ends."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings.TIME_ZONE))


def match_edition(edition_id: int, now: datetime) -> int:
    """Match every distinct interest of all readers against a frozen edition, once.

    Returns how many queries matched something; an edition matched before is left as it is.
    """
    with transaction.atomic():
        edition = Edition.objects.select_for_update().get(pk=edition_id)
        if edition.frozen_at is None:
            raise EditionError(f"the edition of {edition.date} is open: freeze it, then match it")
        if edition.matched_at is not None:
            return edition.matches.count()
        synonyms = read_synonyms()
        queries = read_queries(distinct_queries())
        papers = Paper.objects.filter(edition=edition, hidden=False)
        found = find_hits(list_documents(papers), queries, synonyms)
        QueryMatches.objects.filter(edition=edition).delete()
        QueryMatches.objects.bulk_create(
            (QueryMatches(edition=edition, query_id=key, hits=hits) for key, hits in found.items()),
            batch_size=MATCHES_BATCH,
        )
        edition.matched_at = now
        edition.matched_queries = pack_ids(queries)
        edition.synonyms = list(synonyms.pairs)
        edition.save(update_fields=["matched_at", "matched_queries", "synonyms"])
    return len(found)


def match_newcomers(edition_id: int, query_ids: Iterable[int]) -> None:
    """Match the given queries against an edition already matched, where the bulk run missed them.

    A query without matches gets an empty row, so that it is not tried again.
    """
    edition = Edition.objects.get(pk=edition_id)
    if edition.matched_at is None:
        raise EditionError(f"the edition of {edition.date} is not matched yet")
    bulk = bytes(edition.matched_queries)
    missed = [query_id for query_id in query_ids if not has_id(bulk, query_id)]
    known = QueryMatches.objects.filter(edition=edition, query=OuterRef("pk"))
    queries = read_queries(Query.objects.filter(~Exists(known), pk__in=missed))
    if not queries:
        return
    papers = Paper.objects.filter(edition=edition, hidden=False)
    found = find_hits(list_documents(papers), queries, edition_synonyms(edition))
    QueryMatches.objects.bulk_create(
        [QueryMatches(edition=edition, query_id=key, hits=found.get(key, [])) for key in queries],
        ignore_conflicts=True,
    )


def pack_ids(ids: Iterable[int]) -> bytes:
    """Return a set of ids as a bitmap: bit n of byte n // 8 is set for each id n."""
    wanted = list(ids)
    bitmap = bytearray(max(wanted, default=-8) // 8 + 1)
    for number in wanted:
        bitmap[number >> 3] |= 1 << (number & 7)
    return bytes(bitmap)


def has_id(bitmap: bytes, number: int) -> bool:
    """Return whether `pack_ids` was given this id."""
    return number >> 3 < len(bitmap) and bool(bitmap[number >> 3] & 1 << (number & 7))


def close_editions(now: datetime) -> int:
    """Close the matched editions of past days whose letters are all done; return how many.

    A letter in doubt is done with once the operator parked it.
    """
    undone = Delivery.objects.exclude(state__in=Delivery.TERMINAL).filter(
        edition=OuterRef("pk"), parked_at__isnull=True
    )
    return Edition.objects.filter(
        ~Exists(undone), matched_at__isnull=False, closed_at__isnull=True, date__lt=site_date(now)
    ).update(closed_at=now)


def latest_matched_edition() -> Edition | None:
    """Return the newest edition letters can be made from, or None."""
    ready = Edition.objects.filter(matched_at__isnull=False, cancelled_at__isnull=True)
    return ready.defer("matched_queries").order_by("-date").first()


def hide_papers(paper_ids: Iterable[int], hidden: bool) -> int:
    """Hide papers from their edition, or show them again, and return how many changed.

    Refused with `EditionError` once the edition of any of them is frozen.
    """
    papers = Paper.objects.filter(pk__in=list(paper_ids))
    frozen = papers.filter(edition__frozen_at__isnull=False).first()
    if frozen is not None:
        raise EditionError(f"“{frozen.title}” is in a frozen edition: its letters are on their way")
    return papers.exclude(hidden=hidden).update(hidden=hidden)


def first_listing_days(paper_ids: Iterable[int]) -> dict[int, date]:
    """Return {paper id: the first day it was listed on}."""
    rows = Listing.objects.filter(paper__in=list(paper_ids)).values("paper")
    return {row["paper"]: row["day"] for row in rows.annotate(day=Min("listed_on"))}
