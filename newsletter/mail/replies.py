"""What a relay's reply means for the ledger. Pure: a phase, a code and a text in, an outcome out.

Judged by the code and by the phase it came in, never by an exception's class: a 421, a 451 and a
550 at RCPT raise the same exception in smtplib, and a timeout after the final dot raises the same
as one before it. Codes are RFC 5321 section 4.2, enhanced ones RFC 3463 and RFC 2034.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from newsletter.mail.message import Outcome, Phase, Verdict

# RFC 2034 puts the enhanced code first on a line; qmail writes "(#5.7.1)" at the end. Anywhere
# else four numbers and dots are an IP address or a version.
_ENHANCED = re.compile(r"(?:^|#)([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.MULTILINE)

# Words of refusals that speak of the sender, from relays without enhanced codes ("550 relay not
# permitted"). Without them one forgotten password would suppress every reader in one round.
_ABOUT_US = re.compile(
    r"\brelaying\b|\brelay (?:access )?(?:is )?(?:denied|not|prohibited)|\b(?:to|not) relay\b"
    r"|authenticat|\b(?:spf|dkim|dmarc|spamhaus)\b|\bbl(?:ock|ack) ?list|reputation",
    re.IGNORECASE,
)

# RFC 4954 section 6: authentication required, too weak, wrong, or in need of encryption.
_AUTHENTICATION = frozenset({530, 534, 535, 538})

# RFC 3463 section 3, by subject and detail, then by subject alone. Subjects 0, 3 and 5 say too
# little (Outlook answers "550 5.5.0 mailbox unavailable"): there the basic code decides.
_BY_DETAIL: Mapping[tuple[int, int], Verdict] = {
    (1, 7): Verdict.OURS,  # the sender's address is bad
    (1, 8): Verdict.OURS,  # the sender's domain is bad
    (2, 2): Verdict.SOFT,  # the mailbox is full
    (2, 3): Verdict.CONTENT,  # longer than this mailbox takes
    (3, 4): Verdict.CONTENT,  # longer than this system takes
    (4, 1): Verdict.HARD,  # Exchange Online's word for an unknown recipient
}
_BY_SUBJECT: Mapping[int, Verdict] = {
    1: Verdict.HARD,  # the address
    2: Verdict.HARD,  # the mailbox
    4: Verdict.SOFT,  # network and routing, 5.4.4 too: it heals, or the edition grows stale
    6: Verdict.CONTENT,  # the message's media
    7: Verdict.OURS,  # security and policy: never a fault of the reader's
}

DETAIL = 300  # characters of a reply that are kept
_PLACES = {
    Phase.CONNECT: "while connecting",
    Phase.MAIL: "at MAIL",
    Phase.RCPT: "at RCPT",
    Phase.DATA: "at DATA",
    Phase.BODY: "before the final dot",
    Phase.DOT: "after the final dot",
}

RETRIES = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)


def enhanced_code(text: str) -> tuple[int, int, int] | None:
    """Return the RFC 3463 status of a reply's text, or None: "5.1.1 unknown" is (5, 1, 1)."""
    if match := _ENHANCED.search(text):
        return int(match[1]), int(match[2]), int(match[3])
    return None


def conclude(delivery_id: int, phase: Phase, code: int, text: str) -> Outcome:
    """Return the outcome a reply or a loss (`code` 0) means, its text fit to store and to show."""
    verdict = judge_reply(phase, code, text)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    detail = " ".join(text.split())
    if code == 0:
        detail = f"{detail} {_PLACES[phase]}"
    return Outcome(delivery_id, verdict, code, detail[:DETAIL])


def judge_reply(phase: Phase, code: int, text: str) -> Verdict:
    """Return what the reply that ended a transaction means; `code` 0 says that none came.

    `text` keeps the reply's lines apart by newlines. Ask about final replies only: a 2xx to MAIL
    or RCPT and a 354 to DATA go on with the transaction, and are judged as out of step (RELAY).
    """
    if phase is Phase.DOT and 200 <= code < 300:
        return Verdict.SENT
    if not 400 <= code < 600:
        # Nothing was accepted before the final dot (RFC 5321 section 4.1.1.4). After it the relay
        # may hold the mail: responsibility passes with a 250 that may have been lost (RFC 1047).
        return Verdict.IN_DOUBT if phase is Phase.DOT else Verdict.RELAY
    if code == 421:  # RFC 5321 section 3.8: closing, legal as the answer to any command
        return Verdict.RELAY
    if phase is Phase.CONNECT:
        return _judge_greeting(code, text)
    if code < 500:
        return Verdict.SOFT
    return _judge_refusal(phase, code, text)


def retry_delay(
    attempts: int, jitter: float, retries: Sequence[timedelta] = RETRIES
) -> timedelta | None:
    """Return the wait after the `attempts`-th soft failure, or None when there is no other try.

    5 minutes, 15 minutes, 1, 3 and 6 hours unless `retries` says otherwise, spread by ±20 %:
    `jitter` is from -1 to 1, the caller's, so that a batch deferred together does not come back
    together.
    """
    if attempts < 1 or not -1 <= jitter <= 1:
        raise ValueError(f"attempts={attempts}, jitter={jitter}: 1 or more, and from -1 to 1")
    if attempts > len(retries):
        return None
    return retries[attempts - 1] * (1 + jitter / 5)


def _judge_greeting(code: int, text: str) -> Verdict:
    """Judge a 4xx or 5xx of banner, EHLO, STARTTLS or AUTH."""
    status = enhanced_code(text)
    about_us = code in _AUTHENTICATION or (status is not None and status[1] == 7)
    return Verdict.OURS if code >= 500 and about_us else Verdict.RELAY


def _judge_refusal(phase: Phase, code: int, text: str) -> Verdict:
    """Judge a 5xx of the transaction."""
    status = enhanced_code(text)
    if code in _AUTHENTICATION:
        return Verdict.OURS
    named = _BY_DETAIL.get(status[1:], _BY_SUBJECT.get(status[1])) if status else None
    if phase is Phase.MAIL:
        # MAIL names no reader, so no reader is at fault. RFC 1870 section 6.1: 552 says that the
        # declared SIZE is too much.
        too_big = named is Verdict.CONTENT or (code == 552 and named is None)
        return Verdict.CONTENT if too_big else Verdict.OURS
    if status and status[0] != 5:  # "550 4.2.1": of two words that disagree, believe the milder
        return Verdict.SOFT
    # One reader per transaction, so 5.1.1 after DATA or the dot speaks of this reader as well.
    return named or _judge_basic_code(phase, code, text)


def _judge_basic_code(phase: Phase, code: int, text: str) -> Verdict:
    """Judge a 5xx whose enhanced code is missing or says too little."""
    if _ABOUT_US.search(text):
        return Verdict.OURS
    if phase is not Phase.RCPT:
        return Verdict.CONTENT
    if code in {550, 551, 553}:
        return Verdict.HARD
    # 552 at RCPT is a full mailbox or too many recipients, to be taken as 452 (RFC 5321 section
    # 4.5.3.1.10). The rest is unknown: it neither suppresses a reader nor stops the round.
    return Verdict.SOFT
