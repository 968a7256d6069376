"""Signing up, past the form: what mail its address gets, and today's letter at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from newsletter.editions import latest_matched_edition
from newsletter.mail.transport import Transport
from newsletter.models import Delivery, Notice
from newsletter.notices import NoticeRun, has_due_notices, queue_notice, send_notices
from newsletter.planning import plan_reader
from newsletter.previews import preview_letter
from subscribers import signups
from subscribers.models import Signup, Subscriber


class Today(StrEnum):
    """What becomes of a letter asked for at once."""

    COMING = "coming"
    HAD = "had"  # a letter of theirs covered that edition before
    NONE_MATCHED = "none matched"
    NO_EDITION = "no edition"
    NOT_A_READER = "not a reader"


@dataclass(frozen=True, slots=True)
class TodaysLetter:
    """What became of it, and how many papers it carries where it is coming."""

    state: Today
    papers: int = 0


def send_service_mail(now: datetime, limit: int, transport: Transport | None = None) -> NoticeRun:
    """Answer the forms that came in, then send the service mail that is due."""
    signups.answer_signups(limit, lambda row: queue_answer(row, now))
    return send_notices(now, limit, transport)


def has_service_mail() -> bool:
    """Return whether forms wait to be answered, or service mail to be sent."""
    return signups.has_signups() or has_due_notices()


def queue_answer(row: Signup, now: datetime) -> int | None:
    """Queue the mail a form's address is to get, if any; return the notice's id."""
    answer = signups.answer_signup(row, now)
    if answer is None:
        return None
    if answer.is_reader:
        kind = Notice.Kind.MANAGE_LINK
        return queue_notice(kind, answer.subscriber_id, now=now, language=answer.language)
    return queue_notice(
        Notice.Kind.CONFIRM,
        answer.subscriber_id,
        now=now,
        language=answer.language,
        payload={"grant": answer.grant},
    )


def send_todays_letter(subscriber_id: int, now: datetime) -> TodaysLetter:
    """Plan the reader's letter of the newest edition ahead of all others, through the ledger.

    Nobody gets an edition twice: one that a letter of theirs covered is not planned again, and the
    letter of their usual hour covers what came since.
    """
    edition = latest_matched_edition()
    if edition is None:
        return TodaysLetter(Today.NO_EDITION)
    mine = Delivery.objects.filter(
        subscriber=subscriber_id, covers_from__lte=edition.date, edition__date__gte=edition.date
    )
    if mine.exists():
        return TodaysLetter(Today.HAD)
    confirmed = Subscriber.Status.CONFIRMED
    if not Subscriber.objects.filter(pk=subscriber_id, status=confirmed).exists():
        return TodaysLetter(Today.NOT_A_READER)
    papers = preview_letter(edition.pk, subscriber_id).papers
    if not papers:
        return TodaysLetter(Today.NONE_MATCHED)
    planned = plan_reader(edition.pk, subscriber_id, now)
    return TodaysLetter(Today.COMING, papers) if planned else TodaysLetter(Today.HAD)
