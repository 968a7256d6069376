"""Pictures of strangers are drawn anew, or refused: broken, huge, or no picture at all."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from newsletter import redrawing
from newsletter.redrawing import LARGE, MOST_WRITTEN, SMALL, DrawingError, redraw, redraw_apart
from newsletter.thumbnails import read_image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def paint(size: tuple[int, int] = (1200, 648), kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.save(out, kind, **options)
    return out.getvalue()


def make_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to width × height pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * min(height, 20_000)), 9)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_draws_a_picture_anew_in_two_sizes(kind: str) -> None:
    drawn = redraw_apart(paint(kind=kind))
    small, large = read_image(drawn.small), read_image(drawn.large)
    assert (small.media_type, small.width, small.height) == ("image/webp", SMALL[0], 173)
    assert (large.media_type, large.width, large.height) == ("image/webp", LARGE[0], 518)


def test_it_keeps_one_size_of_a_small_picture() -> None:
    drawn = redraw(paint((300, 200)))
    assert read_image(drawn.small).width == 300
    assert drawn.large == b""


def test_it_keeps_nothing_beside_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif[0x0112] = 6  # turned by a quarter
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "a secret place")
    turned = redraw(paint((1600, 900), "JPEG", exif=exif, comment=b"a secret place"))
    assert read_image(turned.small).height > read_image(turned.small).width
    for data in (turned.small, turned.large, redraw(paint(pnginfo=notes, exif=exif)).large):
        assert b"secret" not in data
        with Image.open(BytesIO(data)) as image:
            assert not image.getexif()
            assert not set(image.info) & {"exif", "xmp", "icc_profile", "comment"}


def test_it_shows_the_first_frame_on_white_paper() -> None:
    first, second = Image.new("RGBA", (64, 64), (0, 0, 0, 0)), Image.new("RGBA", (64, 64), "red")
    out = BytesIO()
    first.save(out, "WEBP", save_all=True, append_images=[second], lossless=True)
    with Image.open(BytesIO(redraw(out.getvalue()).small)) as image:
        assert getattr(image, "n_frames", 1) == 1
        assert min(image.convert("RGB").getpixel((32, 32))) > 250  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SVG, "neither a PNG"),
        (b"<html>please wait</html>", "neither a PNG"),
        (b"", "neither a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "neither a PNG"),
        (paint(kind="BMP"), "neither a PNG"),
        (paint(kind="TIFF"), "neither a PNG"),
        (paint()[:-300], "broken"),
        (paint(kind="JPEG")[:4000], "broken"),
        (b"GIF89a" + bytes(40), "neither a PNG"),
        (make_bomb(50_000, 50_000), "more than"),
        (make_bomb(1, 1), "too small"),
        (paint((2000, 40)), "a strip"),
    ],
    ids=["svg", "html", "empty", "eps", "bmp", "tiff", "cut png", "cut jpeg", "zeros", "bomb",
         "dot", "strip"],
)  # fmt: skip
def test_it_refuses_what_is_no_picture_to_keep(data: bytes, why: str) -> None:
    with pytest.raises(DrawingError, match=why):
        redraw_apart(data)


def test_it_decodes_the_largest_within_its_memory() -> None:
    drawn = redraw_apart(make_bomb(4000, 4000))
    assert read_image(drawn.large).width == LARGE[0]


@pytest.mark.parametrize(("sigma", "height"), [(16, LARGE[1]), (250, 0)])
def test_it_writes_noise_small_enough_to_be_kept(sigma: int, height: int) -> None:
    noise = Image.effect_noise((1200, 1500), sigma).convert("RGB")
    out = BytesIO()
    noise.save(out, "JPEG")
    drawn = redraw(out.getvalue())
    assert max(len(drawn.small), len(drawn.large)) <= MOST_WRITTEN
    assert (read_image(drawn.large).height if drawn.large else 0) == height


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_draws_or_refuses_whatever_is_broken(kind: str) -> None:
    good, dice = paint((200, 150), kind), random.Random(kind)
    for _ in range(60):
        broken = bytearray(good[: dice.choice([len(good), len(good) * 3 // 4])])
        for _ in range(dice.randint(1, 12)):
            broken[dice.randrange(min(len(broken), 600))] = dice.randrange(256)
        with warnings.catch_warnings(), suppress(DrawingError):
            warnings.simplefilter("ignore")
            assert read_image(redraw(bytes(broken)).small).media_type == "image/webp"


def test_it_ends_a_decoder_that_goes_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrawing, "SECONDS", 0.05)
    with pytest.raises(DrawingError, match=r"more than 0\.05 seconds"):
        redraw_apart(paint((3000, 3000)))


def test_its_child_has_neither_memory_nor_environment_to_give_away() -> None:
    probe = (
        "import os, resource, runpy, sys\n"
        f"space = runpy.run_path({redrawing.__file__!r})\n"
        "space['_limit']()\n"
        "try:\n    bytes(900 * 1024**2)\n"
        "except MemoryError:\n    print('no memory')\n"
        "print(sorted(name for name in os.environ if 'PAPER' in name or 'DJANGO' in name))\n"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", probe], capture_output=True, text=True, env={}, check=False
    )
    assert found.stdout.split("\n")[0] == "no memory", found.stderr
    assert "[]" in found.stdout
