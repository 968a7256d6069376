"""A reader's other address: taken only when both the old and the new one have said yes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from subscribers.fields import ReaderError, normalise_address
from subscribers.grants import GrantValue, use_grant
from subscribers.interests import lock_reader
from subscribers.models import ConsentEvent, Grant, Subscriber
from subscribers.services import record_consent, with_addresses
from subscribers.suppressions import is_suppressed

OLD, NEW = Grant.Purpose.ADDRESS_OLD, Grant.Purpose.ADDRESS_NEW


@dataclass(frozen=True, slots=True)
class Proposal:
    """An address change to be confirmed; `free` is False where the new one cannot be mailed.

    `payload` goes into the rights of both mails: it says which two belong together.
    """

    address: str
    free: bool
    payload: dict[str, str]


@dataclass(frozen=True, slots=True)
class AddressStep:
    """What a confirmation came to: `done` once both are in, `taken` if the address is another's."""

    subscriber_id: int
    old: str
    new: str
    done: bool
    taken: bool = False


def propose_address(subscriber_id: int, text: str) -> Proposal:
    """Return the change to be confirmed; `ReaderError` for no address, or the one there is."""
    address = normalise_address(text)
    current = Subscriber.objects.values_list("email", flat=True).get(pk=subscriber_id)
    if address == current:
        raise ReaderError(
            "email", gettext("your letters go there already"), gettext("write another address")
        )
    free = not with_addresses([address]).exists() and not is_suppressed(address)
    return Proposal(address, free, {"email": address, "change": secrets.token_hex(8)})


def confirm_address(token: str, purpose: str, now: datetime) -> AddressStep:
    """Take one of the two yeses; with the second the reader has the new address.

    Raises as `use_grant`; an address that became another reader's changes nothing.
    """
    with transaction.atomic():
        grant = use_grant(token, purpose, now=now)
        assert grant.subscriber_id is not None  # noqa: S101 - both kinds are a reader's
        row = lock_reader(grant.subscriber_id)
        old, new = row.email, str(grant.payload.get("email", ""))
        if not _has_other(grant):
            return AddressStep(row.pk, old, new, done=False)
        if with_addresses([new]).exists() or is_suppressed(new):
            return AddressStep(row.pk, old, new, done=False, taken=True)
        try:
            with transaction.atomic():
                Subscriber.objects.filter(pk=row.pk).update(email=new)
        except IntegrityError:  # somebody subscribed with it this very moment
            return AddressStep(row.pk, old, new, done=False, taken=True)
        record_consent(
            row.pk, ConsentEvent.Kind.ADDRESS_CHANGED, "links mailed to both addresses",
            grant_id=grant.id,
        )  # fmt: skip
        # Neither address is kept beside the reader's row, and no older change can come true.
        mine = Grant.objects.filter(subscriber=row.pk, purpose__in=[OLD, NEW])
        mine.filter(expires_at__gt=now, used_at__isnull=True).update(expires_at=now)
        mine.update(payload={})
    return AddressStep(row.pk, old, new, done=True)


def _has_other(grant: GrantValue) -> bool:
    other = NEW if grant.purpose == OLD else OLD
    return Grant.objects.filter(
        subscriber=grant.subscriber_id,
        purpose=other,
        payload__change=grant.payload.get("change", ""),
        used_at__isnull=False,
    ).exists()
