"""Complaints: a reader called a letter spam. They are mailed no more, and the edition is judged.

Rows are locked in the order that planning, erasing and claiming keep: the reader, the edition, the
delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from newsletter.controls import judge_first, pause_sending
from newsletter.links import UNSUBSCRIBE, BadToken, read_token
from newsletter.mail.reports import Report, ReportError, Wish, parse_report
from newsletter.managing import leave_letters
from newsletter.models import Delivery, Edition, EditionTally
from subscribers.models import Subscriber
from subscribers.services import ReaderError, normalise_address, unsubscribe, with_addresses
from subscribers.suppressions import suppress_complainer

OUT = (Delivery.State.SENT, Delivery.State.IN_DOUBT)
HANDED = (*OUT, Delivery.State.SENDING)  # sent, though its worker may not have written that yet
SLACK = timedelta(minutes=10)  # a provider's clock; a reader's letters are further apart
GONE = "has left already, or was erased: nothing to do"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a complaint changed: nothing unless `new`; `paused` is why its edition was paused."""

    day: str
    new: bool
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a report, in words without an address; unless `settled`, look at it."""

    text: str
    settled: bool


@dataclass(frozen=True, slots=True)
class _Meant:
    """Whose letter a report is about; the letter is None where the ledger has none any more."""

    reader: int
    delivery: int | None


def record_complaint(delivery_id: int, at: datetime, source: str) -> Recorded | None:
    """Mail the letter's reader no more, and judge its edition; None for a letter that is gone.

    The address is suppressed and the reader unsubscribed; a letter of theirs that waits is
    cancelled when its turn comes, as for whoever leaves. A second complaint about the same letter
    changes nothing.
    """
    with transaction.atomic():
        delivery = Delivery.objects.filter(pk=delivery_id).select_related("edition")
        found = delivery.only("subscriber", "complained_at", "edition__date").first()
        if found is None:
            return None
        day = str(found.edition.date)
        if found.complained_at:
            return Recorded(day, new=False)
        reader = _lock_reader(found.subscriber_id)
        edition = Edition.objects.filter(pk=found.edition_id).values_list("pk")
        edition.select_for_update(no_key=True).get()  # complaints at once are counted together
        marked = Delivery.objects.filter(pk=delivery_id, complained_at__isnull=True)
        if reader is None or not marked.update(complained_at=at):
            return Recorded(day, new=False) if reader else None
        _mail_no_more(reader, at, source)
        return Recorded(day, new=True, paused=_judge_edition(found.edition_id))


def take_report(data: bytes, now: datetime, *, trust_address: bool = False) -> Intake:
    """Record what a provider's feedback report says; return what became of it, without an address.

    It is believed where it returns what only our letter had: a Message-ID of the ledger, or the
    signed link in List-Unsubscribe. With `trust_address` a recipient's address is enough.
    """
    try:
        report = parse_report(data)
    except ReportError as error:
        return Intake(f"not recorded: {error}", settled=False)
    if report.wish is Wish.NONE:
        return Intake(f"no complaint: its Feedback-Type is {report.kind}", settled=True)
    if report.wish is Wish.UNCLEAR:
        return Intake(
            f"not recorded: its Feedback-Type is {report.kind}, which does not say that the reader "
            "complained; look at it, and record it in the admin if they did",
            settled=False,
        )
    meant = _find_letter(report) or (_find_by_address(report) if trust_address else None)
    if meant is None:
        return Intake(f"not matched, nothing is changed: {_why_unknown(report)}", settled=False)
    source = f"a feedback report ({report.kind})"
    if report.wish is Wish.OPT_OUT:
        left = leave_letters(meant.reader, source, now)
        return Intake(f"reader {meant.reader} {'unsubscribed' if left else GONE}", settled=True)
    return Intake(_complain(meant, now, source), settled=True)


def _complain(meant: _Meant, now: datetime, source: str) -> str:
    recorded = record_complaint(meant.delivery, now, source) if meant.delivery else None
    if recorded is None:
        with transaction.atomic():
            reader = _lock_reader(meant.reader)
            if reader is None:
                return f"reader {meant.reader} {GONE}"
            _mail_no_more(reader, now, source)
        return f"reader {meant.reader} is mailed no more; the letter is not in the ledger any more"
    name = f"delivery {meant.delivery} of the edition of {recorded.day}"
    if not recorded.new:
        return f"{name}: recorded before, nothing is changed"
    paused = f"; that edition is paused: {recorded.paused}" if recorded.paused else ""
    return f"{name}: complaint recorded, its reader is mailed no more{paused}"


def _lock_reader(reader_id: int) -> Subscriber | None:
    return Subscriber.objects.select_for_update().filter(pk=reader_id).first()


def _mail_no_more(reader: Subscriber, at: datetime, source: str) -> None:
    suppress_complainer(reader.email)
    unsubscribe(reader.pk, f"complaint, {source}", at)


def _judge_edition(edition_id: int) -> str:
    """Pause an edition that still goes out if too many complained; return why, "" otherwise."""
    going = Edition.objects.filter(
        pk=edition_id, closed_at__isnull=True, cancelled_at__isnull=True, paused_at__isnull=True
    ).only("date", "cleared_at")
    if not going.exists():
        return ""
    judge_first(edition_id)
    edition = going.first()
    if edition is None:  # its first letters stopped it
        return str(Edition.objects.values_list("pause_reason", flat=True).get(pk=edition_id))
    why = _find_excess(edition)
    if why:
        pause_sending(why, edition.date)
    return why


def _find_excess(edition: Edition) -> str:
    """Return why the complaints pause an edition, "" where they do not.

    Once an operator let it go on, as many must come anew as pause it at first.
    """
    rows = Delivery.objects.filter(edition=edition.pk, complained_at__isnull=False)
    fresh = rows.filter(complained_at__gt=edition.cleared_at) if edition.cleared_at else rows
    if not settings.COMPLAINT_LIMIT or fresh.count() < settings.COMPLAINT_LEAST:
        return ""
    gone = EditionTally.objects.filter(edition=edition.pk)
    tallied = gone.aggregate(complained=Sum("complained", default=0))["complained"]
    complained = rows.count() + tallied
    # No more letters are counted than decide it: of an edition of a million that is few.
    enough = int(complained * 100 / settings.COMPLAINT_LIMIT) + 1
    out = Delivery.objects.filter(edition=edition.pk, state__in=OUT)[:enough].count()
    out += gone.filter(state__in=OUT).aggregate(n=Sum("deliveries", default=0))["n"]
    if complained * 100 < settings.COMPLAINT_LIMIT * out:
        return ""
    return (
        f"{complained} of {out} readers complained: "
        f"PAPER_ROUND_COMPLAINT_LIMIT={settings.COMPLAINT_LIMIT:g} percent"
    )


def _find_letter(report: Report) -> _Meant | None:
    """Return the letter meant by what only our letter had, None where the report has none of it.

    The signed link names the reader alone: then it is the last letter they had before.
    """
    letters = Delivery.objects.filter(message_id__in=report.message_ids, state__in=OUT)
    if found := letters.values_list("subscriber", "pk").first():
        return _Meant(*found)
    for token in report.tokens:
        try:
            return _last_letter(read_token(token, UNSUBSCRIBE).subscriber_id, report)
        except BadToken:
            continue
    return None


def _find_by_address(report: Report) -> _Meant | None:
    for text in report.recipients:
        try:
            reader = with_addresses([normalise_address(text)]).first()
        except ReaderError:
            continue
        if reader is not None:
            return _last_letter(reader.pk, report)
    return None


def _last_letter(reader_id: int, report: Report) -> _Meant:
    letters = Delivery.objects.filter(subscriber=reader_id, state__in=HANDED)
    if report.arrived:
        letters = letters.filter(planned_at__lte=report.arrived + SLACK)
    newest = letters.exclude(message_id="").order_by("-edition__date", "-pk")
    return _Meant(reader_id, newest.values_list("pk", flat=True).first())


def _why_unknown(report: Report) -> str:
    if report.message_ids or report.tokens:
        return (
            "its Message-ID and link are of no letter in the ledger, but of another mail (service "
            "mail is not in it), or of a reader erased since"
        )
    if report.recipients:
        return (
            "it names an address, and nothing that only our letter had. Anyone can forge that: "
            "look at it, then give it as a file with --trust-address"
        )
    return "it returns no Message-ID, and no List-Unsubscribe of ours"
