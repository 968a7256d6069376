"""Feedback reports in the shapes that providers send, about letters that never were."""

from __future__ import annotations

import base64

OURS = "<0123456789abcdef0123.d@site.example>"
READER = "ada@reader.example"
TEXT = "This is a report of a mail that its recipient marked as spam."


def write_letter(
    message_id: str = OURS, *, to: str = READER, token: str = "", more: str = ""
) -> str:
    """The letter a report returns: its headers, and a little of its body."""
    link = f"List-Unsubscribe: <https://site.example/u/{token}>\r\n" if token else ""
    named = f"Message-ID: {message_id}\r\n" if message_id else ""
    return (
        f"From: Papers <papers@site.example>\r\nTo: {to}\r\nSubject: Your papers\r\n"
        f"{named}{link}{more}MIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="in"\r\n\r\n'
        "--in\r\nContent-Type: text/plain\r\n\r\nOne paper\r\n"
        "--in\r\nContent-Type: text/html\r\n\r\n<p>One paper</p>\r\n--in--\r\n"
    )


def write_report(
    letter: str | None = None,
    kind: str | None = "abuse",
    *,
    fields: str = "",
    enclosed: str = "message/rfc822",
    coding: str = "",
    outer: str = "multipart/report; report-type=feedback-report",
) -> bytes:
    """A report (RFC 5965): words, fields, and the letter; `coding` is the letter's part's."""
    letter = write_letter() if letter is None else letter
    named = f"Feedback-Type: {kind}\r\n" if kind else ""
    coded = f"Content-Transfer-Encoding: {coding}\r\n" if coding else ""
    if coding == "base64":
        letter = base64.encodebytes(letter.encode()).decode().replace("\n", "\r\n")
    return (
        "From: Feedback <fbl@provider.example>\r\nTo: complaints@site.example\r\n"
        f'Subject: FW: Your papers\r\nMIME-Version: 1.0\r\nContent-Type: {outer}; boundary="out"'
        f"\r\n\r\n--out\r\nContent-Type: text/plain\r\n\r\n{TEXT}\r\n"
        f"--out\r\nContent-Type: message/feedback-report\r\n\r\n{named}"
        f"User-Agent: Provider/1.0\r\nVersion: 1\r\n{fields}\r\n"
        f"--out\r\nContent-Type: {enclosed}\r\n{coded}\r\n{letter}\r\n--out--\r\n"
    ).encode()


def write_jmrp(letter: str) -> bytes:
    """What Microsoft's programme sends: the letter enclosed, and no fields."""
    return (
        "From: staff@provider.example\r\nSubject: complaint about message from 192.0.2.1\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="out"\r\n\r\n'
        "--out\r\nContent-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n"
        f"X-HmXmrOriginalRecipient: {READER}\r\n{letter}\r\n--out--\r\n"
    ).encode()
