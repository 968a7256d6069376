"""Days on which nothing matched: whether a reader then gets nothing, a line, or one a week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from newsletter.models import Delivery
from subscribers.models import Subscriber
from subscribers.queries import Reader

EmptyDays = Subscriber.EmptyDays
SILENCE = timedelta(days=6, hours=12)  # a week less what an hour changed, or a late edition, takes


def wanting_a_line(readers: Iterable[Reader]) -> set[int]:
    """Return the ids of those who get a line should nothing match: one query, if any is needed.

    A heartbeat comes to who was sent nothing for a week, the week of the confirmation included.
    """
    wanted = list(readers)
    since = timezone.now() - SILENCE
    found = {reader.id for reader in wanted if reader.empty_days == EmptyDays.LINE}
    silent = {
        reader.id
        for reader in wanted
        if reader.empty_days == EmptyDays.HEARTBEAT
        and (reader.confirmed_at is None or reader.confirmed_at < since)
    }
    if silent:
        sent = Delivery.objects.filter(
            subscriber__in=silent, state=Delivery.State.SENT, finished_at__gte=since
        )
        silent -= set(sent.values_list("subscriber", flat=True))
    return found | silent
