"""A finished message and what became of it: the values between composing and the ledger."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Message(NamedTuple):
    """One mail ready for the wire: `data` is RFC 5322 bytes, CRLF line ends, not dot-stuffed.

    `is_checked`: it was put together from parts each of which is known to be fit for the wire: in
    ASCII, of short lines that end in CRLF and do not begin with a dot.
    """

    delivery_id: int
    sender: str  # envelope MAIL FROM, bare address
    recipient: str  # envelope RCPT TO, bare address
    data: bytes
    is_checked: bool = False


class Phase(Enum):
    """Where in the SMTP dialogue something happened."""

    CONNECT = "connect"  # TCP, banner, EHLO, TLS, AUTH
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the DATA command, before any of the message
    BODY = "body"  # the message's bytes, before its final dot
    DOT = "dot"  # after the final dot: the relay may have taken it


class Verdict(Enum):
    """What the ledger does with a reply (docs/delivery.md)."""

    SENT = "sent"  # the relay accepted it
    SOFT = "soft"  # try again later: counts as an attempt
    HARD = "hard"  # the address is refused for good: failed, and suppressed
    CONTENT = "content"  # this letter is refused for good: failed, not suppressed
    RELAY = "relay"  # no fault of the letter: the relay is away; burns no attempt
    OURS = "ours"  # the relay refuses us (policy, authentication): stop, tell the operator
    IN_DOUBT = "in_doubt"  # handed over or not, unknown


class Outcome(NamedTuple):
    """What became of one message. `code` is 0 where no reply came; `detail` is the reply's text."""

    delivery_id: int
    verdict: Verdict
    code: int
    detail: str
