"""From the ledger to the relay: claim → commit → compose → send → record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from newsletter.deliveries import (
    RELAY_PAUSE,
    Claimed,
    Entry,
    claim_deliveries,
    judge_outcome,
    prepare_deliveries,
    record_outcomes,
    release_deliveries,
)
from newsletter.digests import Material, compose_batch
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.receipts import Receipts, make_owner
from newsletter.mail.transport import Transport, parse_relay
from newsletter.models import Delivery
from subscribers.models import Suppression
from subscribers.queries import is_wanted
from subscribers.services import suppress_address

LEASE_MARGIN = 30.0  # seconds before the lease's end in which nothing new is begun


@dataclass(slots=True)
class Batch:
    """What one batch came to.

    `relay` is "" or why the relay ended it early, `ready` whether it takes other mail all the same:
    one address can make a relay hang up, and must not keep the others waiting.
    """

    claimed: int = 0
    states: dict[str, int] = field(default_factory=dict)
    relay: str = ""
    ready: bool = True

    def count(self, state: str, number: int = 1) -> None:
        if number:
            self.states[state] = self.states.get(state, 0) + number


def receipts_directory() -> Path:
    return Path(settings.VAR_DIR) / "receipts"


def make_transport() -> Transport:
    """Return the connection to the relay of EMAIL_URL; the demo's leads to this machine."""
    relay = parse_relay(settings.EMAIL_URL, timeout=settings.EMAIL_TIMEOUT)
    return Transport(relay, loopback_only=settings.DEMO)


def deliver_batch(transport: Transport, material: Material, limit: int) -> Batch:
    """Claim up to `limit` due deliveries, compose and send them, record what became of each.

    The receipts file outlives this process: what was handed over is known message by message, so
    after a kill only the one between its final dot and its reply is in doubt.
    """
    batch = Batch()
    owner = make_owner()
    with Receipts(receipts_directory(), owner) as receipts:
        deadline = time.monotonic() + settings.LEASE.total_seconds() - LEASE_MARGIN
        claimed = claim_deliveries(owner, limit)
        batch.claimed = len(claimed)
        if claimed:
            _deliver_claimed(owner, claimed, transport, material, receipts, deadline, batch)
        receipts.close(remove=True)  # the ledger says it all; after an error recovery reads them
    return batch


def _deliver_claimed(
    owner: str,
    claimed: Sequence[Claimed],
    transport: Transport,
    material: Material,
    receipts: Receipts,
    deadline: float,
    batch: Batch,
) -> None:
    composed = compose_batch(claimed, material)
    _record(owner, composed.entries, batch)
    held = prepare_deliveries(owner, composed.letters)
    messages = [message for message in composed.messages if message.delivery_id in held]
    attempts = {item.id: item.attempts for item in claimed}
    readers = {item.id: item.subscriber_id for item in claimed}
    guard = Guard([(m.delivery_id, readers[m.delivery_id]) for m in messages], deadline)
    outcomes: list[Outcome] = []

    def note_outcome(outcome: Outcome) -> None:
        outcomes.append(outcome)  # first: were the disk full now, the ledger would still be told
        receipts.outcome(outcome)

    try:
        transport.send(
            messages,
            before=guard.may_send,
            handing=lambda message: receipts.handing(message.delivery_id),
            done=note_outcome,
        )
    finally:
        entries = [judge_outcome(o, attempts[o.delivery_id]) for o in outcomes]
        entries += [
            Entry(key, Delivery.State.CANCELLED, detail="unsubscribed meanwhile")
            for key in sorted(guard.cancelled)
        ]
        suppress_refused(outcomes, {m.delivery_id: m.recipient for m in messages})
        _record(owner, entries, batch)
        settled = {entry.delivery_id for entry in entries}
        rest = [m.delivery_id for m in messages if m.delivery_id not in settled]
        stopped = [o for o in outcomes if o.verdict in (Verdict.RELAY, Verdict.OURS)]
        if stopped:
            batch.relay = f"{stopped[-1].code or ''} {stopped[-1].detail}".strip()
            batch.ready = transport.check() is None
        pause = RELAY_PAUSE if batch.relay and not batch.ready else timedelta(0)
        batch.count(Delivery.State.QUEUED, release_deliveries(owner, rest, pause))


def _record(owner: str, entries: Sequence[Entry], batch: Batch) -> None:
    written = record_outcomes(owner, entries)
    for entry in entries:
        if entry.delivery_id in written:
            batch.count(entry.state)


def suppress_refused(outcomes: Sequence[Outcome], addresses: Mapping[int, str]) -> None:
    """Suppress the addresses that the relay refused for good: one strike (RFC 5321 5yz at RCPT)."""
    for outcome in outcomes:
        if outcome.verdict is Verdict.HARD:
            reason = Suppression.Reason.HARD_BOUNCE
            note = f"{outcome.code} {outcome.detail}"[:200]
            suppress_address(addresses[outcome.delivery_id], reason, note)


class Guard:
    """Asked before every SMTP transaction: is the lease still ours, the letter still wanted?"""

    def __init__(self, deliveries: Sequence[tuple[int, int]], deadline: float) -> None:
        self._readers = dict(deliveries)
        self._deadline = deadline
        self.cancelled: set[int] = set()

    def may_send(self, message: Message) -> bool:
        """Return False once the lease nears its end, or for a reader who left since the claim."""
        if time.monotonic() >= self._deadline:
            return False
        if is_wanted(self._readers[message.delivery_id], message.recipient):
            return True
        self.cancelled.add(message.delivery_id)
        return False
