"""Quoted-printable (RFC 2045 section 6.7) by parts, so that the whole is the parts one by one.

No line begins with a dot, so that nothing is to be stuffed on the wire.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable, Sequence

CRLF = b"\r\n"
SOFT = b"=\r\n"
LINE = 76  # octets, a soft break's "=" included
# What needs no encoding, and no escaping in HTML or in an attribute.
PLAIN = re.compile(r"https?://[A-Za-z0-9:/._~-]+(?:#[a-z]+)?")


def encode_lines(lines: Iterable[str]) -> bytes:
    """Return lines encoded, each with its CRLF."""
    lines = list(lines)
    text = "\r\n".join(lines)
    if _is_plain(lines, text):
        return f"{text}\r\n".encode("ascii")
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        raise ValueError(f"not lines: {text[:60]!r}")
    return _to_crlf(b2a_qp(f"{text}\n".encode()))


def _is_plain(lines: Sequence[str], text: str) -> bool:
    """Return whether lines, of which `text` is made, are themselves when encoded."""
    return (
        text.isascii()
        and "=" not in text
        and " \r" not in text
        and "\n." not in text
        and text[:1] != "."
        and text[-1:] != " "
        and max(map(len, lines)) <= LINE
        and all(map(str.isprintable, lines))
    )


def encode_text(text: str) -> bytes:
    """Return one line, or a piece of one, encoded without its end."""
    if "\n" in text or "\r" in text:
        raise ValueError(f"not one line: {text[:60]!r}")
    return _to_crlf(b2a_qp(text.encode()))


def _to_crlf(data: bytes) -> bytes:
    data = data.replace(b"\n", CRLF)  # b2a_qp ends its soft breaks with a bare LF
    return _without_dots(data) if data[:1] == b"." or b"\n." in data else data


def _without_dots(data: bytes) -> bytes:
    """Return encoded lines with the dots at their beginnings written as octets."""
    return CRLF.join([_without_dot(line) for line in data.split(CRLF)])


def _without_dot(line: bytes) -> bytes:
    if line[:1] != b".":
        return line
    line = b"=2E" + line[1:]
    if len(line) <= LINE:
        return line
    cut = LINE - 4
    cut -= next((back for back in (1, 2) if line[cut - back : cut - back + 1] == b"="), 0)
    return line[:cut] + SOFT + _without_dot(line[cut:])


def encode_before(text: str) -> bytes:
    """Return the beginning of a line up to a soft break: what follows begins at its margin."""
    data = encode_text(text)
    begin = data.rfind(b"\n") + 1
    if len(data) - begin >= LINE:
        cut = begin + LINE - 4
        cut -= next((back for back in (1, 2) if data[cut - back : cut - back + 1] == b"="), 0)
        data = data[:cut] + SOFT + _without_dot(data[cut:])
    return data + SOFT if data else b""


def encode_address(address: str, room: int = LINE - 1) -> bytes:
    """Return an address that is `PLAIN`, cut where a line ends; the first line holds `room`."""
    data = address.encode("ascii")
    if len(data) <= room:
        return data
    pieces, at = [data[:room]], room
    while at < len(data):
        back = 1 if data[at : at + 1] == b"." else 0  # a line begins with what stands before it
        pieces[-1] = pieces[-1][: len(pieces[-1]) - back]
        pieces.append(data[at - back : at - back + LINE - 1])
        at += LINE - 1 - back
    return SOFT.join(pieces)
