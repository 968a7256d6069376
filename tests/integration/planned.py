"""Letters planned in bulk, and the ledger in figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone

from newsletter.days import prepare_edition
from newsletter.models import Delivery
from newsletter.planning import plan_edition
from subscribers.models import Interest, Query, Subscriber
from tests.factories import DAY, MORNING, RL, store


def prepare(day: date, now: datetime) -> int:
    """Make an edition of one paper of that day; return its id."""
    store(f"{RL} {day}", listed_on=day)
    return prepare_edition(day, now)[0]


def plan(*locals_: str) -> int:
    """A letter planned for each local part; the edition's id."""
    now = timezone.now()
    query, _ = Query.objects.get_or_create(text='"reinforcement learning"', expand=False)
    readers = Subscriber.objects.bulk_create(
        Subscriber(
            email=f"{local}@reader.example",
            status="confirmed",
            send_time="08:00",
            confirmed_at=now,
            next_send_at=MORNING + timedelta(hours=1),
            covered_until=DAY - timedelta(days=1),
        )
        for local in locals_
    )
    Interest.objects.bulk_create(
        Interest(subscriber=reader, query=query, text="reinforcement learning")
        for reader in readers
    )
    store(RL)
    edition, _ = prepare_edition(DAY, MORNING)
    assert plan_edition(edition, MORNING, everyone=True) == len(locals_)
    return edition


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found
