"""Service mails: queued in a table, sent ahead of the letters, tried again, then forgotten.

A notice is handed to the relay at least once where a process dies after the final dot: always under
the same Message-ID. Its tokens are made as it is sent, so the tables never hold a usable one.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import connection

from newsletter import links
from newsletter.mail.compose import bare_address, compose_notice
from newsletter.mail.letter import NoticeEnvelope
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.notice import render_notice
from newsletter.mail.receipts import make_owner
from newsletter.mail.replies import retry_delay
from newsletter.mail.transport import Transport
from newsletter.models import Notice
from newsletter.notice_kinds import KINDS, GrantLink, Spec
from newsletter.sending import make_transport
from newsletter.site import make_site
from subscribers.grants import issue_grant
from subscribers.models import Subscriber
from subscribers.services import with_addresses
from subscribers.suppressions import hash_address, is_refused, is_suppressed

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
LEASE_MARGIN = 60.0  # seconds before the lease's end in which nothing new is begun
RELAY_PAUSE = timedelta(minutes=1)
DOUBT_PAUSE = timedelta(minutes=10)
POISON = 8  # claims after which a notice whose worker keeps dying is given up
IN_DOUBT = "in doubt: "

CLAIM = """
UPDATE newsletter_notice SET state = 'sending', owner = %s, lease_until = now() + %s,
  attempts = attempts + 1
WHERE id IN (
  SELECT id FROM newsletter_notice WHERE state = 'queued' AND next_at <= now()
  ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
RELEASE_OVERDUE = """
UPDATE newsletter_notice SET state = 'queued', owner = '', lease_until = NULL, next_at = now()
WHERE state = 'sending' AND lease_until < now()
"""
RECORD = """
UPDATE newsletter_notice SET
  state = %(state)s, code = NULLIF(%(code)s, 0), detail = %(detail)s, owner = '',
  lease_until = NULL, attempts = attempts - %(unburnt)s,
  next_at = COALESCE(now() + %(delay)s::interval, next_at),
  finished_at = CASE WHEN %(over)s THEN now() END,
  address = CASE WHEN %(over)s THEN '' ELSE address END,
  payload = CASE WHEN %(over)s THEN '{}'::jsonb ELSE payload END
WHERE id = %(id)s AND owner = %(owner)s AND state = 'sending'
"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the table says of a notice next; `delay` is when it may be claimed again."""

    state: str
    code: int = 0
    detail: str = ""
    delay: timedelta | None = None
    burns_attempt: bool = True


@dataclass(slots=True)
class NoticeRun:
    """What a run came to: notices by what they became, and "" or why the relay ended it."""

    states: dict[str, int] = field(default_factory=dict)
    relay: str = ""


def queue_notice(
    kind: str,
    subscriber_id: int | None,
    *,
    now: datetime,
    address: str = "",
    language: str = "",
    payload: Mapping[str, Any] | None = None,
) -> int:
    """Write down that a service mail is to go out and return its id; the caller's edge enqueues.

    It goes to `address`, else to the reader's own as it is when sent. The rights in its links get
    payload["grant"]; the templates see payload["words"]. Without a reader, an address is needed.
    """
    if subscriber_id is None and not address:
        raise ValueError(f"a {kind} notice without a reader needs an address")
    if not language:
        known = Subscriber.objects.filter(pk=subscriber_id or 0).values_list("language", flat=True)
        language = known.first() or settings.LANGUAGE_CODE
    row = Notice.objects.create(
        kind=Notice.Kind(kind),
        subscriber_id=subscriber_id,
        address=address,
        language=language,
        payload=dict(payload or {}),
        next_at=TransactionNow(),
        created_at=now,
    )
    return row.pk


def cancel_notices(subscriber_id: int, *kinds: str, now: datetime) -> int:
    """Cancel the reader's notices that wait, of these kinds or of all; return how many."""
    rows = Notice.objects.filter(subscriber_id=subscriber_id, state=Notice.State.QUEUED)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return rows.update(
        state=Notice.State.CANCELLED, finished_at=now, address="", payload={}, detail="cancelled"
    )


def has_due_notices() -> bool:
    """Return whether a service mail waits to be sent now."""
    return Notice.objects.filter(state=Notice.State.QUEUED, next_at__lte=TransactionNow()).exists()


def forget_notices(before: datetime) -> int:
    """Delete the notices that were finished before `before`; return how many."""
    return Notice.objects.filter(finished_at__lt=before).delete()[0]


def send_notices(now: datetime, limit: int, transport: Transport | None = None) -> NoticeRun:
    """Send up to `limit` notices that are due and record what became of each.

    Without `transport` a connection of its own is made, and only if something is due.
    """
    run = NoticeRun()
    release_overdue()
    owner = make_owner()
    deadline = time.monotonic() + LEASE.total_seconds() - LEASE_MARGIN
    claimed = _claim(owner, limit)
    messages = [m for m in (_prepare(owner, row, now, run) for row in claimed) if m is not None]
    if not messages:
        return run
    rows = {row.pk: row for row in claimed}
    outcomes: dict[int, Outcome] = {}
    with nullcontext(transport) if transport else make_transport() as relay:
        try:
            relay.send(
                messages,
                before=lambda message: time.monotonic() < deadline,
                handing=lambda message: None,
                done=lambda outcome: outcomes.__setitem__(outcome.delivery_id, outcome),
            )
        finally:
            for message in messages:
                outcome = outcomes.get(message.delivery_id)
                ruling = _judge(rows[message.delivery_id], outcome)
                _record(owner, message.delivery_id, ruling, run)
                if outcome and outcome.verdict in (Verdict.RELAY, Verdict.OURS):
                    run.relay = f"{outcome.code or ''} {outcome.detail}".strip()
    return run


def release_overdue() -> int:
    """Give back what dead workers held beyond their lease; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_OVERDUE)
        return int(cursor.rowcount)


def _claim(owner: str, limit: int) -> Sequence[Notice]:
    with connection.cursor() as cursor:
        values: list[Any] = [owner, LEASE, limit]
        cursor.execute(CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    rows = Notice.objects.filter(pk__in=ids).select_related("subscriber")
    return list(rows.order_by("next_at", "pk"))


def _prepare(owner: str, row: Notice, now: datetime, run: NoticeRun) -> Message | None:
    """Return the notice as a message; None where it is not to be sent, which is recorded."""
    spec = KINDS[row.kind]
    if spec.finds_reader and row.subscriber is None:
        row.subscriber = with_addresses([row.address]).first()
        row.language = row.subscriber.language if row.subscriber else row.language
    if reason := _why_not(row, spec):
        _record(owner, row.pk, Ruling(Notice.State.CANCELLED, detail=reason), run)
        return None
    if row.attempts > POISON:
        detail = f"given up after {POISON} tries that ended without a word"
        _record(owner, row.pk, Ruling(Notice.State.FAILED, detail=detail), run)
        return None
    try:
        return _compose(row, spec, now)
    except Exception as error:  # one poison notice never stops the others
        detail = f"could not be composed: {type(error).__name__}: {error}"
        _record(owner, row.pk, Ruling(Notice.State.FAILED, detail=detail), run)
        logger.exception("notice %s could not be composed", row.pk)
        return None


def _why_not(row: Notice, spec: Spec) -> str:
    reader = row.subscriber
    if reader is None and spec.finds_reader:
        return "no reader has this address"
    if reader is not None and reader.status not in spec.statuses:
        return f"the reader is {reader.status} by now"
    is_barred = is_refused if spec.even_who_left else is_suppressed
    if not spec.despite_suppression and is_barred(_recipient(row)):
        return "suppressed"
    return ""


def _compose(row: Notice, spec: Spec, now: datetime) -> Message:
    recipient = _recipient(row)
    first = spec.links[0].valid_for if spec.links else timedelta(0)
    context: dict[str, object] = {
        **row.payload.get("words", {}),
        "site": make_site(),
        "days": first.days,
        "hours": round(first.total_seconds() / 3600),
        "minutes": round(first.total_seconds() / 60),
        **{link.name: _make_link(link, row, recipient, now) for link in spec.links},
    }
    rendered = render_notice(row.kind, context, row.language)
    sender = settings.SERVICE_FROM_EMAIL or settings.FROM_EMAIL
    domain = bare_address(sender).rpartition("@")[2]
    message_id = links.make_notice_id(row.pk, domain)
    envelope = NoticeEnvelope(sender, recipient, message_id, now.timestamp())
    return Message(row.pk, bare_address(sender), recipient, compose_notice(rendered, envelope))


def _make_link(link: GrantLink, row: Notice, recipient: str, now: datetime) -> str:
    payload = dict(row.payload.get("grant", {}))
    owner = row.subscriber_id
    if link.of_address:
        payload = {"address_hash": hash_address(recipient), "subscriber_id": row.subscriber_id}
        owner = None
    token = issue_grant(owner, link.purpose, link.valid_for, payload, now=now)
    return f"{settings.SITE_URL}{link.path}{token}"


def _recipient(row: Notice) -> str:
    return row.address or (row.subscriber.email if row.subscriber else "")


def _judge(row: Notice, outcome: Outcome | None) -> Ruling:
    """Return what follows from an outcome; None is of a notice that was not begun."""
    state = Notice.State
    if outcome is None:
        return Ruling(state.QUEUED, delay=timedelta(0), burns_attempt=False)
    code, detail = outcome.code, outcome.detail
    match outcome.verdict:
        case Verdict.SENT:
            return Ruling(state.SENT, code, detail)
        case Verdict.RELAY | Verdict.OURS:
            return Ruling(state.QUEUED, code, detail, RELAY_PAUSE, burns_attempt=False)
        case Verdict.SOFT:
            delay = retry_delay(row.attempts, random.uniform(-1, 1))  # noqa: S311 - spreads retries
            return Ruling(state.FAILED if delay is None else state.QUEUED, code, detail, delay)
        case Verdict.IN_DOUBT if not row.detail.startswith(IN_DOUBT):
            return Ruling(state.QUEUED, code, IN_DOUBT + detail, DOUBT_PAUSE)
    return Ruling(state.FAILED, code, detail)


def _record(owner: str, notice_id: int, ruling: Ruling, run: NoticeRun) -> None:
    values: dict[str, Any] = {
        "id": notice_id,
        "owner": owner,
        "state": ruling.state,
        "code": ruling.code,
        "detail": ruling.detail[:300],
        "unburnt": int(not ruling.burns_attempt),
        "delay": ruling.delay,
        "over": ruling.state in Notice.TERMINAL,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, values)
        if cursor.rowcount:
            run.states[ruling.state] = run.states.get(ruling.state, 0) + 1
