"""May anything be sent now, how much of it, and through which relay? Asked before every claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from newsletter.beacon import find_restored
from newsletter.circuits import choose_relay
from newsletter.controls import Gate, describe_pause, open_gate, pause_sending
from newsletter.mail.relay import Relay
from newsletter.tallies import count_below_brake, describe_brake
from newsletter.throttle import give_back, relay_limits, take_together


@dataclass(frozen=True, slots=True)
class Admission:
    """Up to `limit` letters may go to `relay`, within `gate`; or none, and `why`.

    `wait` is in how many seconds a throttle lets the next one go. `is_clean`: the relay's circuit
    is closed and without failures.
    """

    relay: Relay | None
    limit: int
    gate: Gate
    why: str = ""
    wait: float = 0.0
    is_clean: bool = True


def admit(relays: Sequence[Relay], limit: int, avoid: frozenset[str]) -> Admission:
    """Return what may be sent now of up to `limit` letters; relays in `avoid` come last."""
    nothing = Gate(())
    if why := describe_pause():
        return Admission(None, 0, nothing, f"sending is paused: {why}")
    if settings.DAILY_LIMIT:
        limit = min(limit, count_below_brake())
        if limit <= 0:
            return Admission(None, 0, nothing, describe_brake())
    choice = choose_relay(relays, limit, avoid)
    if choice.relay is None:
        return Admission(None, 0, nothing, choice.why or "the relay is away")
    granted = take_together(relay_limits(choice.relay), choice.limit)
    if not granted.letters:
        return Admission(None, 0, nothing, wait=granted.wait)
    return Admission(
        choice.relay, granted.letters, open_gate(), wait=granted.wait, is_clean=choice.is_clean
    )


def return_unused(admission: Admission, used: int) -> None:
    """Give back what a throttle granted and the batch did not need."""
    if admission.relay is not None:
        unused = admission.limit - used
        limits = relay_limits(admission.relay)
        give_back({key: (limit, unused) for key, limit in limits.items()})


def stop_if_restored() -> str:
    """Pause the sending where the database is older than what went out; return why, or ""."""
    why = find_restored()
    if why:
        pause_sending(why)
    return why
