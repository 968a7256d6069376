"""What of sources is kept for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from newsletter.models import (
    FetchedPage,
    FetchHost,
    FetchRun,
    PackedWords,
    PaperChange,
    PictureFetch,
    Quarantined,
    SourceDay,
)
from newsletter.wordbook import DAYS

KEPT_DAYS = {
    "samples": 7,  # of answers that could not be used
    "fetches": 30,
    "quarantined records": 30,
    "validators": 30,  # ETag and Last-Modified of addresses not asked since
    "hosts": 30,
    "attempts at pictures": 60,  # the pictures stay as long as their papers
    "days of sources": 400,  # a year to compare with
    "changes of papers": 7,  # the search is told of them within a minute
}
BATCH = 5000


def prune_sources(now: datetime) -> dict[str, int]:
    """Delete what is older than it is kept, and return how many rows, by name.

    Running again deletes nothing more; rows go in batches, so that no lock is held for long.
    """
    before = {name: now - timedelta(days=days) for name, days in KEPT_DAYS.items()}
    samples = FetchRun.objects.filter(finished_at__lt=before["samples"]).exclude(sample="")
    rows: dict[str, QuerySet[Any]] = {
        "fetches": FetchRun.objects.filter(started_at__lt=before["fetches"]),
        "quarantined records": Quarantined.objects.filter(
            last_at__lt=before["quarantined records"]
        ),
        "validators": FetchedPage.objects.filter(fetched_at__lt=before["validators"]),
        "hosts": FetchHost.objects.filter(next_at__lt=before["hosts"]),
        "attempts at pictures": PictureFetch.objects.filter(
            tried_at__lt=before["attempts at pictures"]
        ),
        "days of sources": SourceDay.objects.filter(day__lt=before["days of sources"].date()),
        "changes of papers": PaperChange.objects.filter(at__lt=before["changes of papers"]),
        "packed words": _old_words(),
    }
    emptied = {"samples": samples.update(sample="")}
    return emptied | {name: _delete(found) for name, found in rows.items()}


def _old_words() -> QuerySet[PackedWords]:
    """The packs of all but the newest days: a cache, filled again when needed."""
    newest = PackedWords.objects.order_by("-date").values_list("date", flat=True)[DAYS - 1 : DAYS]
    last = next(iter(newest), None)
    return PackedWords.objects.filter(date__lt=last) if last else PackedWords.objects.none()


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted
