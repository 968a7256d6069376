"""From a form to a reader: taken down, looked at later, confirmed by whoever reads the address.

Taking a form down does the same work for every address, known or not, suppressed or not; what is
known of the address is looked up by a worker. What was chosen travels with the confirmation's
token and is applied when it is used, so nobody changes anything for an address they cannot read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self

from django.db import transaction

from subscribers import limits
from subscribers.models import (
    EVERY_DAY,
    PAPERS_PER_LETTER,
    ConsentEvent,
    Signup,
    Subscriber,
)
from subscribers.services import Evidence, record_consent, with_addresses
from subscribers.suppressions import is_refused

logger = logging.getLogger(__name__)

A_NETWORK_AN_HOUR = 5  # signups of one /24 or /64
A_DAY = timedelta(hours=24)  # in which an address gets one mail at most
UNCONFIRMED_MAILS, UNCONFIRMED_FOR = 3, timedelta(days=30)
BREAKER_TIMES = 10  # the mean hour of the week before
BREAKER_FLOOR = 100  # signups an hour that trip nothing: a young site has no mean yet
MOST_TRIES = 3
SOURCE = "subscribe form"


class Taken(StrEnum):
    """What became of a form: taken down, or refused for reasons that no address plays a part in."""

    TAKEN = "taken"
    TOO_MANY = "too many"  # from this network in this hour
    CLOSED = "closed"  # far more forms came in than usual
    AGAIN = "again"  # this very form was sent before


@dataclass(frozen=True, slots=True)
class Choices:
    """What a reader chose at the form; every value was read by `subscribers.fields`."""

    interests: tuple[str, ...]
    timezone: str = "UTC"
    send_time: time = time(8)
    weekdays: int = EVERY_DAY
    papers_per_letter: int = PAPERS_PER_LETTER
    empty_days: str = Subscriber.EmptyDays.NOTHING
    language: str = "en"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "send_time": f"{self.send_time:%H:%M}"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        at = time.fromisoformat(data["send_time"])
        return cls(**{**data, "send_time": at, "interests": tuple(data["interests"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a form came to: the mail its address is to get, and what travels with its token."""

    subscriber_id: int
    is_reader: bool  # a reader already: a link to manage instead of one to confirm
    language: str
    grant: Mapping[str, Any]


def receive_signup(
    email: str,
    choices: Choices,
    evidence: Evidence,
    *,
    wording: str,
    ip: str,
    nonce: str,
    now: datetime,
) -> Taken:
    """Take a form down, or refuse it; the same statements whatever the address is.

    `email` is normalised, `wording` what the form said beside its button, `nonce` the form's own
    number, good for one sending. An unreadable `ip` counts as one network with all others.
    """
    with transaction.atomic():  # what fails midway leaves the form good for another try
        if not limits.take("form", nonce, 1, A_DAY, now):
            return Taken.AGAIN
        network = limits.network_of(ip)
        if not limits.take("network", network, A_NETWORK_AN_HOUR, limits.HOUR, now):
            return Taken.TOO_MANY
        count, mean = limits.hourly("signup", now)
        if count >= max(BREAKER_FLOOR, BREAKER_TIMES * mean):
            logger.error("signups are closed for this hour: %s came, the mean is %.1f", count, mean)
            return Taken.CLOSED
        limits.note_hour("signup", now)
        seen = {**asdict(evidence), "wording": wording}
        Signup.objects.create(email=email, choices=choices.as_json(), evidence=seen, created_at=now)
        return Taken.TAKEN


def has_signups() -> bool:
    """Return whether forms wait to be looked at."""
    return Signup.objects.exists()


def answer_signups(limit: int, handle: Callable[[Signup], object]) -> int:
    """Hand waiting forms to `handle`, each in a transaction that deletes it; return how many.

    One whose handling raises is tried three times in all, then dropped; the others go on.
    """
    done = 0
    for _ in range(limit):
        row = None
        try:
            with transaction.atomic():
                rows = Signup.objects.select_for_update(skip_locked=True)
                row = rows.order_by("attempts", "pk").first()
                if row is None:
                    break
                handle(row)
                row.delete()
            done += 1
        except Exception:
            number = row.pk if row else None
            logger.exception("signup %s could not be answered", number)
            if number is None:
                raise
            _note_failure(number)
    return done


def _note_failure(pk: int) -> None:
    with transaction.atomic():
        row = Signup.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return
        row.attempts += 1
        if row.attempts >= MOST_TRIES:
            row.delete()
        else:
            row.save(update_fields=["attempts"])


def answer_signup(row: Signup, now: datetime) -> Answer | None:
    """Return what mail the form's address is to get, None for none; in the caller's transaction.

    None for an address that refuses mail, for one that had its mail in the last 24 hours, and for
    one that left three mails unconfirmed. A new address becomes an unconfirmed reader.
    """
    if is_refused(row.email):
        return None
    mailbox = limits.canonical_address(row.email)
    if not limits.take("confirm", mailbox, 1, A_DAY, now):
        return None
    reader = with_addresses([row.email]).first()
    if reader and reader.status in (Subscriber.Status.CONFIRMED, Subscriber.Status.PAUSED):
        return Answer(reader.pk, True, reader.language, {})
    if not limits.take("unconfirmed", mailbox, UNCONFIRMED_MAILS, UNCONFIRMED_FOR, now):
        return None
    choices = Choices.from_json(row.choices)
    if reader is None:
        reader = Subscriber.objects.create(
            email=row.email,
            timezone=choices.timezone,
            send_time=choices.send_time,
            weekdays=choices.weekdays,
            papers_per_letter=choices.papers_per_letter,
            empty_days=choices.empty_days,
            language=choices.language,
        )
    seen = dict(row.evidence)
    wording = seen.pop("wording")
    record_consent(reader.pk, ConsentEvent.Kind.SUBSCRIBED, SOURCE, wording, Evidence(**seen))
    return Answer(reader.pk, False, choices.language, choices.as_json())
