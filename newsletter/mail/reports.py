"""Feedback reports (RFC 5965, "ARF"): what a provider says of a letter. Pure: bytes in, values out.

Whoever knows the address reports are sent to can write one, so nothing here is believed: size,
parts and headers are bounded, and what a report says is told, not trusted.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

LARGEST = 1 << 20  # octets: our letters have a tenth, and what is longer costs seconds to read
MOST_PARTS = 12  # a report about a letter has eight
LONGEST_HEADER = 4096  # characters: the library's time grows with the square of some headers
MOST_VALUES = 5  # of one kind: a report is about one letter
MANY = f"it has more than {MOST_PARTS} parts: a report about a letter has about eight"

_ENCLOSED = {"message/rfc822", "message/global", "text/rfc822-headers"}
_MICROSOFT = "X-HmXmrOriginalRecipient"  # JMRP encloses the letter, and says no more than this
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,126}>")
_TOKEN = re.compile(r"/u/([\w-]{30,188})(?![\w-])", re.ASCII)
_ADDRESS = re.compile(r"[!-+\--:=?A-~]{1,64}@[\w.-]{1,255}", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


class ReportError(ValueError):
    """This is no report that can be read; the text says why, and quotes nothing of it."""


class Wish(Enum):
    """What a feedback type says of the reader: complains, wants no more, or nothing."""

    COMPLAINT = "complaint"
    OPT_OUT = "opt-out"
    NONE = "none"
    UNCLEAR = "unclear"


# The registry of RFC 5965 section 7.3, with RFC 6430 and 6591; "opt-out" is of the drafts before.
# A virus is found by a machine, and "other" is said to fit no type: neither is a reader's word.
WISHES = {
    "abuse": Wish.COMPLAINT,
    "fraud": Wish.COMPLAINT,
    "opt-out": Wish.OPT_OUT,
    "opt-out-list": Wish.OPT_OUT,
    "not-spam": Wish.NONE,
    "auth-failure": Wish.NONE,
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says: its feedback type, and all that may tell which letter is meant.

    `message_ids` with angle brackets; `tokens` as in our unsubscribe links, not verified;
    `recipients` as written; `arrived` when the letter came there, or was written (aware), None
    where neither is said.
    """

    kind: str
    message_ids: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    arrived: datetime | None = None

    @property
    def wish(self) -> Wish:
        return WISHES.get(self.kind, Wish.UNCLEAR)


def parse_report(data: bytes) -> Report:
    """Return what a mail says as a feedback report; `ReportError` if it is none, or is broken."""
    if len(data) > LARGEST:
        raise ReportError(f"it is longer than {LARGEST >> 10} KiB, as no report about a letter is")
    try:
        return _read_report(_parse(data))
    except ReportError:
        raise
    except Exception as error:  # the library raises much on mail that was written to break it
        raise ReportError(f"it cannot be read as mail ({type(error).__name__})") from error


class _Bounded(Compat32):
    """Mail as the library reads it, its headers cut, its parts counted."""

    def header_source_parse(self, sourcelines: Any) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_HEADER]


def _parse(data: bytes) -> Message:
    left = MOST_PARTS + 1  # the parser makes one to see whether it can

    def make(policy: Any = None) -> Message:
        nonlocal left
        left -= 1
        if left < 0:
            raise ReportError(MANY)
        return Message(policy)

    return BytesParser(make, policy=_Bounded()).parsebytes(data)


def _read_report(mail: Message) -> Report:
    for parts in _list_groups(mail):
        fields = next((p for p in parts if p.get_content_type() == "message/feedback-report"), None)
        letter = next((p for p in parts if p.get_content_type() in _ENCLOSED), None)
        headers = _read_enclosed(letter) if letter is not None else Message()
        if fields is not None:
            return _make_report(_read_enclosed(fields), headers)
        if headers[_MICROSOFT]:
            return _make_report(Message(), headers, "abuse")
    bounced = mail.get_param("report-type") == "delivery-status"
    what = "a delivery status" if bounced else "other mail"
    raise ReportError(f"it is {what}, no feedback report (RFC 5965)")


def _list_groups(mail: Message) -> Iterator[list[Message]]:
    """Yield the parts of each multipart, outer ones first; what a letter encloses is not ours."""
    payload = mail.get_payload()
    if mail.get_content_maintype() == "multipart" and isinstance(payload, list):
        parts = [part for part in payload if isinstance(part, Message)]
        yield parts
        for part in parts:
            yield from _list_groups(part)


def _read_enclosed(part: Message) -> Message:
    """Return the headers that a part encloses, also where it is encoded, as it must not be."""
    coding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    payload = part.get_payload()
    if not isinstance(payload, list):  # text/rfc822-headers
        decoded = part.get_payload(decode=True)
        return _parse(decoded) if isinstance(decoded, bytes) else Message()
    inner = payload[0] if payload and isinstance(payload[0], Message) else Message()
    if coding == "base64":
        octets = re.sub(rb"[^A-Za-z0-9+/]", b"", inner.as_bytes())
        try:
            return _parse(base64.b64decode(octets + b"=" * (-len(octets) % 4)))
        except binascii.Error as error:
            raise ReportError("what it encloses is damaged base64") from error
    return _parse(quopri.decodestring(inner.as_bytes())) if coding == "quoted-printable" else inner


def _make_report(fields: Message, headers: Message, kind: str = "") -> Report:
    kinds = {text.lower() for text in _texts(fields, "Feedback-Type")} or {kind} - {""}
    if len(kinds) != 1:
        raise ReportError(f"it has {'several' if kinds else 'no'} Feedback-Type")
    (kind,) = kinds
    links = "".join("".join(_texts(headers, "List-Unsubscribe")).split())  # wherever it was folded
    asked = [*_texts(fields, "Original-Rcpt-To"), *_texts(headers, _MICROSOFT)]
    dates = [*_texts(fields, "Arrival-Date"), *_texts(fields, "Received-Date")]
    dates += _texts(headers, "Date")  # which our letter had
    return Report(
        kind=kind if _KIND.fullmatch(kind) else "unknown",
        message_ids=_find(_MESSAGE_ID, " ".join(_texts(headers, "Message-ID"))),
        tokens=_find(_TOKEN, links),
        recipients=_find(_ADDRESS, " ".join([*asked, *_texts(headers, "To")])),
        arrived=next((at for at in map(_read_date, dates) if at), None),
    )


def _texts(mail: Message, name: str) -> list[str]:
    return [str(value).strip() for value in mail.get_all(name, [])[:MOST_VALUES]]


def _find(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.findall(text)))[:MOST_VALUES]


def _read_date(text: str) -> datetime | None:
    """Return the instant, None for what is none or names no zone."""
    try:
        at = parsedate_to_datetime(text)
        return at if at.utcoffset() is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
