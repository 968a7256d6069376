"""Pictures for the sample's papers, drawn by a die: each is like a figure of a paper, of nothing.

The same title always gives the same picture.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 960, 640
SCALE = 2  # drawn larger and reduced: smooth edges
PAPER, INK, GRID = (255, 254, 251), (68, 64, 60), (228, 224, 217)
COLOURS = ((154, 52, 18), (30, 88, 122), (101, 116, 58), (196, 138, 46), (112, 74, 122))

Draw = ImageDraw.ImageDraw
Point = tuple[float, float]


def draw_figure(title: str) -> bytes:
    """Return a PNG of 960 × 640 pixels."""
    seed = int.from_bytes(hashlib.sha256(title.encode()).digest()[:8])
    dice = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    FIGURES[seed % len(FIGURES)](image, ImageDraw.Draw(image), dice)
    out = BytesIO()
    image.reduce(SCALE).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _colours(dice: Generator, count: int) -> list[tuple[int, int, int]]:
    first = int(dice.integers(len(COLOURS)))
    return [COLOURS[(first + n) % len(COLOURS)] for n in range(count)]


def _light(colour: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(p + (c - p) * share) for c, p in zip(colour, PAPER, strict=True))
    return red, green, blue


def _axes(draw: Draw) -> tuple[int, int, int, int]:
    """Draw a frame with a grid; return its left, top, right and bottom."""
    left, top, right, bottom = 150, 90, WIDTH * SCALE - 90, HEIGHT * SCALE - 130
    for n in range(1, 6):
        y = bottom - (bottom - top) * n / 5
        draw.line((left, y, right, y), GRID, 3)
    draw.line((left, top - 20, left, bottom), INK, 6)
    draw.line((left, bottom, right + 20, bottom), INK, 6)
    for n in range(7):
        x = left + (right - left) * n / 6
        draw.line((x, bottom, x, bottom + 20), INK, 5)
    return left, top, right, bottom


def _curves(image: Image.Image, draw: Draw, dice: Generator) -> None:
    left, top, right, bottom = _axes(draw)
    x = np.linspace(0, 1, 160)
    for colour in _colours(dice, 3):
        rise, end = dice.uniform(2, 9), dice.uniform(0.45, 0.93)
        y = 0.06 + (end - 0.06) * (1 - np.exp(-rise * x)) / (1 - math.exp(-rise))
        y += np.convolve(dice.normal(0, 0.03, 180), np.ones(21) / 21, "valid") * np.sqrt(x + 0.1)
        spread = (0.02 + 0.05 * np.exp(-3 * x)) * dice.uniform(0.6, 1.4)
        across = left + x * (right - left)
        high, low = (bottom - (y + side * spread) * (bottom - top) for side in (1, -1))
        around = [*zip(across, high, strict=True), *zip(across[::-1], low[::-1], strict=True)]
        veil = Image.new("L", image.size)
        ImageDraw.Draw(veil).polygon([(float(a), float(b)) for a, b in around], 52)
        image.paste(colour, mask=veil)
        line = zip(across, bottom - y * (bottom - top), strict=True)
        draw.line([(float(a), float(b)) for a, b in line], colour, 13, joint="curve")


def _matrix(image: Image.Image, draw: Draw, dice: Generator) -> None:
    count = int(dice.integers(13, 20))
    side = (HEIGHT * SCALE - 160) // count
    left, top = (WIDTH * SCALE - side * count) // 2, 80
    near = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    heat = np.exp(-near / dice.uniform(1, 4)) + dice.random((count, count)) * 0.45
    heat[:, dice.integers(0, count, 2)] += 0.5
    heat /= heat.max()
    colour = _colours(dice, 1)[0]
    for (row, column), value in np.ndenumerate(heat):
        if column <= row or count % 2:
            x, y = left + column * side, top + row * side
            draw.rectangle((x, y, x + side - 5, y + side - 5), _light(colour, float(value)))


def _clusters(image: Image.Image, draw: Draw, dice: Generator) -> None:
    left, top, right, bottom = _axes(draw)
    for colour in _colours(dice, int(dice.integers(3, 6))):
        middle = dice.uniform((0.16, 0.18), (0.84, 0.82))
        turn, (long, short) = dice.uniform(0, math.pi), dice.uniform((0.05, 0.02), (0.12, 0.06))
        spread = dice.normal(0, 1, (90, 2)) * (long, short)
        cosine, sine = math.cos(turn), math.sin(turn)
        points = spread @ np.array([[cosine, sine], [-sine, cosine]]) + middle
        for x, y in points.clip(0.02, 0.98):
            at = left + x * (right - left), bottom - y * (bottom - top)
            draw.circle(at, 15, _light(colour, 0.72), PAPER, 3)


def _network(image: Image.Image, draw: Draw, dice: Generator) -> None:
    layers = [int(n) for n in dice.integers(3, 8, int(dice.integers(4, 6)))]
    columns: list[list[Point]] = []
    for place, count in enumerate(layers):
        x = 190 + (WIDTH * SCALE - 380) * place / (len(layers) - 1)
        gap = (HEIGHT * SCALE - 200) / max(layers)
        first = HEIGHT * SCALE / 2 - gap * (count - 1) / 2
        columns.append([(x, first + gap * n) for n in range(count)])
    colours = _colours(dice, len(columns))
    for before, after in pairwise(columns):
        for start in before:
            for end in after:
                if (weight := float(dice.random())) > 0.25:
                    draw.line((*start, *end), _light(INK, 0.08 + 0.4 * weight**2), 5)
    for colour, column in zip(colours, columns, strict=True):
        for point in column:
            draw.circle(point, 46, _light(colour, float(dice.uniform(0.35, 1))), PAPER, 8)


def _bars(image: Image.Image, draw: Draw, dice: Generator) -> None:
    left, top, right, bottom = _axes(draw)
    groups, colours = int(dice.integers(4, 7)), _colours(dice, 3)
    room = (right - left) / groups
    for group in range(groups):
        base = dice.uniform(0.25, 0.6)
        for place, colour in enumerate(colours):
            value = min(0.95, base + 0.11 * place + float(dice.normal(0, 0.05)))
            x = left + room * (group + 0.14) + place * room * 0.25
            y = bottom - value * (bottom - top)
            draw.rectangle((x, y, x + room * 0.22, bottom), colour)
            middle, error = x + room * 0.11, float(dice.uniform(14, 44))
            draw.line((middle, y - error, middle, y + error), INK, 6)
            draw.line((middle - 14, y - error, middle + 14, y - error), INK, 6)


def _field(image: Image.Image, draw: Draw, dice: Generator) -> None:
    across, down = np.meshgrid(np.linspace(0, 3, 240), np.linspace(0, 2, 160))
    height = np.zeros_like(across)
    for _ in range(6):
        x, y, size = dice.uniform((0, 0, 0.25), (3, 2, 0.7))
        height += dice.uniform(-1, 1) * np.exp(-((across - x) ** 2 + (down - y) ** 2) / size**2)
    small = (height - height.min()) / (height.max() - height.min())
    smooth = Image.fromarray(small.astype(np.float32)).resize(image.size, Image.Resampling.BICUBIC)
    height = np.asarray(smooth).clip(0, 1)
    low, high = _colours(dice, 2)
    steps = np.floor(height * 11) / 11
    side = np.where(steps < 0.5, 1 - 2 * steps, 2 * steps - 1)[..., None] * 0.9
    colour = np.where((steps < 0.5)[..., None], np.array(low), np.array(high))
    pixels = np.array(PAPER) + (colour - np.array(PAPER)) * side.astype(np.float32)
    image.paste(Image.fromarray(pixels.astype(np.uint8)))


def _chain(image: Image.Image, draw: Draw, dice: Generator) -> None:
    turns = np.cumsum(np.convolve(dice.normal(0, 0.6, 420), np.ones(9) / 9, "same"))
    path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)]), axis=1)
    path -= path.min(axis=1, keepdims=True)
    path /= (path.max(axis=1) / (WIDTH * SCALE - 320, HEIGHT * SCALE - 260))[:, None]
    points = [(float(x) + 160, float(y) + 130) for x, y in path.T]
    colours = _colours(dice, 4)
    for place in range(0, len(points) - 12, 12):
        colour = colours[place * len(colours) // len(points)]
        draw.line(points[place : place + 14], PAPER, 40, joint="curve")
        draw.line(points[place : place + 14], colour, 26, joint="curve")
    for place in range(0, len(points), 30):
        draw.circle(points[place], 17, PAPER, INK, 6)


def _strips(image: Image.Image, draw: Draw, dice: Generator) -> None:
    rows, columns = 11, 34
    wide, tall = (WIDTH * SCALE - 200) / columns, (HEIGHT * SCALE - 200) / rows
    letters = dice.integers(0, 4, columns)
    colours = _colours(dice, 4)
    for row in range(rows):
        start = int(dice.integers(0, 5))
        end = columns - int(dice.integers(0, 5))
        for column in range(start, end):
            letter = int(letters[column] if dice.random() < 0.82 else dice.integers(0, 4))
            if dice.random() < 0.05:
                continue
            x, y = 100 + column * wide, 100 + row * tall
            shade = _light(colours[letter], 0.85 if letter == letters[column] else 0.35)
            draw.rectangle((x, y, x + wide - 6, y + tall - 22), shade)


Figure = Callable[[Image.Image, Draw, Generator], None]
FIGURES: tuple[Figure, ...] = (
    _curves, _matrix, _clusters, _network, _bars, _field, _chain, _strips,
)  # fmt: skip
