"""What can be done to readers: add, schedule, unsubscribe, suppress. Returns ids and dataclasses.

Every change of a reader goes through here, so that consent is recorded with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from subscribers.fields import (
    InterestError,
    ReaderError,
    normalise_address,
    read_papers,
    read_query,
    read_similar,
    read_zone,
)
from subscribers.interests import (
    add_interest,
    intern_query,
    keep_interest,
    lock_reader,
    set_expand,
)
from subscribers.models import (
    EVERY_DAY,
    PAPERS_PER_LETTER,
    ConsentEvent,
    Interest,
    Subscriber,
    Suppression,
)
from subscribers.rescheduling import day_before, first_send_at, reschedule, spent_date
from subscribers.suppressions import (
    describe_suppression,
    hash_address,
    is_suppressed,
    suppress_address,
)

__all__ = [
    "OPERATOR_WORDING",
    "AddedSubscriber",
    "Evidence",
    "InterestError",
    "ReaderError",
    "add_confirmed_subscriber",
    "add_interest",
    "check_new_address",
    "describe_standing",
    "describe_suppression",
    "hash_address",
    "intern_query",
    "is_suppressed",
    "normalise_address",
    "record_consent",
    "set_expand",
    "set_schedule",
    "suppress_address",
    "unsubscribe",
    "with_addresses",
]

OPERATOR_WORDING = "The operator states that this reader asked to receive these letters."


@dataclass(frozen=True, slots=True)
class AddedSubscriber:
    """A reader whose letters begin: `created` is False when a known address was confirmed."""

    id: int
    email: str
    created: bool
    interests: tuple[str, ...]
    next_send_at: datetime  # UTC
    covered_until: date


def add_confirmed_subscriber(
    email: str,
    interests: Sequence[str],
    timezone: str = "UTC",
    send_time: time = time(8),
    weekdays: int = EVERY_DAY,
    papers_per_letter: int = PAPERS_PER_LETTER,
    *,
    starred: Sequence[str] = (),
    exact: Sequence[str] = (),
    source: str,
    now: datetime,
    returning: bool = False,
    similar_up_to: int = 0,
) -> AddedSubscriber:
    """Make `email` a confirmed reader on the operator's word, and record that word as consent.

    The first letter covers the editions from the day of `now` (of the site) on. An address that
    waits for its own confirmation is confirmed; one that is subscribed, is suppressed, or
    unsubscribed (unless it is `returning`) is refused with `ReaderError`; nothing is kept then.
    Interests in `exact` find no synonyms.
    """
    address = normalise_address(email)
    read_papers(str(papers_per_letter))
    read_similar(str(similar_up_to))
    zone = read_zone(timezone)
    queries = [(read_query(text), Interest.STARRED, True) for text in starred]
    queries += [(read_query(text), Interest.NORMAL, True) for text in interests]
    queries += [(read_query(text), Interest.NORMAL, False) for text in exact]
    first = first_send_at(now, send_time, zone, weekdays)
    with transaction.atomic():
        _refuse_suppressed(address)
        row, created = _get_or_create(address, send_time)
        _refuse_subscribed(row, created, returning)
        row.status = Subscriber.Status.CONFIRMED
        row.timezone, row.send_time, row.weekdays = zone, send_time, weekdays
        row.papers_per_letter, row.similar_up_to = papers_per_letter, similar_up_to
        row.confirmed_at, row.unsubscribed_at, row.paused_until = now, None, None
        row.next_send_at = first
        # Who comes back the day they left has had that day's letter.
        row.covered_until = max(row.covered_until or day_before(now), day_before(now))
        row.save()
        for query, weight, expand in queries:
            keep_interest(row.pk, query, weight, expand)
        record_consent(
            row.pk, ConsentEvent.Kind.CONFIRMED_BY_OPERATOR, source, wording=OPERATOR_WORDING
        )
    kept = tuple(row.interests.values_list("text", flat=True))
    return AddedSubscriber(row.pk, address, created, kept, first, day_before(now))


def check_new_address(email: str) -> str:
    """Return the normalised address if a reader may be added with it, else `ReaderError`."""
    address = normalise_address(email)
    _refuse_suppressed(address)
    if row := with_addresses([address]).first():
        _refuse_subscribed(row, created=False, returning=False)
    return address


def set_schedule(
    subscriber_id: int,
    *,
    now: datetime,
    timezone: str | None = None,
    send_time: time | None = None,
    weekdays: int | None = None,
    papers_per_letter: int | None = None,
    similar_up_to: int | None = None,
) -> datetime | None:
    """Change what is given and return the UTC instant of the next letter, None if none is due.

    A local date that has had its letter gets no second one, in the new zone neither. A letter due
    but not yet planned stays due. An every-day reader waits 36 hours at most: where the new hour
    would come later than that, the first letter comes before it.
    """
    with transaction.atomic():
        row = lock_reader(subscriber_id)
        old_zone, old_first = row.timezone, row.next_send_at
        row.timezone = row.timezone if timezone is None else read_zone(timezone)
        row.send_time = row.send_time if send_time is None else send_time
        row.weekdays = row.weekdays if weekdays is None else weekdays
        if papers_per_letter is not None:
            row.papers_per_letter = int(read_papers(str(papers_per_letter)))
        if similar_up_to is not None:
            row.similar_up_to = read_similar(str(similar_up_to))
        is_reading = row.status == Subscriber.Status.CONFIRMED
        if is_reading and (old_first is None or old_first > now):
            spent = spent_date(row, old_zone, now) if old_first else None
            row.next_send_at = reschedule(row, now, spent)
        row.save(
            update_fields=[
                "timezone", "send_time", "weekdays", "papers_per_letter", "similar_up_to",
                "next_send_at",
            ]
        )  # fmt: skip
        return row.next_send_at


def unsubscribe(subscriber_id: int, source: str, now: datetime, wording: str = "") -> bool:
    """End the reader's letters for good; True if this call did it, False if it was done before."""
    with transaction.atomic():
        changed = (
            Subscriber.objects.filter(pk=subscriber_id)
            .exclude(status=Subscriber.Status.UNSUBSCRIBED)
            .update(
                status=Subscriber.Status.UNSUBSCRIBED,
                unsubscribed_at=now,
                next_send_at=None,
                paused_until=None,
            )
        )
        if changed:
            record_consent(subscriber_id, ConsentEvent.Kind.UNSUBSCRIBED, source, wording)
    return bool(changed)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a consent came about, as a web request shows it; `network` is never a whole address."""

    language: str = ""
    form_version: str = ""
    url: str = ""
    network: str = ""
    user_agent: str = ""


def record_consent(
    subscriber_id: int,
    kind: ConsentEvent.Kind,
    source: str,
    wording: str = "",
    evidence: Evidence | None = None,
    grant_id: int | None = None,
) -> None:
    """Keep what a reader agreed to or withdrew, and how; what is too long is cut."""
    seen = evidence or Evidence()
    ConsentEvent.objects.create(
        subscriber_id=subscriber_id,
        kind=kind,
        source=source[:200],
        wording=wording,
        language=seen.language[:8],
        form_version=seen.form_version[:16],
        url=seen.url[:200],
        network=seen.network[:43],
        user_agent=seen.user_agent[:200],
        grant_id=grant_id,
    )


def with_addresses(addresses: Sequence[str]) -> QuerySet[Subscriber]:
    """Return the readers of these normalised addresses, by the index on lower(email)."""
    return Subscriber.objects.alias(address=Lower("email")).filter(address__in=addresses)


def describe_standing(row: Subscriber) -> tuple[str, str]:
    """Return why a known address is not added again, and the mend."""
    if row.status == Subscriber.Status.UNSUBSCRIBED:
        since = f" on {row.unsubscribed_at:%Y-%m-%d}" if row.unsubscribed_at else ""
        return f"unsubscribed{since}", "only add_subscriber --returning brings a reader back"
    if row.status == Subscriber.Status.UNCONFIRMED:
        return "waits for its own confirmation", "confirm it with add_subscriber"
    return "already subscribed", "edit the reader in the admin"


def _get_or_create(address: str, send_time: time) -> tuple[Subscriber, bool]:
    known = with_addresses([address]).select_for_update(of=("self",))
    if row := known.first():
        return row, False
    try:
        with transaction.atomic():
            row = Subscriber.objects.create(
                email=address, send_time=send_time, language=settings.SITE_LANGUAGE
            )
            return row, True
    except IntegrityError:  # another process added the address meanwhile
        return known.get(), False


def _refuse_suppressed(address: str) -> None:
    entry = Suppression.objects.filter(address_hash=hash_address(address)).first()
    if entry is not None:
        problem, mend = describe_suppression(entry.reason)
        raise ReaderError("email", f"{address} is {problem}", mend)


def _refuse_subscribed(row: Subscriber, created: bool, returning: bool) -> None:
    if created or row.status == Subscriber.Status.UNCONFIRMED:
        return
    if row.status == Subscriber.Status.UNSUBSCRIBED and returning:
        return
    problem, mend = describe_standing(row)
    verb = "" if row.status == Subscriber.Status.UNSUBSCRIBED else "is "
    raise ReaderError("email", f"{row.email} {verb}{problem}", mend)
