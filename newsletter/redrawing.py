"""Pictures from strangers, decoded and written anew: only their pixels are kept. Pure.

Decoders have had holes, so `redraw_apart` runs this file in a process of its own: without the
environment, files or database of its parent, and with limits on memory and time that the kernel
keeps.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")  # of an animation the first frame
MOST_PIXELS = 16_000_000  # decoded: 64 MB
LEAST_SIDE = 32  # pixels: less shows nothing
LONGEST_SHAPE = 6  # times as long as wide, or the other way
SMALL, LARGE = (320, 480), (960, 1200)  # pixels: the boxes of the list's and the paper's picture
QUALITIES = (80, 60, 40, 20)  # the first that comes out small enough
MOST_WRITTEN = 150_000  # bytes

SECONDS = 10  # of a picture, by the clock and of the processor
MEMORY = 768 * 1024**2  # bytes of address space
REFUSED = 3  # the child's exit code where the picture is at fault
LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")  # what Python itself may need
_HEAD = struct.Struct(">II")


class DrawingError(ValueError):
    """Bytes that are no picture, or one not to be decoded here; the text says why."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture written anew as WebP; `large` is empty where the first had no more to show."""

    small: bytes
    large: bytes


def redraw_apart(data: bytes) -> Drawn:
    """As `redraw`, in a process of its own that can take nothing along if it is taken over."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            env={name: os.environ[name] for name in LOADER if name in os.environ},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DrawingError(f"decoding took more than {SECONDS} seconds") from None
    if done.returncode == REFUSED:
        raise DrawingError(done.stderr.decode("utf-8", "replace").strip()[:300])
    if done.returncode or len(done.stdout) < _HEAD.size:
        raise DrawingError(f"the decoder ended without a picture (exit code {done.returncode})")
    first, second = _HEAD.unpack_from(done.stdout)
    body = done.stdout[_HEAD.size :]
    if len(body) != first + second:
        raise DrawingError("the decoder ended within the picture")
    return Drawn(body[:first], body[first:])


def redraw(data: bytes) -> Drawn:
    """Return what the picture shows, in two sizes, without anything else its file carried.

    Raises DrawingError for another format, a broken one, and one too large or too small.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # checked here, before anything is decoded
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            _check_size(*opened.size)
            opened.draft("RGB", LARGE)  # a JPEG decodes to a fraction of its size
            upright = ImageOps.exif_transpose(opened)
            plain = _flatten(upright)
    except DrawingError:
        raise
    except UnidentifiedImageError:
        raise DrawingError("neither a PNG, a JPEG, a WebP nor a GIF") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError) as error:
        raise DrawingError(f"broken: {type(error).__name__}: {error}"[:300]) from error
    small = plain.copy()
    small.thumbnail(SMALL, Image.Resampling.LANCZOS, reducing_gap=3)
    large = b""
    if plain.width > small.width * 3 // 2:
        plain.thumbnail(LARGE, Image.Resampling.LANCZOS, reducing_gap=3)
        large = _write(plain)
    # Noise can be larger at any quality: then the small one has to do.
    return Drawn(_write(small), large if len(large) <= MOST_WRITTEN else b"")


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise DrawingError(f"{width}×{height} pixels: more than the {MOST_PIXELS} decoded here")
    if min(width, height) < LEAST_SIDE:
        raise DrawingError(f"{width}×{height} pixels: too small to show anything")
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise DrawingError(f"{width}×{height} pixels: a strip, not a picture")


def _flatten(image: Picture) -> Picture:
    """Return the picture in plain RGB, what is transparent of it white as paper."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGB", layer.size, "white")
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def _write(image: Picture) -> bytes:
    image.info.clear()  # comments, EXIF, profiles
    for quality in QUALITIES:
        out = BytesIO()
        image.save(out, "WEBP", quality=quality, method=4, exif=b"", icc_profile=b"", xmp=b"")
        if out.tell() <= MOST_WRITTEN:
            break
    return out.getvalue()


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        with suppress(ValueError, OSError):  # not every system knows each
            resource.setrlimit(what, (most, most))


def main() -> int:
    """Read a picture on standard input, write it anew on standard output."""
    data = sys.stdin.buffer.read()
    _limit()
    try:
        drawn = redraw(data)
    except DrawingError as error:
        sys.stderr.write(str(error))
        return REFUSED
    sys.stdout.buffer.write(_HEAD.pack(len(drawn.small), len(drawn.large)))
    sys.stdout.buffer.write(drawn.small + drawn.large)
    return 0


if __name__ == "__main__":
    sys.exit(main())
