"""Quoted-printable (RFC 2045 section 6.7) by parts, so that the whole is the parts one by one."""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable

CRLF = b"\r\n"
SOFT = b"=\r\n"
LINE = 76  # octets, a soft break's "=" included
# What needs no encoding, and no escaping in HTML or in an attribute.
PLAIN = re.compile(r"https?://[A-Za-z0-9:/._~-]+(?:#[a-z]+)?")


def encode_lines(lines: Iterable[str]) -> bytes:
    """Return lines encoded, each with its CRLF."""
    return b"".join([encode_text(line) + CRLF for line in lines])


def encode_text(text: str) -> bytes:
    """Return one line, or a piece of one, encoded without its end."""
    data = text.encode()
    if "\n" in text or "\r" in text:
        raise ValueError(f"not one line: {text[:60]!r}")
    return b2a_qp(data).replace(b"\n", CRLF)  # b2a_qp ends its soft breaks with a bare LF


def encode_before(text: str) -> bytes:
    """Return the beginning of a line up to a soft break: what follows begins at its margin."""
    data = encode_text(text)
    begin = data.rfind(b"\n") + 1
    if len(data) - begin >= LINE:
        cut = begin + LINE - 4
        cut -= next((back for back in (1, 2) if data[cut - back : cut - back + 1] == b"="), 0)
        data = data[:cut] + SOFT + data[cut:]
    return data + SOFT if data else b""


def encode_address(address: str, room: int = LINE - 1) -> bytes:
    """Return an address that is `PLAIN`, cut where a line ends; the first line holds `room`."""
    data = address.encode("ascii")
    if len(data) <= room:
        return data
    rest = data[room:]
    step = LINE - 1
    pieces = [data[:room], *(rest[at : at + step] for at in range(0, len(rest), step))]
    return SOFT.join(pieces)
