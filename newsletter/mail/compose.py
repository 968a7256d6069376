"""A rendered letter as the bytes of a message: RFC 5322, RFC 2369, RFC 2919, RFC 8058."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from newsletter.mail.headers import (
    LetterError,
    bare_address,
    check_address,
    clean_header,
    clip,
    split_sender,
)
from newsletter.mail.letter import Envelope, NoticeEnvelope, Rendered

__all__ = ["LetterError", "bare_address", "compose_message", "compose_notice"]

LINE = 76  # octets: what quoted-printable allows; headers keep to it too
NAME_OCTETS = 45  # one encoded word holds 75, written in base64

MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
LIST_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
ONE_CLICK = re.compile(r"https?://[!#$%&'()*+./0-9:;=?@A-Z_a-z~\[\]-]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


class LetterPolicy(EmailPolicy):
    """CRLF, and headers folded only where every mail program reads them back as they were.

    The library's own folding encodes a long address of List-Unsubscribe as if it were words, and
    loses spaces between encoded words before Python 3.13.
    """

    def fold(self, name: str, value: Any) -> str:
        return _fold(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        folded = _fold(name, value)
        return folded.encode("ascii") if folded else super().fold_binary(name, value)


POLICY = LetterPolicy(linesep="\r\n", max_line_length=LINE, cte_type="7bit")


def compose_message(rendered: Rendered, envelope: Envelope) -> bytes:
    """Return the message, the same bytes each time; `LetterError` if it must not be sent.

    The text comes first and the HTML last, both quoted-printable, so no hop has to re-encode them
    and break a signature. The bytes are read back before they are returned.
    """
    return _write(rendered, _make_headers(rendered, envelope), envelope.seed)


def compose_notice(rendered: Rendered, envelope: NoticeEnvelope) -> bytes:
    """Return a service mail as `compose_message` does: of no list, so without a list's headers.

    RFC 3834: a program wrote it, so that no other answers it.
    """
    headers = _make_common_headers(
        rendered, envelope.sender, envelope.recipient, envelope.message_id, envelope.sent_at
    )
    headers["Auto-Submitted"] = "auto-generated"
    headers["X-Auto-Response-Suppress"] = "All"  # Exchange's word for the same
    return _write(rendered, headers, envelope.message_id)


def _write(rendered: Rendered, wanted: dict[str, Any], seed: str) -> bytes:
    message = EmailMessage(policy=POLICY)
    for name, value in wanted.items():
        message[name] = _protect(value) if isinstance(value, str) else value
    message.set_content(rendered.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(f"=_{hashlib.sha256(seed.encode()).hexdigest()[:32]}")
    data = message.as_bytes()
    _check(data, wanted)
    return data


def compose_subject(subject: str) -> str:
    """Return the value of the header Subject; `LetterError` for an empty one."""
    if not (subject := clean_header(subject)):
        raise LetterError("the letter has no subject: its template subject.txt is empty")
    return _protect(subject)


def compose_headers(sender: str, list_id: str, list_name: str) -> dict[str, Any]:
    """Return the values of the headers that say who sends; `LetterError` for what is no address."""
    name, address = split_sender(sender)
    named = f"{_fit_name(list_name)} <{checked('List-Id', list_id, LIST_ID)}>".lstrip()
    return {
        "From": Address(_fit_name(name), addr_spec=address),
        "List-Id": _protect(named),
    }


def _make_headers(rendered: Rendered, envelope: Envelope) -> dict[str, Any]:
    list_name = _fit_name(envelope.list_name)
    return {
        **_make_common_headers(
            rendered, envelope.sender, envelope.recipient, envelope.message_id, envelope.sent_at
        ),
        "List-Id": f"{list_name} <{checked('List-Id', envelope.list_id, LIST_ID)}>".lstrip(),
        "List-Unsubscribe": f"<{checked('one-click URL', envelope.one_click_url, ONE_CLICK)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }


def _make_common_headers(
    rendered: Rendered, sender: str, recipient: str, message_id: str, sent_at: float
) -> dict[str, Any]:
    subject = clean_header(rendered.subject)
    if not subject:
        raise LetterError("the letter has no subject: its template subject.txt is empty")
    name, address = split_sender(sender)
    return {
        "From": Address(_fit_name(name), addr_spec=address),
        "To": Address(addr_spec=check_address(recipient)),
        "Subject": subject,
        "Date": format_datetime(datetime.fromtimestamp(sent_at, UTC)),
        "Message-ID": checked("Message-ID", message_id, MESSAGE_ID),
    }


def checked(what: str, value: str, form: re.Pattern[str]) -> str:
    """Return `value` if it has the form; else `LetterError`."""
    if not form.fullmatch(value) or len(value) > 900:
        raise LetterError(f"{what} {value!r} is not of the form mail allows: {form.pattern}")
    return value


def _fit_name(name: str) -> str:
    """Return a display name short enough for one encoded word: some programs space out several."""
    name = clean_header(name, NAME_OCTETS)
    while len(name.encode()) > NAME_OCTETS:
        name = clip(name, len(name) - 1)
    return name


def _protect(text: str) -> str:
    """Return text the library will take as it is: "=?" would be read as an encoded word's begin."""
    return " ".join(_encoded(text).split()) if "=?" in text else text


