"""A message as the octets SMTP carries: what may not go out, addresses, dot-stuffing. Pure."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from newsletter.mail.message import Message

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")  # would end the path, or the command, early
_is_plain = re.compile(r"[!-;=?-~]*").fullmatch  # ASCII without those
_LONGEST = 998  # octets of a line without its CRLF, RFC 5321 section 4.5.3.1.6


def find_flaw(message: Message) -> str:
    """Return why the message cannot be put on the wire, or "" when it can.

    Composing should have refused each of these; here they cost one letter instead of a round.
    """
    try:
        wire_address(message.sender)
        if not wire_address(message.recipient):
            return "the letter has no recipient"
    except ValueError as error:
        return str(error)
    data = message.data
    if message.is_checked:
        return ""
    if not data.isascii():
        return "the letter has 8-bit octets: encode it as quoted-printable or base64"
    # A bare CR or LF may end the mail early at a lenient relay (SMTP smuggling), RFC 5321 2.3.8.
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        return "the letter has line ends that are not CRLF"
    if max(map(len, data.split(b"\r\n"))) > _LONGEST:
        return f"the letter has a line of more than {_LONGEST} octets: fold it"
    return ""


def wire_address(address: str) -> str:
    """Return `address` in ASCII, its domain in IDNA; `ValueError` where there is no such form.

    A local part has none: RFC 2047 section 5 forbids encoded words there, which name another
    mailbox, and SMTPUTF8 (RFC 6531) is not spoken. "" is the null return path.
    """
    if _is_plain(address):
        return address
    if _UNSAFE.search(address):
        raise ValueError(f"{address!r} cannot be written as an SMTP path: it has a space or < >")
    try:
        ascii_form = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError as error:
        raise ValueError(f"{address!r} is no mail address: {error}") from error
    if ascii_form is None:
        raise ValueError(
            f"{address!r} is not ASCII before the @, which needs SMTPUTF8 (RFC 6531): "
            "ask the reader for an ASCII address"
        )
    return ascii_form


def to_wire(data: bytes) -> bytes:
    """Return CRLF text as the body of DATA without its final dot: stuffed, ending in CRLF.

    RFC 5321 section 4.5.2: a line that begins with a dot gets another. Lines begin after CRLF
    only (`find_flaw`), so one replace over the bytes does it.
    """
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"


def body_of(message: Message) -> bytes:
    """Return what `to_wire` makes of a message; one that is checked needs nothing done."""
    return message.data if message.is_checked else to_wire(message.data)
