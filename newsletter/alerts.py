"""Operators told: in the log always, by mail where PAPER_ROUND_ALERTS_TO names somebody."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.conf import settings
from django.utils import timezone

from newsletter.circuits import first_open
from newsletter.mail.headers import bare_address, clean_header
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.relay import parse_relays
from newsletter.mail.transport import Transport

logger = logging.getLogger("newsletter.alerts")


def tell_operators(subject: str, lines: Sequence[str]) -> bool:
    """Log the lines and mail them to the operators; return whether a mail was accepted.

    A relay that is away costs the mail, never the caller.
    """
    for line in lines:
        logger.warning("%s: %s", subject, line)
    if not settings.ALERTS_TO:
        return False
    sender = bare_address(settings.FROM_EMAIL)
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.FROM_EMAIL
    message["To"] = ", ".join(settings.ALERTS_TO)
    message["Subject"] = clean_header(f"[{settings.SITE_NAME}] {subject}")
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    message.set_content("\n".join([*lines, "", settings.SITE_URL]), cte="quoted-printable")
    outcomes: list[Outcome] = []
    relay = first_open(parse_relays(settings.EMAIL_URL, settings.EMAIL_TIMEOUT))
    with Transport(relay, loopback_only=settings.DEMO) as transport:
        transport.send(
            [Message(0, sender, to, message.as_bytes()) for to in settings.ALERTS_TO],
            before=lambda _: True,
            handing=lambda _: None,
            done=outcomes.append,
        )
    for outcome in outcomes:
        if outcome.verdict is not Verdict.SENT:
            logger.error("the alert was not mailed: %s", outcome.detail)
    return any(outcome.verdict is Verdict.SENT for outcome in outcomes)
