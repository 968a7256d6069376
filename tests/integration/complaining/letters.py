"""Letters that are out, and how their readers stand."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from newsletter.days import drain_deliveries
from newsletter.models import Delivery, Edition
from subscribers.models import Suppression
from subscribers.services import hash_address
from tests.integration.admin.makers import make_deliveries, make_edition, make_readers
from tests.integration.planned import plan

NOW = timezone.now()


def send(*locals_: str) -> list[Delivery]:
    """Letters sent to a real relay, oldest first."""
    plan(*locals_)
    drain_deliveries()
    return list(Delivery.objects.filter(state="sent").order_by("pk"))


def standing(delivery: Delivery) -> tuple[bool, str, bool]:
    """Complained of, the reader's status, the address suppressed."""
    row = Delivery.objects.select_related("subscriber").get(pk=delivery.pk)
    suppressed = Suppression.objects.filter(address_hash=hash_address(row.subscriber.email))
    return row.complained_at is not None, row.subscriber.status, suppressed.exists()


UNTOUCHED = (False, "confirmed", False)
TAKEN = (True, "unsubscribed", True)


def make_going(sent: int, readers: int = 0) -> tuple[Edition, list[Delivery]]:
    """An edition going out, its first letters judged good: so many are sent, one waits."""
    edition = make_edition()
    Edition.objects.update(cleared_at=NOW - timedelta(hours=1), canary_size=0)
    rows = make_readers(sent + 1)
    letters = make_deliveries(edition, rows[:sent], "sent")
    make_deliveries(edition, rows[sent:], "queued")
    return edition, letters
