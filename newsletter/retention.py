"""What of readers is not kept: each kind of row goes after its time, a thousand at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from newsletter.erasure import allow_forgetting, fold_deliveries, forget_reader
from newsletter.models import Delivery
from newsletter.notices import forget_notices
from subscribers.confirming import forget_unconfirmed
from subscribers.grants import forget_grants
from subscribers.limits import forget_limits
from subscribers.models import ConsentEvent, Interest, Query, Signup, Subscriber

UNCONFIRMED = timedelta(days=7)
UNSUBSCRIBED = timedelta(days=28)
DELIVERIES = timedelta(days=90)
NETWORKS = timedelta(days=30)  # where a consent came from, and with which browser
NOTICES = timedelta(days=7)
GRANTS = timedelta(days=7)  # after their end
SIGNUPS = timedelta(days=1)  # forms no worker could read
QUERIES = timedelta(days=1)  # that nobody asks for

AT_ONCE = 1_000  # rows of one transaction
MOST = 20  # of them in one run: the next run goes on
ENDED = ("sent", "failed", "cancelled", "empty", "in_doubt")


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows of each kind went."""

    unconfirmed: int = 0
    unsubscribed: int = 0
    deliveries: int = 0
    networks: int = 0
    notices: int = 0
    grants: int = 0
    signups: int = 0
    limits: int = 0
    queries: int = 0
    sessions: int = 0

    def items(self) -> list[tuple[str, int]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def prune_readers(now: datetime) -> Pruned:
    """Delete or fold what has had its time at `now`; doing it again finds nothing."""
    return Pruned(
        unconfirmed=forget_unconfirmed(now - UNCONFIRMED),
        unsubscribed=_prune_unsubscribed(now),
        deliveries=_prune_deliveries(now),
        networks=_prune_networks(now - NETWORKS),
        notices=forget_notices(now - NOTICES),
        grants=forget_grants(now - GRANTS),
        signups=Signup.objects.filter(created_at__lt=now - SIGNUPS).delete()[0],
        limits=forget_limits(now),
        queries=_prune_queries(now - QUERIES),
        sessions=Session.objects.filter(expire_date__lt=now).delete()[0],
    )


def _prune_unsubscribed(now: datetime) -> int:
    rows = Subscriber.objects.filter(
        status=Subscriber.Status.UNSUBSCRIBED, unsubscribed_at__lt=now - UNSUBSCRIBED
    )
    ids = list(rows.values_list("pk", flat=True)[: AT_ONCE * MOST])
    return sum(forget_reader(subscriber_id, now) for subscriber_id in ids)


def _prune_deliveries(now: datetime) -> int:
    """Fold the ended deliveries of editions more than 90 days old into counts."""
    old = Delivery.objects.filter(edition__date__lt=(now - DELIVERIES).date(), state__in=ENDED)
    gone = 0
    for _ in range(MOST):
        ids = list(old.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            break
        with transaction.atomic():
            fold_deliveries(ids)
        gone += len(ids)
    return gone


def _prune_networks(before: datetime) -> int:
    """Empty where consents came from; what was agreed to, when and in which words stays."""
    with transaction.atomic():
        allow_forgetting()
        known = ~Q(network="") | ~Q(user_agent="")
        return ConsentEvent.objects.filter(known, at__lt=before).update(network="", user_agent="")


def _prune_queries(before: datetime) -> int:
    asked = Interest.objects.values("query")
    rows = Query.objects.filter(created_at__lt=before).exclude(pk__in=asked)
    return (
        Query.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:AT_ONCE]))
        .delete()[1]
        .get("subscribers.Query", 0)
    )
