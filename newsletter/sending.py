"""From the ledger to the relay: admit → claim → commit → compose → send → record."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from newsletter.admission import Admission, admit, return_unused, stop_if_restored
from newsletter.beacon import write_beacon
from newsletter.circuits import Result, first_open, record_result, return_probe
from newsletter.composing import FAR, Composing
from newsletter.deliveries import (
    Claimed,
    Entry,
    claim_deliveries,
    claim_first_deliveries,
    judge_outcome,
    record_outcomes,
    release_deliveries,
)
from newsletter.guard import Guard, Withdrawn, domain_of
from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.receipts import Receipts, Revoked, make_owner
from newsletter.mail.relay import Relay, parse_relays
from newsletter.mail.transport import Transport
from newsletter.material import Material
from newsletter.models import Delivery, Edition
from newsletter.tallies import record_tallies
from subscribers.models import Suppression
from subscribers.services import suppress_address

logger = logging.getLogger(__name__)
SEND_LEAST = 10.0  # seconds
QUEUED = Delivery.State.QUEUED
STOPS = (Verdict.RELAY, Verdict.OURS)


@dataclass(slots=True)
class Batch:
    """What one batch came to.

    `relay` is "" or why the relay ended it early, `ready` whether it takes other mail all the same:
    one address can make a relay hang up, and must not keep the others waiting. `why` says why
    nothing was claimed, `wait` in how many seconds the throttle that let none go lets the next.
    """

    claimed: int = 0
    states: dict[str, int] = field(default_factory=dict)
    relay: str = ""
    ready: bool = True
    why: str = ""
    wait: float = 0.0

    def count(self, state: str, number: int = 1) -> None:
        if number:
            self.states[state] = self.states.get(state, 0) + number


class Outbox:
    """The relays of EMAIL_URL with a kept connection to each that was used; a context manager."""

    def __init__(self) -> None:
        self.relays = parse_relays(settings.EMAIL_URL, settings.EMAIL_TIMEOUT)
        self.failed: set[str] = set()  # relays that were away just now
        self._transports: dict[str, Transport] = {}
        stop_if_restored()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        for transport in self._transports.values():
            transport.close()

    def reach(self, relay: Relay) -> Transport:
        """Return the transport to `relay`, kept from batch to batch."""
        if relay.name not in self._transports:
            self._transports[relay.name] = _open_transport(relay)
        return self._transports[relay.name]


def receipts_directory() -> Path:
    return Path(settings.VAR_DIR) / "receipts"


def make_transport() -> Transport:
    """Return a connection to the first relay of EMAIL_URL that takes mail, for single mails."""
    return _open_transport(first_open(parse_relays(settings.EMAIL_URL, settings.EMAIL_TIMEOUT)))


def _open_transport(relay: Relay) -> Transport:
    return Transport(relay, loopback_only=settings.DEMO)


def lease_margin() -> float:
    """Return the seconds before a lease's end in which no new letter is begun."""
    lease: float = settings.LEASE.total_seconds()
    return min(lease / 2, max(30.0, settings.EMAIL_TIMEOUT + 10))


def deliver_batch(
    outbox: Outbox, material: Material, limit: int, ends: float | None = None
) -> Batch:
    """Claim up to `limit` due deliveries, compose and send them, record what became of each.

    After `ends` (of time.monotonic) no letter is begun, but for ten seconds of those composed: on a
    slow machine composing alone may take that long. The receipts file outlives this process:
    what was handed over is known message by message, so after a kill only the one between its final
    dot and its reply is in doubt. It is opened first: on a full disk nothing is claimed.
    """
    owner = make_owner()
    batch = Batch()
    with Receipts(receipts_directory(), owner) as receipts:
        admission = admit(outbox.relays, limit, frozenset(outbox.failed))
        batch.why = admission.why
        if admission.relay is None:
            batch.wait = admission.wait
        else:
            claimed = _claim(owner, admission)
            return_unused(admission, len(claimed))
            batch.claimed = len(claimed)
            if not claimed and not admission.is_clean:
                return_probe(admission.relay.name)
            if claimed:
                clean = admission.is_clean
                work = _Work(owner, admission.relay, outbox, material, receipts, batch, clean, ends)
                with _innocent(receipts):
                    work.deliver(claimed)
        receipts.close(remove=True)  # the ledger says it all; after an error recovery reads them
    return batch


@contextmanager
def _innocent(receipts: Receipts) -> Iterator[None]:
    """Clear the letter in hand of what it did not do: the database or the disk went away.

    Out of memory may well be its doing: then the receipts go on naming it.
    """
    try:
        yield
    except MemoryError:
        raise
    except BaseException:
        with suppress(OSError):
            receipts.begin(0)
        raise


def _claim(owner: str, admission: Admission) -> list[Claimed]:
    gate, limit = admission.gate, admission.limit
    if gate.first is not None:
        first = claim_first_deliveries(owner, limit, gate.first, gate.size)
        if first:
            return first
    return claim_deliveries(owner, limit, gate.blocked)


