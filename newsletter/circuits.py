"""Whether a relay takes mail: one circuit for each, shared by every worker through the database.

A relay that is away is asked by one letter of one worker, after 5 seconds, then 10, up to a minute;
no letter's attempts are used up by that. When it is back, batches of 1, 2, 4 … lead to full speed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from newsletter.mail.relay import Relay
from newsletter.models import Circuit, Tally

FAILURES_TO_OPEN = 5  # in a row
FIRST_PAUSE, LONGEST_PAUSE = 5, 60  # seconds between probes
FULL_SPEED = 64  # a batch of so many that went well closes the circuit
SOFT_LEAST = 20  # of so many letters in a minute, more than half refused for now opens it
STRANDED = timedelta(minutes=5)  # a probe later than that was set by a clock that was wrong


@dataclass(frozen=True, slots=True)
class Result:
    """How a batch fared with a relay.

    `answered` letters got a reply of their own, whatever it said; `stopped` says that the relay
    ended the batch although it takes other mail; `away` that it takes none, `refused_us` that it is
    us it refuses (authentication, policy), which no second try mends.
    """

    answered: int = 0
    soft: int = 0
    stopped: bool = False
    away: bool = False
    refused_us: bool = False
    code: int = 0
    detail: str = ""

    @property
    def is_good(self) -> bool:
        return not (self.soft or self.stopped or self.away)


@dataclass(frozen=True, slots=True)
class Choice:
    """The relay for a batch and how many letters it may be offered; or None, and why."""

    relay: Relay | None
    limit: int = 0
    why: str = ""
    is_clean: bool = True  # no circuit to mend: a good result need not be written


def apply_result(circuit: Circuit, result: Result, now: datetime, *, mostly_soft: bool) -> None:
    """Move `circuit` on by a batch's result. Saves nothing."""
    failed = result.away or (result.stopped and not result.answered)
    if failed:
        circuit.failures = min(circuit.failures + 1, 1000)
        circuit.code, circuit.detail = result.code, result.detail[:300]
    elif result.answered:
        circuit.failures = 0
    is_open = circuit.opened_at is not None
    broken = is_open or result.refused_us or circuit.failures >= FAILURES_TO_OPEN
    if mostly_soft or (failed and broken):
        circuit.pause = min(circuit.pause * 2, LONGEST_PAUSE) if is_open else FIRST_PAUSE
        circuit.opened_at = circuit.opened_at or now
        circuit.probe_at = now + timedelta(seconds=circuit.pause)
        circuit.ramp = 0
        circuit.code, circuit.detail = result.code, result.detail[:300]
    elif is_open and result.answered:
        circuit.ramp = max(circuit.ramp, 1) * 2
        circuit.pause = FIRST_PAUSE
        if circuit.ramp > FULL_SPEED:
            circuit.opened_at = circuit.probe_at = None
            circuit.ramp = circuit.pause = 0


def record_result(relay: str, result: Result) -> Circuit:
    """Write how a batch fared; return the relay's circuit after it."""
    now = timezone.now()
    with transaction.atomic():
        Circuit.objects.bulk_create([Circuit(relay=relay)], ignore_conflicts=True)
        circuit = Circuit.objects.select_for_update().get(pk=relay)
        mostly_soft = bool(result.soft) and _is_mostly_soft(relay)
        apply_result(circuit, result, now, mostly_soft=mostly_soft)
        circuit.save()
    return circuit


def choose_relay(relays: Sequence[Relay], limit: int, avoid: frozenset[str]) -> Choice:
    """Return a relay that takes mail, by weight; spares only where no other does.

    `avoid` names relays that failed just now: they come last.
    """
    circuits = {circuit.relay: circuit for circuit in Circuit.objects.all()}
    available = [
        relay for relay in relays if relay.name not in circuits or _flows(circuits[relay.name])
    ]
    order = sorted(
        available, key=lambda relay: (relay.name in avoid, not relay.weight, _draw(relay))
    )
    for relay in order:
        circuit = circuits.get(relay.name)
        if circuit is None or circuit.opened_at is None:
            clean = circuit is None or not circuit.failures
            return Choice(relay, limit, is_clean=clean)
        if circuit.ramp:
            return Choice(relay, min(limit, circuit.ramp), is_clean=False)
        if _take_probe(circuit):
            return Choice(relay, 1, is_clean=False)
    worst = next((circuits[r.name] for r in relays if r.name in circuits), None)
    return Choice(None, why=f"{worst.code or ''} {worst.detail}".strip() if worst else "no relay")


def first_open(relays: Sequence[Relay]) -> Relay:
    """Return the first relay that takes mail as far as is known; the first where none does.

    For single mails that go past the ledger: service mail, alerts, test letters.
    """
    away = set(Circuit.objects.filter(opened_at__isnull=False).values_list("relay", flat=True))
    return next((relay for relay in relays if relay.name not in away), relays[0])


def return_probe(relay: str) -> None:
    """Let the next letter probe at once: the one that was to do it never met the relay."""
    Circuit.objects.filter(pk=relay, opened_at__isnull=False, ramp=0).update(probe_at=Now())


def hasten_probes() -> int:
    """Let every relay that is away be tried at once, by the operator's word; return how many."""
    return Circuit.objects.filter(opened_at__isnull=False, ramp=0).update(probe_at=Now())


def _flows(circuit: Circuit) -> bool:
    """Return whether something may be offered now."""
    if circuit.opened_at is None or circuit.ramp or circuit.probe_at is None:
        return True
    now = timezone.now()
    return circuit.probe_at <= now or circuit.probe_at > now + STRANDED


def _draw(relay: Relay) -> float:
    """Return a random key by which relays sort into each its share of firsts, by weight."""
    return random.expovariate(max(relay.weight, 1))


def _take_probe(circuit: Circuit) -> bool:
    """Return whether this worker may probe: one of all gets it."""
    now = timezone.now()
    due = Q(probe_at__lte=now) | Q(probe_at__gt=now + STRANDED)
    mine = Circuit.objects.filter(due, pk=circuit.pk, opened_at__isnull=False, ramp=0)
    return bool(mine.update(probe_at=now + timedelta(seconds=circuit.pause or FIRST_PAUSE)))


def _is_mostly_soft(relay: str) -> bool:
    recent = Tally.objects.filter(relay=relay, minute__gte=timezone.now() - timedelta(minutes=1))
    sums = recent.aggregate(sent=Sum("sent"), soft=Sum("soft"), refused=Sum("refused"))
    soft, all_ = sums["soft"] or 0, sum(number or 0 for number in sums.values())
    return all_ >= SOFT_LEAST and soft * 2 > all_
