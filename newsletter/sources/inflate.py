"""A body unpacked as it comes, never beyond its cap: a compressed bomb costs one small buffer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal

STEP = 65_536  # bytes unpacked at once
MEMBERS = 64  # gzip streams in one body: several are legal, endless ones an attack


class BodyError(Exception):
    """The body is too large, cut, or packed in a way nobody asked for; `start` is its beginning."""

    def __init__(self, kind: Literal["too_large", "cut"], text: str, start: bytes) -> None:
        super().__init__(text)
        self.kind: Literal["too_large", "cut"] = kind
        self.start = start


def open_body(chunks: Iterator[bytes], encoding: str, most: int) -> bytes:
    """Return the whole body, at most `most` bytes once unpacked; BodyError otherwise."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _join(chunks, most)
    if name in ("gzip", "x-gzip"):
        return _join(_inflate(chunks), most)
    raise BodyError("cut", f"the answer is packed as {name[:40]!r}, and gzip was asked for", b"")


def _join(pieces: Iterator[bytes], most: int) -> bytes:
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if len(body) > most:
                raise BodyError(
                    "too_large", f"the answer unpacks to more than {most} bytes", bytes(body[:STEP])
                )
    except zlib.error as error:
        start = bytes(body[:STEP])
        raise BodyError("cut", f"the answer is no whole gzip: {error}", start) from None
    except EOFError:
        start = bytes(body[:STEP])
        raise BodyError("cut", "the answer is cut: its gzip has no end", start) from None
    return bytes(body)


def _inflate(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the unpacked bytes in small steps; EOFError where the last stream has no end."""
    unpack, members, begun = zlib.decompressobj(wbits=31), 1, False
    for chunk in chunks:
        data = chunk
        while data:
            if unpack.eof:
                members += 1
                if members > MEMBERS:
                    raise zlib.error(f"more than {MEMBERS} streams")
                unpack = zlib.decompressobj(wbits=31)
            begun = True
            yield unpack.decompress(data, STEP)
            data = unpack.unconsumed_tail or unpack.unused_data
    while not unpack.eof and (rest := unpack.decompress(b"", STEP)):
        yield rest
    if begun and not unpack.eof:
        raise EOFError
