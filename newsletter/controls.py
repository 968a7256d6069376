"""What an operator can do to the sending: pause, resume, cancel; resend or park what is in doubt.

Also the canary: of a large edition a few letters go out first, and when the relay refuses them or
their readers complain, the edition pauses by itself before the others go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from newsletter.models import Delivery, Edition, Switch
from subscribers.models import Subscriber

CANARY_LEAST = 20  # fewer letters say nothing
CANARY_READERS = 200  # with fewer readers there is no canary
WAITING = (Delivery.State.QUEUED, Delivery.State.DEFERRED)


class ControlError(ValueError):
    """What was asked cannot be done; the text says why, and the mend."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What may be claimed: not of the editions `blocked`; of `first` only its first `size`."""

    blocked: tuple[int, ...]
    first: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Concerned:
    """How many letters a cancelling concerns: cancelled, in hand, parked, and out already."""

    waiting: int
    sending: int
    in_doubt: int
    sent: int

    @property
    def any(self) -> bool:
        return bool(self.waiting or self.sending or self.in_doubt)


def pause_sending(reason: str, edition: date | None = None) -> None:
    """Hand over no further letter, of an edition or at all; the letters in hand are finished.

    Already paused, the first reason stays.
    """
    now = timezone.now()
    if edition is not None:
        _find_editions(edition).filter(paused_at__isnull=True).update(
            paused_at=now, pause_reason=reason[:200]
        )
        return
    Switch.objects.get_or_create(pk=1)
    Switch.objects.filter(pk=1, paused_at__isnull=True).update(paused_at=now, reason=reason[:200])


def resume_sending(edition: date | None = None) -> bool:
    """Send again; True if it was paused. An edition its first letters stopped goes on with all."""
    if edition is not None:
        paused = _find_editions(edition).filter(paused_at__isnull=False)
        return bool(paused.update(paused_at=None, pause_reason="", cleared_at=timezone.now()))
    paused_switch = Switch.objects.filter(pk=1, paused_at__isnull=False)
    return bool(paused_switch.update(paused_at=None, reason=""))


def count_cancellable(edition: date | None) -> Concerned:
    """Return what `cancel_letters` would concern now; nothing is changed."""
    letters = Delivery.objects.all()
    if edition is not None:
        letters = letters.filter(edition__in=_find_editions(edition))
    doubtful = Q(state="in_doubt", parked_at__isnull=True)
    unfinished = Q(state__in=[*WAITING, "sending", "in_doubt"])
    counts = letters.filter(unfinished).aggregate(
        waiting=Count("pk", filter=Q(state__in=WAITING)),
        sending=Count("pk", filter=Q(state="sending")),
        in_doubt=Count("pk", filter=doubtful),
    )
    # Of all editions that is every letter ever sent: no news to anybody, and slow to count.
    sent = letters.filter(state="sent").count() if edition is not None else 0
    return Concerned(**counts, sent=sent)


def cancel_letters(edition: date | None, now: datetime) -> int:
    """Cancel the letters that wait, of an edition or all; return how many.

    A cancelled edition sends nothing more, and later letters do not carry its papers. What is in
    hand is cancelled by its worker; what is in doubt stays so, and is not sent again.
    """
    with transaction.atomic():
        letters = Delivery.objects.filter(state__in=WAITING)
        if edition is not None:
            found = _find_editions(edition)
            found.filter(cancelled_at__isnull=True).update(cancelled_at=now)
            letters = letters.filter(edition__in=list(found.values_list("pk", flat=True)))
            doubtful = Delivery.objects.filter(edition__in=found, state="in_doubt")
        else:
            doubtful = Delivery.objects.filter(state="in_doubt")
        doubtful.filter(parked_at__isnull=True).update(parked_at=now)
        return letters.update(
            state=Delivery.State.CANCELLED, detail="cancelled by the operator", finished_at=now
        )


def mark_covered(day: date) -> int:
    """Count every edition up to `day` as sent: after a restore, those letters are out already.

    Cancels what waits of them and moves every reader's cursor; returns how many readers it moved.
    """
    now = timezone.now()
    with transaction.atomic():
        Delivery.objects.filter(state__in=WAITING, edition__date__lte=day).update(
            state=Delivery.State.CANCELLED, detail="sent before the restore", finished_at=now
        )
        behind = Q(covered_until__lt=day) | Q(covered_until__isnull=True)
        return Subscriber.objects.filter(behind).update(covered_until=day)


def resend_in_doubt(delivery_ids: Iterable[int]) -> int:
    """Queue letters in doubt again, under their Message-ID, by the operator's word; how many."""
    return Delivery.objects.filter(pk__in=list(delivery_ids), state="in_doubt").update(
        state=Delivery.State.QUEUED, next_at=TransactionNow(), parked_at=None
    )


def park_in_doubt(delivery_ids: Iterable[int], now: datetime) -> int:
    """Leave letters in doubt as they are: no longer listed, never sent again; return how many."""
    waiting = Delivery.objects.filter(pk__in=list(delivery_ids), state="in_doubt")
    return waiting.filter(parked_at__isnull=True).update(parked_at=now)


