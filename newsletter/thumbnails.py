"""Pictures of papers, kept here: taken in only as small raster images, read by what they show."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

from newsletter.models import Thumbnail
from newsletter.models.thumbnail import MOST_BYTES, MOST_PIXELS

# The markers of frames, which hold the size: C0 to CF without tables and an extension.
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class PictureError(ValueError):
    """Bytes that are no picture this site keeps: what they are, and the mend."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image's format and size in pixels, read from its own bytes."""

    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A stored picture, to be answered as it is."""

    media_type: str
    data: bytes


def store_thumbnail(paper_id: int, data: bytes, large: bytes = b"") -> None:
    """Keep a paper's picture in the place of the one it had; `PictureError` if it is refused.

    Whoever fetched it has decoded it and written it anew at this size, and as `large` at another:
    what is checked here is the format, by its own bytes and not by what a server called it, and the
    size.
    """
    image = read_image(data)
    values: dict[str, Any] = {
        "digest": hashlib.sha256(data).hexdigest(),
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "data": data,
        "large_digest": "",
        "large_width": 0,
        "large_height": 0,
        "large_data": large,
    }
    if large:
        wide = read_image(large)
        values |= {"large_width": wide.width, "large_height": wide.height}
        values["large_digest"] = hashlib.sha256(large).hexdigest()
    Thumbnail.objects.update_or_create(paper_id=paper_id, defaults=values)


def read_thumbnail(paper_id: int, digest: str) -> KeptPicture | None:
    """Return the picture of a paper that is shown, in the size that has this digest, or None."""
    rows = Thumbnail.objects.filter(paper=paper_id, paper__hidden=False)
    for name in ("data", "large_data"):
        known = {f"{name.removesuffix('data')}digest__startswith": digest}
        if found := rows.filter(**known).values_list(name, flat=True).first():
            data = bytes(found)
            return KeptPicture(read_image(data).media_type, data)
    return None


def read_image(data: bytes) -> Image:
    """Return what a PNG, JPEG or WebP is; `PictureError` for anything else, or one too large."""
    if len(data) > MOST_BYTES:
        raise PictureError(f"a picture of {len(data)} bytes: write it anew below {MOST_BYTES}")
    try:
        image = _read_png(data) or _read_webp(data) or _read_jpeg(data)
    except (struct.error, IndexError):
        image = None
    if image is None:
        raise PictureError("neither a PNG, a JPEG nor a WebP: give one of these")
    if not (1 <= image.width <= MOST_PIXELS and 1 <= image.height <= MOST_PIXELS):
        size = f"{image.width}×{image.height}"
        raise PictureError(f"a picture of {size} pixels: write it anew below {MOST_PIXELS} a side")
    return image


def _read_png(data: bytes) -> Image | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    return Image("image/png", *struct.unpack(">II", data[16:24]))


def _read_webp(data: bytes) -> Image | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        return Image("image/webp", width, 1 + int.from_bytes(data[27:30], "little"))
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return Image("image/webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return Image("image/webp", width & 0x3FFF, height & 0x3FFF)
    return None


def _read_jpeg(data: bytes) -> Image | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Image("image/jpeg", width, height)
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None
