"""How the letters go out right now: what the operator's terminal, the admin and monitors show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from newsletter.clock import last_tick
from newsletter.controls import describe_pause
from newsletter.editionprogress import (
    RATE_OVER,
    EditionProgress,
    find_finish,
    foresee,
    read_editions,
)
from newsletter.mail.relay import Relay, parse_relays
from newsletter.models import Circuit, Delivery, DomainReply, Tally
from newsletter.tallies import read_brake

DAY = timedelta(hours=24)
TROUBLED = 8  # domains
HELD_AFTER = timedelta(minutes=5)  # without a tick


@dataclass(frozen=True, slots=True)
class RelayProgress:
    """One relay: its circuit, the letters it took in the last minute, hour and day, its trouble.

    `limit` says what its throttles let go, "" where it has none. `failures` are those in a row;
    five open the circuit, and letters go on until then.
    """

    name: str
    state: str
    sent_minute: int
    sent_hour: int
    sent_day: int
    soft_hour: int
    refused_hour: int
    limit: str
    failures: int
    trouble: str
    probe_in: int


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """One recipient domain's counts and its last trouble."""

    domain: str
    sent: int
    soft: int
    refused: int
    trouble: str
    trouble_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """All of it at `now`. `rate` is letters a second over five minutes; `finish` when all that is
    due is out at that rate, None where nothing is due or nothing moves: `due_paused` of them are of
    paused editions. `held` says why nothing goes out or is planned, `paused` whether that is by
    somebody's word."""

    now: datetime
    held: str
    paused: bool
    rate: float
    due: int
    due_paused: int
    finish: datetime | None
    in_doubt: int
    workers: int
    editions: tuple[EditionProgress, ...]
    relays: tuple[RelayProgress, ...]
    domains: tuple[DomainProgress, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_progress(known: Sequence[EditionProgress] = ()) -> Progress:
    """Return how the letters go out now, in a fixed number of queries.

    The closed ones of the editions `known` are taken as they were: a week of them is millions of
    letters to count, which do not change.
    """
    now = timezone.now()
    editions = read_editions(now, {one.date: one for one in known if one.state == "closed"})
    rate = _read_rate(now)
    due = sum(edition.due for edition in editions)
    pause = describe_pause()
    held = _why_held(pause, due, now)
    sending = Delivery.objects.filter(state=Delivery.State.SENDING)
    doubtful = Delivery.objects.filter(state=Delivery.State.IN_DOUBT, parked_at__isnull=True)
    relays = _read_relays(now)
    due_paused = sum(edition.due for edition in editions if edition.state == "paused")
    moves = not held and any(relay.state != "open" for relay in relays)
    left = due - due_paused
    return Progress(
        now=now,
        held=held,
        paused=bool(pause),
        rate=round(rate, 4),
        due=due,
        due_paused=due_paused,
        finish=find_finish(now, left, rate) if moves else None,
        in_doubt=doubtful.count(),
        workers=sending.aggregate(n=Count("owner", distinct=True))["n"],
        editions=tuple(foresee(one, now) if moves else one for one in editions),
        relays=tuple(relays),
        domains=tuple(_read_domains()),
    )


def _why_held(pause: str, due: int, now: datetime) -> str:
    if pause:
        return f"sending is paused: {pause}"
    _, brake = read_brake()
    if due and brake:
        return brake
    tick = last_tick()
    if tick is not None and now - tick > HELD_AFTER:
        return (
            f"the minute last ran at {tick:%Y-%m-%d %H:%M} UTC: is beat, a worker or tick running?"
        )
    return ""


def _read_rate(now: datetime) -> float:
    """Return letters a second over the last five minutes, or since the first of them."""
    recent = Tally.objects.filter(minute__gt=now - RATE_OVER)
    found = recent.aggregate(sent=Sum("sent"), first=Min("minute"))
    if not found["sent"]:
        return 0.0
    seconds = max((now - found["first"]).total_seconds(), 1.0)
    return float(found["sent"] / seconds)


def _read_relays(now: datetime) -> list[RelayProgress]:
    circuits = {circuit.relay: circuit for circuit in Circuit.objects.all()}
    hour, minute = Q(minute__gt=now - timedelta(hours=1)), Q(minute__gt=now - timedelta(minutes=1))
    rows = Tally.objects.filter(minute__gt=now - DAY).values("relay").order_by()
    sums = {
        row["relay"]: row
        for row in rows.annotate(
            sent_minute=Sum("sent", filter=minute, default=0),
            sent_hour=Sum("sent", filter=hour, default=0),
            sent_day=Sum("sent", default=0),
            soft_hour=Sum("soft", filter=hour, default=0),
            refused_hour=Sum("refused", filter=hour, default=0),
        )
    }
    nothing: dict[str, Any] = dict.fromkeys(
        ("sent_minute", "sent_hour", "sent_day", "soft_hour", "refused_hour"), 0
    )
    found = []
    for relay in parse_relays(settings.EMAIL_URL, settings.EMAIL_TIMEOUT):
        name = relay.name
        circuit = circuits.get(name)
        away = circuit is not None and circuit.opened_at is not None
        counts = {**nothing, **sums.get(name, {})}
        counts.pop("relay", None)
        probe = circuit.probe_at if circuit and away else None
        found.append(
            RelayProgress(
                name=name,
                state=circuit.state if circuit else "closed",
                limit=_describe_limit(relay),
                failures=circuit.failures if circuit else 0,
                trouble=f"{circuit.code or ''} {circuit.detail}".strip()
                if circuit and (away or circuit.failures)
                else "",
                probe_in=max(0, round((probe - now).total_seconds())) if probe else 0,
                **counts,
            )
        )
    return found


def _describe_limit(relay: Relay) -> str:
    bounds = ((relay.pace, "a second"), (relay.hourly, "an hour"))
    some = ", ".join(f"{number} {span}" for number, span in bounds if number)
    return f"at most {some}" if some else ""


def _read_domains() -> list[DomainProgress]:
    rows = DomainReply.objects.filter(trouble_at__isnull=False).order_by("-trouble_at")[:TROUBLED]
    return [
        DomainProgress(
            row.domain,
            row.sent,
            row.soft,
            row.refused,
            f"{row.trouble_code or ''} {row.trouble}".strip(),
            row.trouble_at,
        )
        for row in rows
    ]
