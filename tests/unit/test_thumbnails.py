"""Pictures are what their own bytes say, or they are refused."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.thumbnails import Image, PictureError, read_image


def make_png(width: int = 3, height: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x9a\x34\x12" * width) * height)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xc0\x00\x11\x08\x00\x20\x00\x30\x03" + b"\0" * 20
WEBP_X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x63\0\0\x31\0\0"
WEBP_L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 99 | 49 << 14)
WEBP = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 100, 50)


@pytest.mark.parametrize(
    ("data", "image"),
    [
        (make_png(), Image("image/png", 3, 2)),
        (JPEG, Image("image/jpeg", 48, 32)),
        (WEBP_X, Image("image/webp", 100, 50)),
        (WEBP_L, Image("image/webp", 100, 50)),
        (WEBP, Image("image/webp", 100, 50)),
    ],
)
def test_it_reads_what_a_picture_is(data: bytes, image: Image) -> None:
    assert read_image(data) == image


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a\x01\x00\x01\x00",
        b"<!doctype html><script>alert(1)</script>",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        make_png(5000, 2),
        make_png(0, 2),
        make_png() + b"\0" * 300_000,
    ],
)
def test_it_refuses_everything_else(data: bytes) -> None:
    with pytest.raises(PictureError):
        read_image(data)


@given(st.binary(max_size=60), st.sampled_from([b"", JPEG[:4], WEBP[:16], make_png()[:16]]))
def test_it_never_fails_otherwise(data: bytes, head: bytes) -> None:
    with suppress(PictureError):
        assert read_image(head + data).width > 0
