"""The words of the last 30 days' papers, ready to be asked what a query would have found.

Each day is packed once, when its edition is matched (`pack_edition`) or else when it is first
needed, and kept in the database. What is made of the packs is a file beside those of the search,
which every process of the machine maps; it is made anew when there is a new day.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max
from django.db.models.functions import Coalesce, TruncDate

from newsletter.arrayfiles import BadArrayFile, open_arrays, write_arrays
from newsletter.changes import identify_database
from newsletter.matching.narrowing import Narrowing
from newsletter.matching.nearest import Nearest
from newsletter.matching.packs import RULES, Pack
from newsletter.matching.postings import Postings
from newsletter.matching.unpacking import compile_postings
from newsletter.models import Edition, PackedWords, Paper
from newsletter.papers import list_documents
from newsletter.volumes import LAYOUT, directory

DAYS = 30
MOST_KEPT = 2000  # papers whose words each process may have in its own memory


class Day(NamedTuple):
    """A day of the book: its edition, or None where it is a day on which papers were listed."""

    date: date
    stamp: str  # what its papers are: with another stamp they are other ones
    edition_id: int | None


@dataclass(frozen=True)
class Wordbook:
    """Days in order, oldest first, and the postings of their papers: one pack for each day."""

    days: tuple[Day, ...]
    postings: Postings

    @property
    def of_editions(self) -> bool:
        return any(day.edition_id is not None for day in self.days)

    @cached_property
    def nearest(self) -> Nearest:
        return Nearest(self.postings)

    @cached_property
    def narrowing(self) -> Narrowing:
        return Narrowing(self.postings, self.nearest)


_EMPTY = Wordbook((), Postings([]))
_book = _EMPTY
_lock = threading.Lock()


def current_wordbook(now: datetime) -> Wordbook:
    """Return the words of the 30 newest frozen editions; without any, of the newest listing days.

    Shared by the process and built anew only when the days changed: in between, one small query.
    """
    global _book
    days = _list_editions(now) or _list_listing_days(now)
    with _lock:
        if _book.days != days:
            _book = Wordbook(days, _open_postings(days))
        return _book


def _open_postings(days: Sequence[Day]) -> Postings:
    """The postings of the days' packs, in a file where they are many."""
    stamp = f"{identify_database()[0]} {days} {LAYOUT}"
    path = directory() / f"days-{hashlib.sha256(stamp.encode()).hexdigest()[:32]}.words"
    try:
        return Postings.of_arrays(open_arrays(path).arrays)
    except BadArrayFile:
        pass
    arrays = compile_postings(_read_packs(days))
    if len(arrays["ids"]) < MOST_KEPT:
        return Postings.of_arrays(arrays)
    write_arrays(path, arrays, {})
    for other in directory().glob("days-*.words"):
        if other != path:
            other.unlink(missing_ok=True)  # who reads it keeps it
    return Postings.of_arrays(open_arrays(path).arrays)


def pack_edition(edition_id: int) -> None:
    """Pack the words of a frozen edition, so that no request has to; done before is left."""
    edition = Edition.objects.get(pk=edition_id)
    if edition.frozen_at is None:
        return
    day = _edition_day(edition.pk, edition.date, edition.frozen_at)
    if not PackedWords.objects.filter(date=day.date, stamp=day.stamp).exists():
        _make_pack(day)


def _list_editions(now: datetime) -> tuple[Day, ...]:
    frozen = Edition.objects.filter(frozen_at__lte=now).order_by("-date")
    rows = frozen.values_list("pk", "date", "frozen_at")[:DAYS]
    return tuple(_edition_day(*row) for row in reversed(rows))


def _edition_day(edition_id: int, day: date, frozen_at: datetime | None) -> Day:
    return Day(day, f"edition {edition_id} {frozen_at:%Y%m%d%H%M%S%f} {RULES}", edition_id)


def _list_listing_days(now: datetime) -> tuple[Day, ...]:
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    rows = (
        Paper.objects.filter(hidden=False)
        .annotate(day=_listing_day())
        .filter(day__lte=today)
        .values("day")
        .annotate(papers=Count("pk"), changed=Max("updated_at"))
        .order_by("-day")[:DAYS]
    )
    return tuple(
        Day(row["day"], f"{row['papers']} papers {row['changed']:%Y%m%d%H%M%S%f} {RULES}", None)
        for row in reversed(rows)
    )


def _listing_day() -> Coalesce:
    """The day a paper was listed last, or else stored."""
    stored = TruncDate("stored_at", tzinfo=ZoneInfo(settings.TIME_ZONE))
    return Coalesce("newest_listing", stored)


def _read_packs(days: Sequence[Day]) -> Iterator[Pack]:
    """Yield the pack of each day, made where there is none."""
    rows = PackedWords.objects.filter(date__in=[day.date for day in days])
    stamps = dict(rows.values_list("date", "stamp"))
    for day in days:
        if stamps.get(day.date) == day.stamp:
            packed = bytes(PackedWords.objects.values_list("packed", flat=True).get(pk=day.date))
        else:
            packed = _make_pack(day)
        yield Pack.from_bytes(packed)
    if days:
        PackedWords.objects.filter(date__lt=days[0].date).delete()


def _make_pack(day: Day) -> bytes:
    """Read a day's papers, pack their words, and keep the pack."""
    papers = Paper.objects.filter(hidden=False)
    if day.edition_id is not None:
        papers = papers.filter(edition=day.edition_id)
    else:
        papers = papers.alias(day=_listing_day()).filter(day=day.date)
    packed = Pack.of(list_documents(papers.order_by("pk"))).to_bytes()
    PackedWords.objects.bulk_create(
        [PackedWords(date=day.date, stamp=day.stamp, packed=packed)],
        update_conflicts=True,
        unique_fields=["date"],
        update_fields=["stamp", "packed"],
    )
    return packed
