"""One edition's letters by state, how fast they go out, and when all are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import Now

from newsletter.models import Delivery, Edition

SHOWN = 7  # editions
RATE_OVER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class EditionProgress:
    """One edition's letters by state; `due` of them wait and could go now.

    `later` are queued and not due yet. `oldest_due` is for how many seconds the first of those due
    has waited. `rate` is letters a second over five minutes; `finish` as in `Progress`. `note` says
    why an edition is paused, cancelled, or sends its first letters alone.
    """

    date: date
    state: str
    due: int
    queued: int
    later: int
    sending: int
    sent: int
    deferred: int
    failed: int
    in_doubt: int
    parked: int
    cancelled: int
    empty: int
    oldest_due: int
    complained: int
    rate: float
    note: str
    finish: datetime | None = None


def read_editions(now: datetime, known: Mapping[date, EditionProgress]) -> list[EditionProgress]:
    """Return the last editions and older ones not closed, newest first; closed ones as `known`."""
    matched = Edition.objects.filter(matched_at__isnull=False).order_by("-date")
    newest = matched.values_list("pk", flat=True)[:SHOWN]
    shown = Q(pk__in=list(newest)) | Q(closed_at__isnull=True)  # an old one may be paused
    editions = list(matched.filter(shown).defer("matched_queries")[: 2 * SHOWN])
    waiting = Q(state__in=["queued", "deferred"], next_at__lte=Now())
    recent = Q(state="sent", finished_at__gt=now - RATE_OVER)
    rows = (
        Delivery.objects.filter(edition__in=[one for one in editions if not _is_known(one, known)])
        .values("edition", "state")
        .annotate(
            n=Count("pk"),
            due=Count("pk", filter=waiting),
            oldest=Min("next_at", filter=waiting),
            parked=Count("pk", filter=Q(parked_at__isnull=False, state="in_doubt")),
            complained=Count("complained_at"),
            recent=Count("pk", filter=recent),
            since=Min("finished_at", filter=recent),
        )
        .order_by()
    )
    by_edition: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_edition.setdefault(row["edition"], []).append({**row})
    return [
        known[one.date]
        if _is_known(one, known)
        else _make_edition(one, by_edition.get(one.pk, []), now)
        for one in editions
    ]


def _is_known(edition: Edition, known: Mapping[date, EditionProgress]) -> bool:
    return edition.shown_state == "closed" and edition.date in known


def _make_edition(
    edition: Edition, rows: Sequence[dict[str, Any]], now: datetime
) -> EditionProgress:
    counts = {row["state"]: row["n"] for row in rows}
    parked = sum(row["parked"] for row in rows)
    oldest = min((row["oldest"] for row in rows if row["oldest"]), default=None)
    state, note = edition.shown_state, ""
    if edition.cancelled_at:
        note = "by the operator"
    elif edition.paused_at:
        note = edition.pause_reason
    elif edition.canary_size and not edition.cleared_at:
        note = f"its first {edition.canary_size} letters go out and are judged"
    return EditionProgress(
        date=edition.date,
        state=state,
        due=sum(row["due"] for row in rows),
        queued=counts.get("queued", 0),
        later=sum(row["n"] - row["due"] for row in rows if row["state"] == "queued"),
        sending=counts.get("sending", 0),
        sent=counts.get("sent", 0),
        deferred=counts.get("deferred", 0),
        failed=counts.get("failed", 0),
        in_doubt=counts.get("in_doubt", 0) - parked,
        parked=parked,
        cancelled=counts.get("cancelled", 0),
        empty=counts.get("empty", 0),
        oldest_due=max(0, round((now - oldest).total_seconds())) if oldest else 0,
        complained=sum(row["complained"] for row in rows),
        rate=round(_find_rate(rows, now), 4),
        note=note,
    )


def _find_rate(rows: Sequence[dict[str, Any]], now: datetime) -> float:
    since = min((row["since"] for row in rows if row["since"]), default=None)
    if since is None:
        return 0.0
    return float(sum(row["recent"] for row in rows) / max((now - since).total_seconds(), 1.0))


def foresee(edition: EditionProgress, now: datetime) -> EditionProgress:
    """Return the edition with its `finish`, where its letters may go."""
    if edition.state == "paused":
        return edition
    return replace(edition, finish=find_finish(now, edition.due, edition.rate))


def find_finish(now: datetime, due: int, rate: float) -> datetime | None:
    """Return when so many are out at `rate` a second, None where none is due, or none goes."""
    return now + timedelta(seconds=due / rate) if due and rate else None
