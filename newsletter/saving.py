"""What readers saved, or opened a link of: kept once, read for whoever wants similar papers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from newsletter.models import SavedPaper

STRENGTH = (SavedPaper.How.OPENED, SavedPaper.How.LIKED, SavedPaper.How.SAVED)
NEWEST = 50  # of a reader's saved papers: what interests them now


class Liked(NamedTuple):
    """A paper a reader likes, and how we know: "saved", "liked" or "opened"."""

    paper_id: int
    how: str


def save_paper(subscriber_id: int, paper_id: int, how: str, now: datetime) -> bool:
    """Keep that the reader saved, liked or opened the paper; True if it is new.

    What says more wins: saved over liked, liked over opened; less changes nothing. `ValueError`
    for another `how`.
    """
    wanted = SavedPaper.How(how)
    weaker = STRENGTH[: STRENGTH.index(wanted)]
    row = SavedPaper(subscriber_id=subscriber_id, paper_id=paper_id, how=wanted, saved_at=now)
    mine = SavedPaper.objects.filter(subscriber=subscriber_id, paper=paper_id)
    with transaction.atomic():
        if mine.exists():
            mine.filter(how__in=weaker).update(how=wanted, saved_at=now)
            return False
        SavedPaper.objects.bulk_create([row], ignore_conflicts=True)
    return True


def read_liked(subscriber_ids: Iterable[int]) -> dict[int, tuple[Liked, ...]]:
    """Return each reader's newest 50 liked papers, newest first, in one query."""
    place = Window(
        RowNumber(), partition_by=F("subscriber"), order_by=[F("saved_at").desc(), F("pk").desc()]
    )
    rows = SavedPaper.objects.filter(subscriber__in=list(subscriber_ids)).annotate(place=place)
    found: dict[int, list[Liked]] = {}
    newest = rows.filter(place__lte=NEWEST).order_by("subscriber", "place")
    for subscriber_id, paper_id, how in newest.values_list("subscriber_id", "paper_id", "how"):
        found.setdefault(subscriber_id, []).append(Liked(paper_id, how))
    return {key: tuple(liked) for key, liked in found.items()}


def drop_paper(subscriber_id: int, paper_id: int) -> bool:
    """Take back that the reader saved, liked or opened the paper; False where nothing was kept."""
    rows = SavedPaper.objects.filter(subscriber=subscriber_id, paper=paper_id)
    return bool(rows.delete()[0])
