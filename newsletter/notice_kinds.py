"""What each kind of service mail carries: the links made as it is sent, and whom it may reach.

A kind is a line here and a folder templates/email/<kind>/ of subject.txt, body.txt and body.html.
The templates see `site`, each link by its name, `days` and `hours` (how long the first link lives)
and what the notice's payload has under "words".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from newsletter.models import Notice
from subscribers.models import Grant, Subscriber

Kind = Notice.Kind
Purpose = Grant.Purpose
Status = Subscriber.Status

CONFIRM_FOR = timedelta(days=7)
BLOCK_FOR = timedelta(days=60)  # longer than the signup it undoes is kept
ANYBODY = frozenset(Status)


@dataclass(frozen=True, slots=True)
class GrantLink:
    """A link whose token is a right: `name` in the templates, `path` before the token.

    One `of_address` outlives the reader's row: its grant knows the address by its hash alone.
    """

    name: str
    purpose: Purpose
    path: str
    valid_for: timedelta
    of_address: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """What a kind carries, which readers it is still for when it is sent, and if come what may."""

    links: tuple[GrantLink, ...] = ()
    statuses: frozenset[Status] = ANYBODY
    despite_suppression: bool = False
    even_who_left: bool = False  # erased or long unsubscribed: the owner may ask to come back
    finds_reader: bool = False  # by the address somebody typed; without one it is cancelled


BLOCK_LINK = GrantLink("block_url", Purpose.BLOCK, "/b/", BLOCK_FOR, of_address=True)

KINDS: Mapping[str, Spec] = {
    Kind.CONFIRM: Spec(
        (GrantLink("confirm_url", Purpose.CONFIRM, "/c/", CONFIRM_FOR), BLOCK_LINK),
        frozenset({Status.UNCONFIRMED, Status.UNSUBSCRIBED}),
        even_who_left=True,
    ),
    Kind.MANAGE_LINK: Spec(
        (GrantLink("manage_url", Purpose.MANAGE, "/manage/open/", timedelta(minutes=30)),),
        # Who left may still ask for what is kept of them, and for its erasure.
        frozenset({Status.CONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED}),
        finds_reader=True,
    ),
    Kind.ADDRESS_OLD: Spec(
        (GrantLink("address_url", Purpose.ADDRESS_OLD, "/address/old/", timedelta(hours=24)),)
    ),
    Kind.ADDRESS_NEW: Spec(
        (
            GrantLink("address_url", Purpose.ADDRESS_NEW, "/address/new/", timedelta(hours=24)),
            BLOCK_LINK,
        )
    ),
    Kind.ADDRESS_CHANGED: Spec(),
    # Not longer than what is kept of a reader who left.
    Kind.UNSUBSCRIBED: Spec(
        (GrantLink("undo_url", Purpose.UNDO, "/undo/", timedelta(days=14)),),
        frozenset({Status.UNSUBSCRIBED}),
    ),
    Kind.ERASED: Spec(despite_suppression=True),
}
