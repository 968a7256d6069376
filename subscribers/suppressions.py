"""Addresses not to be mailed, known by a keyed hash only, so that they outlive erasure."""

from __future__ import annotations

import contextlib
import hmac
from functools import lru_cache

from django.conf import settings
from django.db import transaction

from subscribers.fields import ReaderError, normalise_address
from subscribers.models import Suppression

LEFT = (Suppression.Reason.ERASED, Suppression.Reason.UNSUBSCRIBED)


def hash_address(email: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) under which an address is suppressed.

    The key is the last of LINK_KEY, the oldest, which stays when SECRET_KEY is changed or a newer
    key signs the links; the spelling of the address does not matter. Never raises: an address no
    reader could have still has its hash.
    """
    return _hash(settings.LINK_KEY.split()[-1], email)


@lru_cache(maxsize=1_000)  # a letter's address is asked about three times within a batch
def _hash(key: str, email: str) -> str:
    address = email.strip().lower()
    if not address.isascii():
        with contextlib.suppress(ReaderError):
            address = normalise_address(address)
    message = b"suppressed address\0" + address.encode("utf-8", "surrogateescape")
    return hmac.digest(key.encode(), message, "sha256").hex()


def is_suppressed(email: str) -> bool:
    """Return whether nothing may be mailed to `email`."""
    return Suppression.objects.filter(address_hash=hash_address(email)).exists()


def suppress_address(email: str, reason: str, note: str = "") -> bool:
    """Mail nothing more to `email`; True if it is new, False if it was suppressed (unchanged).

    `reason` is one of `Suppression.Reason`; its readers' rows are left to `unsubscribe`.
    """
    digest = hash_address(email)
    entry = Suppression(address_hash=digest, reason=Suppression.Reason(reason), note=note[:200])
    with transaction.atomic():
        if Suppression.objects.filter(address_hash=digest).exists():
            return False
        Suppression.objects.bulk_create([entry], ignore_conflicts=True)
    return True


def suppress_complainer(email: str) -> None:
    """Mail nothing more to who called a letter spam, not even a confirmation they ask for."""
    reason = Suppression.Reason.COMPLAINT
    if not suppress_address(email, reason):
        known = Suppression.objects.filter(address_hash=hash_address(email), reason__in=LEFT)
        known.update(reason=reason)


def is_refused(email: str) -> bool:
    """Return whether not even a confirmation may be mailed there.

    Who was erased, or left long ago, may ask to come back; who bounced, complained or blocked not.
    """
    found = Suppression.objects.filter(address_hash=hash_address(email))
    return found.exclude(reason__in=LEFT).exists()


def welcome_back(email: str) -> None:
    """Lift what erasure or leaving put on an address whose owner has confirmed it anew."""
    Suppression.objects.filter(address_hash=hash_address(email), reason__in=LEFT).delete()


def describe_suppression(reason: str) -> tuple[str, str]:
    """Return why a suppressed address is not added, and the mend."""
    label = Suppression.Reason(reason).label
    mend = "if the address works and wants letters, delete its suppression in the admin first"
    return f"suppressed ({label})", mend