@dataclass(slots=True)
class _Work:
    """One claimed batch on its way to one relay."""

    owner: str
    relay: Relay
    outbox: Outbox
    material: Material
    receipts: Receipts
    batch: Batch
    is_clean: bool = True
    ends: float | None = None

    def deliver(self, claimed: Sequence[Claimed]) -> None:
        transport = self.outbox.reach(self.relay)
        is_far = transport.reply_seconds >= FAR
        composing = Composing(
            self.owner, claimed, self.material, self.receipts, self._record, is_far=is_far
        )
        deadline = composing.leased + settings.LEASE.total_seconds() - lease_margin()
        if self.ends is not None:
            deadline = min(deadline, max(self.ends, composing.leased + SEND_LEAST))
        guard = Guard(self.owner, self.receipts, deadline)
        try:
            transport.send(
                composing,
                before=guard.may_begin,
                permit=guard.may_hand_over,
                handing=guard.hand_over,
                done=guard.note_outcome,
                soon=guard.expect,
                begin=guard.begin,
            )
        except (Revoked, Withdrawn) as error:
            logger.warning("batch ended: %s: claimed=%d", type(error).__name__, len(claimed))
        finally:
            self._conclude(claimed, composing.recipients, guard)

    def _conclude(
        self, claimed: Sequence[Claimed], recipients: Mapping[int, str], guard: Guard
    ) -> None:
        """Write what became of the letters, and what it says of the relay."""
        outcomes = guard.outcomes
        stopped = next((o for o in reversed(outcomes) if o.verdict in STOPS), None)
        if stopped:
            self.batch.relay = f"{stopped.code or ''} {stopped.detail}".strip()
            self.batch.ready = self.outbox.reach(self.relay).check() is None
        items = {item.id: item for item in claimed}
        entries = [
            judge_outcome(
                outcome,
                items[outcome.delivery_id].attempts,
                items[outcome.delivery_id].setbacks,
                away=not self.batch.ready,
            )
            for outcome in outcomes
        ]
        entries += [
            Entry(key, Delivery.State.CANCELLED, detail=reason)
            for key, reason in sorted(guard.cancelled.items())
        ]
        suppress_refused(outcomes, recipients)
        self._record(entries)
        settled = {entry.delivery_id for entry in entries}
        # Of all that was claimed: where the lease ended while composing, none was offered.
        rest = [item.id for item in claimed if item.id not in settled]
        self.batch.count(Delivery.State.QUEUED, release_deliveries(self.owner, rest))
        self._tell(claimed, recipients, guard)

    def _tell(self, claimed: Sequence[Claimed], addresses: Mapping[int, str], guard: Guard) -> None:
        """Count the outcomes, move the relay's circuit, note the beacon, log the batch."""
        outcomes = guard.outcomes
        domains = [(o, domain_of(addresses[o.delivery_id])) for o in outcomes]
        at = record_tallies(self.relay.name, domains)
        result = summarise(outcomes, away=not self.batch.ready, hangs=guard.hangs)
        if not self.is_clean and not outcomes:
            return_probe(self.relay.name)  # its letter was cancelled, or empty
        elif not (self.is_clean and result.is_good):
            record_result(self.relay.name, result)
        if not self.batch.ready:
            self.outbox.failed.add(self.relay.name)
        editions = Counter(item.edition_id for item in claimed)
        dates = {
            key: self.material.editions[key].date
            for key in editions
            if key in self.material.editions
        }
        unread = editions.keys() - dates.keys()  # of these nobody wanted a letter any more
        if unread:
            dates |= dict(Edition.objects.filter(pk__in=unread).values_list("pk", "date"))
        if at and dates and any(o.verdict is Verdict.SENT for o in outcomes):
            write_beacon(at, max(dates.values()))
        logger.info(
            "batch: relay=%s claimed=%d reply=%.0fms editions=%s %s",
            self.relay.name,
            len(claimed),
            self.outbox.reach(self.relay).reply_seconds * 1000,
            ",".join(f"{dates.get(key, key)}:{number}" for key, number in editions.items()),
            " ".join(f"{state}={number}" for state, number in sorted(self.batch.states.items())),
        )

    def _record(self, entries: Sequence[Entry]) -> None:
        written = record_outcomes(self.owner, entries)
        for entry in entries:
            if entry.delivery_id in written:
                self.batch.count(entry.state)


def summarise(outcomes: Sequence[Outcome], *, away: bool, hangs: bool) -> Result:
    """Return what a batch's outcomes say of its relay."""
    stopped = next((o for o in reversed(outcomes) if o.verdict in STOPS), None)
    last = stopped or (outcomes[-1] if outcomes else None)
    answered = [o for o in outcomes if o.code and o.verdict not in STOPS]
    return Result(
        answered=0 if hangs else len(answered),
        soft=sum(o.verdict is Verdict.SOFT for o in outcomes),
        stopped=stopped is not None or hangs,
        away=away,
        refused_us=away and stopped is not None and stopped.verdict is Verdict.OURS,
        code=last.code if last else 0,
        detail=last.detail if last else "",
    )


def suppress_refused(outcomes: Sequence[Outcome], addresses: Mapping[int, str]) -> None:
    """Suppress the addresses that the relay refused for good: one strike (RFC 5321 5yz at RCPT)."""
    for outcome in outcomes:
        if outcome.verdict is Verdict.HARD:
            reason = Suppression.Reason.HARD_BOUNCE
            note = f"{outcome.code} {outcome.detail}"[:200]
            suppress_address(addresses[outcome.delivery_id], reason, note)
