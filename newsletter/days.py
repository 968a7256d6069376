"""A whole day in one process, and the minute by minute version of it: no broker needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from newsletter.circuits import hasten_probes
from newsletter.controls import describe_pause, describe_paused_editions
from newsletter.deliveries import count_states, hasten_deliveries, mend_stranded
from newsletter.editions import (
    EditionError,
    close_editions,
    freeze_edition,
    list_due_days,
    match_edition,
    open_edition,
    site_date,
)
from newsletter.material import Material
from newsletter.models import Delivery, Edition, EditionTally
from newsletter.papers import DAYS_LATE, waiting_papers
from newsletter.planning import mend_schedules, plan_deliveries, plan_edition
from newsletter.recovery import recover
from newsletter.retention import DELIVERIES as DELIVERIES_KEPT
from newsletter.searchbook import start_indexing
from newsletter.sending import Outbox, deliver_batch
from newsletter.stopping import is_stopping
from newsletter.subscribing import send_service_mail
from newsletter.tallies import forget_tallies
from newsletter.volumes import is_indexing_due
from newsletter.wordbook import pack_edition
from subscribers.pausing import resume_due

Progress = Callable[[str], None]
NOTICES = 100  # service mails between two batches of letters
MOST_SETBACKS = 5  # batches in a row that the relay ended early: then it is the relay
LONGEST_NAP = 1.0  # seconds to wait for a throttle before looking again
SAID_EVERY = 1.0  # seconds between two lines of counts: a throttled relay's batches are of one
MOST_GLANCES = 8  # in a row, for letters that come within a second: more is a stopped clock


@dataclass(frozen=True, slots=True)
class DayReport:
    """What a day came to: papers of its edition, rows planned, and deliveries by what they became.

    `sent`, `empty`, `failed` and `deferred` count this run; `in_doubt` and `queued` are what stands
    in the ledger afterwards. `note` is "" or one line on what the operator should know.
    """

    date: str
    papers: int
    planned: int
    sent: int
    empty: int
    deferred: int
    failed: int
    cancelled: int
    in_doubt: int
    queued: int
    seconds: float
    note: str = ""
    relay_away: bool = False

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Drained:
    """What delivering came to: counts by state, and "" or why no more may be sent now.

    `is_cut`: time was up, or a stop was asked for; more may be due.
    """

    states: dict[str, int]
    why: str
    is_cut: bool = False


def run_day(
    day: date | None, now: datetime, *, everyone: bool = False, say: Progress = lambda _: None
) -> DayReport:
    """Do a day from its papers to the last letter; doing it again sends nothing twice.

    Without `day`, today: what is overdue is done first. With it, the edition of that day, its own
    papers only if it is past.
    """
    started = time.monotonic()
    recover()
    resume_due(now)
    target = day or site_date(now)
    if day is None:
        for due in [due for due in list_due_days(now) if due < target]:
            prepare_edition(due, now)
    waits = waiting_papers(target, _days_late(target, now)).exists()
    was_frozen = Edition.objects.filter(date=target, frozen_at__isnull=False).exists()
    papers, planned = 0, 0
    if was_frozen or waits or day is not None:
        open_edition(target, now)  # refuses a date too far ahead
    if was_frozen or waits:
        edition_id, papers = prepare_edition(target, now)
        say(f"{papers} papers in the edition of {target}")
        if day is not None or everyone:
            _refuse_counted(edition_id, target, now)
            planned += plan_edition(edition_id, now, everyone=everyone)
    if day is None:
        planned += plan_deliveries(now)
    say(f"{planned} letters planned")
    hasten_deliveries()
    hasten_probes()
    drained = drain_deliveries(say)
    close_editions(now)
    states = drained.states
    standing = count_states()
    return DayReport(
        date=str(target),
        papers=papers,
        planned=planned,
        sent=states.get("sent", 0),
        empty=states.get("empty", 0),
        deferred=states.get("deferred", 0),
        failed=states.get("failed", 0),
        cancelled=states.get("cancelled", 0),
        in_doubt=standing.get("in_doubt", 0),
        queued=standing.get("queued", 0),
        seconds=round(time.monotonic() - started, 2),
        note=_note(target, papers, waits and was_frozen, drained.why),
        relay_away=bool(drained.why),
    )


def _refuse_counted(edition_id: int, day: date, now: datetime) -> None:
    """Refuse to mail a day whose letters the ledger holds as counts only: who had one is gone."""
    if day >= site_date(now) - DELIVERIES_KEPT:
        return
    if EditionTally.objects.filter(edition=edition_id, deliveries__gt=0).exists():
        raise EditionError(
            f"the letters of {day} are older than {DELIVERIES_KEPT.days} days and kept as counts: "
            "who had one is not known any more, so mailing that day again could reach readers twice"
        )


def _days_late(day: date, now: datetime) -> int:
    """Return how late papers may be for the day's edition: a past day takes only its own."""
    return DAYS_LATE if day >= site_date(now) else 0


