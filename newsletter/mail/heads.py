"""A letter's headers, as `compose_message` writes them, each text folded and read back once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from newsletter.mail.compose import (
    MESSAGE_ID,
    ONE_CLICK,
    POLICY,
    checked,
    compose_headers,
    compose_subject,
    fold_lines,
    is_plain_words,
)
from newsletter.mail.headers import LetterError, check_address
from newsletter.mail.letter import Envelope
from newsletter.mail.quoted import CRLF

_PART = (
    b'\r\nContent-Type: text/%s; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n%s\r\n"
)
_TEXT, _HTML = _PART % (b"plain", b""), _PART % (b"html", b"MIME-Version: 1.0\r\n")


def write_head(subject: str, envelope: Envelope, boundary: str) -> bytes:
    """Return the headers and the blank line after them; `LetterError` for one mail cannot carry.

    What is a reader's own is of a form that cannot fold or break (address, Message-ID, link); the
    others are written by the library and read back, once for each value.
    """
    recipient = check_address(envelope.recipient)
    message_id = checked("Message-ID", envelope.message_id, MESSAGE_ID)
    one_click = checked("one-click URL", envelope.one_click_url, ONE_CLICK)
    before, after = _senders(envelope.sender, envelope.list_id, envelope.list_name)
    return (
        f"{before}{fold_lines('To', recipient)}{_write_subject(subject)}"
        f"Date: {_format_date(envelope.sent_at)}\r\n{fold_lines('Message-ID', message_id)}"
        f"{after}{fold_lines('List-Unsubscribe', f'<{one_click}>')}"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    ).encode("ascii")


def boundary_of(seed: str) -> str:
    """Return the MIME boundary; "=_" is in no quoted-printable text, so it is in no part."""
    return f"=_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"


def assemble(head: bytes, boundary: str, text: Sequence[bytes], html: Sequence[bytes]) -> bytes:
    """Return the message of its parts, each in pieces that end in CRLF together.

    Put together once: to copy a letter takes as long as to look all its cards up.
    """
    line = f"--{boundary}".encode("ascii")
    return b"".join([head, line, _TEXT, *text, CRLF, line, _HTML, *html, CRLF, line, b"--\r\n"])


@lru_cache(maxsize=64)
def _senders(sender: str, list_id: str, list_name: str) -> tuple[str, str]:
    """Return the headers From and List-Id as lines."""
    values = compose_headers(sender, list_id, list_name)
    return _write("From", values["From"]), _write("List-Id", values["List-Id"])


@lru_cache(maxsize=4096)
def _write_subject(subject: str) -> str:
    value = compose_subject(subject)
    if value.isascii() and value.isprintable() and value == subject and is_plain_words(value):
        return fold_lines("Subject", value)  # nothing in it is to be read another way
    return _write("Subject", value)


def _write(name: str, value: Any) -> str:
    """Return a header as the library writes it, read back; `LetterError` if it is another then."""
    message = EmailMessage(policy=POLICY)
    message[name] = value
    line = message.as_bytes().removesuffix(b"\r\n")
    parsed = message_from_bytes(line, policy=policy.default)
    found = [str(one).strip() for one in parsed.get_all(name, [])]
    if found != [str(message[name])] or parsed[name].defects or len(parsed.keys()) != 1:
        raise LetterError(f"the letter's {name} does not survive being sent: {value!r}")
    return line.decode("ascii")


@lru_cache(maxsize=512)
def _format_date(sent_at: float) -> str:
    return format_datetime(datetime.fromtimestamp(sent_at, UTC))