def _fold(name: str, value: Any) -> str:
    """Return a header that must come back exactly, folded; "" for one left to the library."""
    if name == "Subject":
        return fold_lines(name, _encode_words(str(value), name))
    if name in ("From", "To"):
        address = value.addresses[0]
        spec = f"<{address.addr_spec}>" if address.display_name else address.addr_spec
        return fold_lines(name, f"{_phrase(address.display_name)} {spec}")
    if name == "List-Id":
        words, _, identity = str(value).rpartition(" ")
        return fold_lines(name, f"{_phrase(words)} {identity}")
    if name in ("Message-ID", "List-Unsubscribe"):
        return fold_lines(name, str(value))
    return ""


def _phrase(name: str) -> str:
    """Return a display name: as it is where it is letters and spaces, else an encoded word."""
    return name if _ATOMS.fullmatch(name) and "=?" not in name else _encoded(name)


def _encode_words(text: str, header: str) -> str:
    """Return `text` as it is where it can be folded so, else as encoded words (RFC 2047)."""
    return text if is_plain_words(text) else _encoded(text, header)


def is_plain_words(text: str) -> bool:
    """Return whether a header can carry `text` as it is, folded between its words."""
    return text.isascii() and "=?" not in text and max(map(len, text.split(" "))) < 60


def _encoded(text: str, header: str = "") -> str:
    """Return encoded words; the first leaves room for the name of `header`, on whose line it is."""
    return Header(text, "utf-8", maxlinelen=LINE - 1, header_name=header).encode(linesep="\n")


def fold_lines(name: str, value: str) -> str:
    """Return "name: value", folded at spaces: each line within LINE where its words allow."""
    lines, current = [], f"{name}:"
    for word in value.split():
        if len(current) + 1 + len(word) > LINE and current.strip():
            lines.append(current)
            current = ""
        current += f" {word}"
    return "\r\n".join([*lines, current]) + "\r\n"


def _check(data: bytes, wanted: dict[str, Any]) -> None:
    """Read the message back; `LetterError` unless every header is what was meant, once."""
    parsed = message_from_bytes(data, policy=policy.default)
    for name, value in wanted.items():
        found = [str(header).strip() for header in parsed.get_all(name, [])]
        if found != [str(value)] or parsed[name].defects:
            raise LetterError(
                f"the letter's {name} does not survive being sent: {str(value)!r} is read back "
                f"as {found!r}"
            )
    for part in parsed.walk():
        if part.defects:
            raise LetterError(f"the letter is malformed: {part.defects!r}")