def _note(target: date, papers: int, waits: bool, why: str) -> str:
    if why:
        goes = "once manage.py resume is said" if describe_pause() else "with the next run"
        return f"no more is sent now: {why}; what is queued goes out {goes}"
    return "; ".join(
        filter(None, (describe_paused_editions(), _note_papers(target, papers, waits)))
    )


def _note_papers(target: date, papers: int, waits: bool) -> str:
    if waits:
        number = waiting_papers(target, DAYS_LATE).count()
        return (
            f"the edition of {target} was frozen before: {number} papers that came later join "
            f"the next one, labelled late (run_day --date {target + timedelta(days=1)} "
            "--everyone mails it now)"
        )
    if not papers:
        return f"no papers are listed for {target}: import some with --listed-on {target}"
    return ""


def prepare_edition(day: date, now: datetime) -> tuple[int, int]:
    """Open, freeze, match and pack the day's edition; return its id and how many papers it has."""
    edition_id = open_edition(day, now)
    frozen = freeze_edition(edition_id, now)
    match_edition(edition_id, now)
    pack_edition(edition_id)
    if is_indexing_due():
        start_indexing()
    return edition_id, frozen.papers


def advance_editions(now: datetime) -> list[int]:
    """Freeze and match every edition that is due; return their ids. One bad day stops no other."""
    done = []
    for day in list_due_days(now):
        try:
            done.append(prepare_edition(day, now)[0])
        except EditionError:
            continue
    unmatched = Edition.objects.filter(frozen_at__isnull=False, matched_at__isnull=True)
    for edition_id in unmatched.values_list("pk", flat=True):
        match_edition(edition_id, now)  # a process died between the two
    return done


def drain_deliveries(say: Progress = lambda _: None, seconds: float | None = None) -> Drained:
    """Deliver batch after batch until nothing is due, nothing may be sent, or time is up.

    Where a throttle holds the letters back, a relay's or a domain's, it waits for a next one that
    may go within a second. A stop that was asked for ends it after the letter in hand.
    """
    material = Material()
    states: dict[str, int] = {}
    setbacks, glances, said = 0, 0, 0.0
    ends = None if seconds is None else time.monotonic() + seconds
    with Outbox() as outbox:
        while not is_stopping() and (ends is None or time.monotonic() < ends):
            # Nobody waits for a confirmation behind a million letters.
            send_service_mail(timezone.now(), NOTICES)
            batch = deliver_batch(outbox, material, settings.BATCH, ends)
            for state, number in batch.states.items():
                states[state] = states.get(state, 0) + number
            if not batch.claimed:
                glances = 0 if batch.wait else glances + 1
                nap = 0.0 if batch.why or glances > MOST_GLANCES else find_nap(batch.wait)
                if not nap:
                    return Drained(states, batch.why)
                time.sleep(nap)
                continue
            glances = 0
            setbacks = setbacks + 1 if batch.relay else 0
            if setbacks == MOST_SETBACKS or outbox.failed >= {r.name for r in outbox.relays}:
                return Drained(states, batch.relay)
            if time.monotonic() >= said + SAID_EVERY:
                said = time.monotonic()
                say(", ".join(f"{number} {state}" for state, number in sorted(states.items())))
    return Drained(states, "", is_cut=True)


def run_minute(now: datetime) -> int:
    """Do what is due now short of sending letters; return how many were planned.

    Recover, freeze, match, plan, and send the service mail that waits. Readers whose pause is over
    read again first.
    """
    recover()
    mend_stranded()
    mend_schedules(now)
    resume_due(now)
    advance_editions(now)
    planned = plan_deliveries(now)
    close_editions(now)
    send_service_mail(now, NOTICES)
    forget_tallies()
    if is_indexing_due():
        start_indexing()
    return planned


def has_due_deliveries() -> bool:
    """Return whether a letter is due now, of an edition that nobody holds back."""
    return _waiting().filter(next_at__lte=Now()).exists()


def find_nap(wait: float) -> float:
    """Return for how many seconds to wait for the next letter, 0 where none comes so soon.

    `wait` is that of a relay's throttle which let none go; 0 says that no letter could be claimed.
    """
    if wait and has_due_deliveries():
        return min(wait, LONGEST_NAP)
    soon = Now() + timedelta(seconds=LONGEST_NAP)
    comes = _waiting().filter(next_at__gt=Now(), next_at__lte=soon).exists()
    return LONGEST_NAP / 4 if comes else 0.0


def _waiting() -> QuerySet[Delivery]:
    """Return the letters that wait, but for those of editions paused or cancelled.

    Counting these as due, a worker would ask for their delivery again and again.
    """
    held = Edition.objects.filter(closed_at__isnull=True).filter(
        Q(paused_at__isnull=False) | Q(cancelled_at__isnull=False)
    )
    waiting = Delivery.objects.filter(state__in=["queued", "deferred"])
    return waiting.exclude(edition__in=list(held.values_list("pk", flat=True)))
