"""What the links of a confirmation mail do: begin the letters, block the address, or lapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from subscribers import limits
from subscribers.fields import read_query
from subscribers.grants import GrantError, GrantUsed, GrantValue, revoke_grants, use_grant
from subscribers.interests import keep_interest, lock_reader
from subscribers.models import ConsentEvent, Grant, Interest, Subscriber, Suppression
from subscribers.rescheduling import day_before, first_send_at
from subscribers.services import Evidence, record_consent, unsubscribe
from subscribers.signups import Choices
from subscribers.suppressions import LEFT, hash_address, is_refused, welcome_back

MOST_FORGOTTEN = 10_000  # readers in one transaction


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A reader whose letters begin: `first_send_at` in UTC. `again` where they had begun before."""

    subscriber_id: int
    first_send_at: datetime | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A reader as their own pages need it: `next_send_at` in UTC."""

    id: int
    email: str
    status: str
    timezone: str
    next_send_at: datetime | None


def read_standing(grant: GrantValue) -> Standing | None:
    """Return how the reader of a grant stands; None where they are gone."""
    fields = ("pk", "email", "status", "timezone", "next_send_at")
    row = Subscriber.objects.filter(pk=grant.subscriber_id or 0).values_list(*fields).first()
    return Standing(*row) if row else None


def confirm_signup(
    token: str, evidence: Evidence, *, source: str, wording: str, now: datetime
) -> Confirmed:
    """Make the reader whose token it is a confirmed one, with what was chosen at the form.

    Raises `GrantError` (unknown, too old, used). A reader whose letters go out already, or pause,
    stays as they are.
    """
    with transaction.atomic():
        grant = use_grant(token, Grant.Purpose.CONFIRM, now=now)
        row = lock_reader(_reader_of(grant))
        if row.status in (Subscriber.Status.CONFIRMED, Subscriber.Status.PAUSED):
            return Confirmed(row.pk, row.next_send_at, again=True)
        if is_refused(row.email):
            raise GrantError("nothing is mailed to this address: its owner or its server refused")
        welcome_back(row.email)
        _begin_letters(row, Choices.from_json(grant.payload), now)
        record_consent(
            row.pk, ConsentEvent.Kind.CONFIRMED, source, wording, evidence, grant_id=grant.id
        )
        revoke_grants(row.pk, Grant.Purpose.CONFIRM, now=now)
        limits.release("unconfirmed", limits.canonical_address(row.email))
    return Confirmed(row.pk, row.next_send_at)


def _begin_letters(row: Subscriber, choices: Choices, now: datetime) -> None:
    row.status = Subscriber.Status.CONFIRMED
    row.timezone, row.send_time = choices.timezone, choices.send_time
    row.weekdays, row.papers_per_letter = choices.weekdays, choices.papers_per_letter
    row.empty_days, row.language = choices.empty_days, choices.language
    row.confirmed_at, row.unsubscribed_at, row.paused_until = now, None, None
    row.next_send_at = first_send_at(now, choices.send_time, choices.timezone, choices.weekdays)
    # Who comes back the day they left has had that day's letter.
    row.covered_until = max(row.covered_until or day_before(now), day_before(now))
    row.save()
    Interest.objects.filter(subscriber=row).delete()  # what was chosen now is what is wanted
    keep_all(row.pk, choices.interests)


def keep_all(subscriber_id: int, interests: Sequence[str]) -> None:
    """Keep interests of a reader locked by the caller, in their order."""
    for text in interests:
        keep_interest(subscriber_id, read_query(text), Interest.NORMAL, expand=True)


def block_address(token: str, now: datetime) -> None:
    """Mail nothing more to the address that got this token; doing it again changes nothing.

    A signup of it is undone, a reader of it unsubscribed. Raises `GrantError` as `use_grant`, but
    for a used token.
    """
    with transaction.atomic():
        try:
            grant = use_grant(token, Grant.Purpose.BLOCK, now=now)
        except GrantUsed:
            return
        digest = grant.payload["address_hash"]
        entry = Suppression(
            address_hash=digest, reason=Suppression.Reason.BLOCKED, note="by a confirmation's link"
        )
        Suppression.objects.filter(address_hash=digest, reason__in=LEFT).delete()
        Suppression.objects.bulk_create([entry], ignore_conflicts=True)
        reader = Subscriber.objects.filter(pk=grant.payload.get("subscriber_id") or 0).first()
        if reader is None or hash_address(reader.email) != digest:
            return
        if reader.status == Subscriber.Status.UNCONFIRMED:
            _forget([reader.pk])
        else:
            unsubscribe(reader.pk, "block link", now)


def forget_unconfirmed(before: datetime) -> int:
    """Delete the readers who signed up before `before` and never confirmed; return how many.

    One who was mailed a confirmation since then is kept for it. Their consent events go too: an
    address nobody confirmed is a stranger's.
    """
    rows = Subscriber.objects.filter(
        status=Subscriber.Status.UNCONFIRMED, created_at__lt=before, confirmed_at__isnull=True
    ).exclude(grants__purpose=Grant.Purpose.CONFIRM, grants__created_at__gte=before)
    found = list(rows.values_list("pk", flat=True)[:MOST_FORGOTTEN])
    with transaction.atomic():
        return _forget(found)


def _forget(ids: Sequence[int]) -> int:
    """Delete unconfirmed readers and all that is theirs, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL paper_round.erase = 'on'")
    waiting = Subscriber.objects.select_for_update().filter(
        pk__in=ids, status=Subscriber.Status.UNCONFIRMED
    )
    gone = list(waiting.values_list("pk", flat=True))
    ConsentEvent.objects.filter(subscriber__in=gone).delete()
    Subscriber.objects.filter(pk__in=gone).delete()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL paper_round.erase = 'off'")
    return len(gone)


def _reader_of(grant: GrantValue) -> int:
    if grant.subscriber_id is None:
        raise GrantError("this link is nobody's")
    return grant.subscriber_id
