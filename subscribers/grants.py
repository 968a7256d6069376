"""Single-use rights: a token goes out in one mail, only its hash is kept, and it works once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from subscribers.models import Grant

# Letters and digits alone: mail programs end a link before a last "-" or "_" of running text.
ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 28  # of 57 letters: 163 bits
_TOKEN = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


class GrantError(ValueError):
    """A token that gives no right; the text is fit to be shown."""


class GrantUnknown(GrantError):  # noqa: N818
    """No such token was made for this purpose: damaged, guessed, or of something else."""


class GrantExpired(GrantError):  # noqa: N818
    """The token was good and its time is over; `grant` says whose it was."""

    def __init__(self, grant: GrantValue) -> None:
        super().__init__("this link is too old")
        self.grant = grant


class GrantUsed(GrantError):  # noqa: N818
    """The token was used before; `grant` says whose it was."""

    def __init__(self, grant: GrantValue) -> None:
        super().__init__("this link was used before")
        self.grant = grant


@dataclass(frozen=True, slots=True)
class GrantValue:
    """A right as it stands: whose (None for an address without a reader), and about what."""

    id: int
    subscriber_id: int | None
    purpose: str
    payload: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def issue_grant(
    subscriber_id: int | None,
    purpose: str,
    valid_for: timedelta,
    payload: Mapping[str, Any] | None = None,
    *,
    now: datetime,
) -> str:
    """Return a new token that gives its holder the right `purpose` once, for so long.

    The token is in no table: whoever loses it needs a new one. `ValueError` for an unknown purpose.
    """
    token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    Grant.objects.create(
        subscriber_id=subscriber_id,
        purpose=Grant.Purpose(purpose),
        token_hash=hash_token(token, purpose),
        payload=dict(payload or {}),
        created_at=now,
        expires_at=now + valid_for,
    )
    return token


def peek_grant(token: str, purpose: str, *, now: datetime) -> GrantValue:
    """Return what `token` gives the right to, and change nothing.

    Raises `GrantUnknown`, `GrantUsed` or `GrantExpired`, the last two with the grant.
    """
    return _judge(_read(token, purpose), now)


def use_grant(token: str, purpose: str, *, now: datetime) -> GrantValue:
    """Use the right up and return it: of two who try at once, one gets it.

    Raises as `peek_grant`. Call it in the transaction of what the right is for, so that an error
    there gives it back.
    """
    found = _judge(_read(token, purpose), now)
    unused = Grant.objects.filter(pk=found.id, used_at__isnull=True, expires_at__gt=now)
    if not unused.update(used_at=now):
        _judge(_read(token, purpose), now)
        raise GrantUsed(found)
    return found


def revoke_grants(subscriber_id: int, *purposes: str, now: datetime) -> int:
    """End the reader's unused rights of these purposes (of all, without one); return how many."""
    rows = Grant.objects.filter(
        subscriber_id=subscriber_id, used_at__isnull=True, expires_at__gt=now
    )
    if purposes:
        rows = rows.filter(purpose__in=purposes)
    return rows.update(expires_at=now)


def forget_grants(before: datetime) -> int:
    """Delete the rights that ended before `before`; return how many."""
    return Grant.objects.filter(expires_at__lt=before).delete()[0]


def hash_token(token: str, purpose: str) -> str:
    """Return what is kept of a token: it cannot be undone, nor serve another purpose."""
    return hashlib.sha256(f"{purpose}\0{token}".encode("utf-8", "surrogatepass")).hexdigest()


def _read(token: str, purpose: str) -> GrantValue:
    row = None
    if _TOKEN.fullmatch(token):
        row = Grant.objects.filter(token_hash=hash_token(token, purpose), purpose=purpose).first()
    if row is None:
        raise GrantUnknown("this link is not whole, or was made for something else")
    return GrantValue(
        row.pk,
        row.subscriber_id,
        row.purpose,
        row.payload,
        row.created_at,
        row.expires_at,
        row.used_at,
    )


def _judge(grant: GrantValue, now: datetime) -> GrantValue:
    if grant.used_at is not None:
        raise GrantUsed(grant)
    if grant.expires_at <= now:
        raise GrantExpired(grant)
    return grant
