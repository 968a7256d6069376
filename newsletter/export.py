"""Everything kept of one reader, as JSON: what they may ask for (GDPR art. 15 and 20)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings

from newsletter.matching.display import readable
from newsletter.models import Delivery, Paper, SavedPaper
from subscribers.models import ConsentEvent, Interest, Subscriber

FORMAT = 1
READER = (
    "email", "status", "language", "timezone", "send_time", "weekdays", "papers_per_letter",
    "empty_days", "similar_up_to", "paused_until", "next_send_at", "covered_until", "created_at",
    "confirmed_at", "unsubscribed_at",
)  # fmt: skip
CONSENT = (
    "kind", "at", "source", "wording", "language", "form_version", "url", "network", "user_agent",
    "grant_id",
)  # fmt: skip


def export_reader(subscriber_id: int, now: datetime) -> dict[str, Any]:
    """Return what is kept of the reader, ready for JSON; instants are UTC, days ISO 8601.

    Raises `Subscriber.DoesNotExist`. Queries: a fixed number.
    """
    row = Subscriber.objects.get(pk=subscriber_id)
    deliveries = list(_list_deliveries(subscriber_id))
    saved = list(
        SavedPaper.objects.filter(subscriber=row).order_by("saved_at").select_related("paper")
    )
    carried = {pick[0] for delivery in deliveries for pick in delivery.picks}
    papers = {one.pk: one for one in Paper.objects.filter(pk__in=carried)}
    return {
        "format": FORMAT,
        "site": settings.SITE_URL,
        "exported_at": _plain(now),
        "reader": _values(row, READER),
        "interests": [_interest(one) for one in row.interests.select_related("query")],
        "consent": [
            _values(event, CONSENT)
            for event in ConsentEvent.objects.filter(subscriber=row).order_by("at", "pk")
        ],
        "letters": [_letter(delivery, papers) for delivery in deliveries],
        "papers": [
            {**_paper(one.paper), "how": one.how, "at": _plain(one.saved_at)} for one in saved
        ],
        "mails": [
            _values(notice, ("kind", "state", "created_at", "finished_at"))
            for notice in row.notices.order_by("created_at", "pk")
        ],
        "links": [
            _values(grant, ("purpose", "created_at", "expires_at", "used_at"))
            for grant in row.grants.order_by("created_at", "pk")
        ],
    }


def _list_deliveries(subscriber_id: int) -> Iterable[Delivery]:
    rows = Delivery.objects.filter(subscriber=subscriber_id).select_related("edition")
    return rows.defer("edition__matched_queries", "edition__note").order_by("edition__date")


def _interest(one: Interest) -> dict[str, Any]:
    return {
        "text": one.text,
        "starred": one.weight == Interest.STARRED,
        "muted": one.muted,
        "synonyms": one.query.expand,
        "position": one.position,
        "created_at": _plain(one.created_at),
    }


def _letter(delivery: Delivery, papers: dict[int, Paper]) -> dict[str, Any]:
    fields = (
        "covers_from", "state", "planned_at", "finished_at", "message_id", "code", "detail",
        "bounced_at", "complained_at",
    )  # fmt: skip
    carried = [papers[pick[0]] for pick in delivery.picks if pick[0] in papers]
    return {
        "edition": delivery.edition.date.isoformat(),
        **_values(delivery, fields),
        "papers": [_paper(paper) for paper in carried],
    }


def _paper(paper: Paper) -> dict[str, Any]:
    return {
        "title": readable(paper.title).text,
        "arxiv_id": paper.arxiv_id,
        "doi": paper.doi,
        "url": paper.url,
    }


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
