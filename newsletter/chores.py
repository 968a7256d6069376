"""What is done about once a day, by whichever process comes first: worker or `tick`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from newsletter import acronyms, pruning, retention
from newsletter.models import Chore

logger = logging.getLogger(__name__)
EVERY = timedelta(hours=20)
CHORES: dict[str, Callable[[datetime], object]] = {
    "prune readers": retention.prune_readers,
    "prune sources": pruning.prune_sources,
    "learn synonyms": lambda now: acronyms.learn_synonyms(),
}


def do_chores(now: datetime) -> list[str]:
    """Do what was not done for most of a day; return its names. One that fails stops no other."""
    done = []
    for name, do in CHORES.items():
        if take_chore(name, now):
            try:
                do(now)
            except Exception:  # tried again tomorrow, and logged today
                logger.exception("the chore %r failed", name)
            else:
                done.append(name)
    return done


def take_chore(name: str, now: datetime) -> bool:
    """Return whether it is this process's to do: of many that ask in a day one is told so."""
    Chore.objects.bulk_create(
        [Chore(name=name, done_at=now - timedelta(days=365))], ignore_conflicts=True
    )
    due = Chore.objects.filter(name=name, done_at__lte=now - EVERY)
    return bool(due.update(done_at=now))


def prune(now: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Delete or fold what is older than it is kept, and return how many rows, by name.

    Running again finds nothing more. A dry run does the same and takes it back.
    """
    if not dry_run:
        return dict(retention.prune_readers(now).items()) | pruning.prune_sources(now)
    with transaction.atomic():
        counts = prune(now)
        transaction.set_rollback(True)
    return counts