def describe_pause() -> str:
    """Return why nothing is sent, "" where letters go out."""
    switch = Switch.objects.filter(pk=1, paused_at__isnull=False).first()
    return (switch.reason or "by the operator") if switch else ""


def describe_paused_editions() -> str:
    """Return which editions are paused while letters of theirs wait, why, and what lets them go."""
    waiting = Delivery.objects.filter(edition=OuterRef("pk"), state__in=WAITING)
    return "; ".join(
        f"the edition of {day} is paused ({why or 'by the operator'}): "
        f"manage.py resume --date {day} lets its letters go"
        for day, why in list_paused_editions(Exists(waiting))
    )


def list_paused_editions(*where: Exists) -> list[tuple[date, str]]:
    """Return the editions that are paused, oldest first, each with the reason."""
    paused = Edition.objects.filter(
        *where, paused_at__isnull=False, cancelled_at__isnull=True, closed_at__isnull=True
    )
    return list(paused.order_by("date").values_list("date", "pause_reason"))


def open_gate() -> Gate:
    """Return which editions' letters may be claimed now, judging first letters on the way."""
    blocked: list[int] = []
    first: tuple[int, int] | None = None
    going = Edition.objects.filter(matched_at__isnull=False, closed_at__isnull=True)
    fields = ("pk", "paused_at", "cancelled_at", "cleared_at", "canary_size")
    for pk, paused_at, cancelled_at, cleared_at, size in going.values_list(*fields).order_by(
        "date"
    ):
        if paused_at or cancelled_at:
            blocked.append(pk)
        elif not cleared_at or (size == 0 and _has_grown(pk)):
            size = _judge_first(pk)
            if size != 0:
                blocked.append(pk)
            if size and first is None:
                first = (pk, size)
    return Gate(tuple(blocked), *(first or (None, 0)))


def judge_first(edition_id: int) -> None:
    """Judge an edition's first letters where they are not judged yet: a complaint has come."""
    if Edition.objects.filter(pk=edition_id, cleared_at__isnull=True).exists():
        _judge_first(edition_id)


def _judge_first(edition_id: int) -> int | None:
    """Return how many first letters the edition has, 0 once it is cleared, None once stopped."""
    now = timezone.now()
    size = Edition.objects.values_list("canary_size", flat=True).get(pk=edition_id)
    edition = Edition.objects.filter(pk=edition_id, cleared_at__isnull=True)
    if size is None:
        size = _size_canary()
        edition.update(canary_size=size, cleared_at=None if size else now)
        return size
    counts = _count_first(edition_id)
    unsettled = counts["taken"] < size or counts["pending"]
    if why := _find_trouble(counts, settled=not unsettled):
        edition.filter(paused_at__isnull=True).update(paused_at=now, pause_reason=why[:200])
        return None
    if unsettled:
        return int(size)
    edition.update(cleared_at=now)
    return 0


def _has_grown(edition_id: int) -> bool:
    """Return whether an edition that began among few readers has become a large one: an import.

    Its letters that wait are judged by their first ones, as if it began now.
    """
    waiting = Delivery.objects.filter(edition=edition_id, state__in=WAITING)
    if not _size_canary() or waiting[:CANARY_READERS].count() < CANARY_READERS:
        return False
    edition = Edition.objects.filter(pk=edition_id, canary_size=0, paused_at__isnull=True)
    return bool(edition.update(canary_size=None, cleared_at=None))


def _size_canary() -> int:
    if not settings.CANARY_PERCENT:
        return 0
    readers = Subscriber.objects.filter(status=Subscriber.Status.CONFIRMED).count()
    if readers < CANARY_READERS:
        return 0
    return max(CANARY_LEAST, -(-readers * settings.CANARY_PERCENT // 100))


def _count_first(edition_id: int) -> dict[str, int]:
    first = Delivery.objects.filter(edition=edition_id, canary=True)
    return first.aggregate(
        taken=Count("pk"),
        pending=Count("pk", filter=Q(state="sending") | Q(state="queued", setbacks=0)),
        refused=Count("pk", filter=Q(state="failed", code__gte=500)),
        soft=Count("pk", filter=Q(state="deferred")),
        complained=Count("pk", filter=Q(complained_at__isnull=False)),
    )


def _find_trouble(counts: dict[str, int], *, settled: bool) -> str:
    """Return why the first letters stop the edition, "" where they do not."""
    taken = counts["taken"]
    if counts["complained"]:
        return f"{counts['complained']} of the first {taken} readers complained"
    if counts["refused"] >= 2 and counts["refused"] * 20 > taken:
        return f"{counts['refused']} of the first {taken} letters were refused"
    if settled and counts["soft"] * 2 > taken:
        return f"{counts['soft']} of the first {taken} letters were refused for now"
    return ""


def _find_editions(day: date) -> QuerySet[Edition]:
    editions = Edition.objects.filter(date=day)
    if not editions.exists():
        raise ControlError(f"there is no edition of {day}: write a day that has one")
    return editions
