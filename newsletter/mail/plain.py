"""The text part's lines: wrapped to a terminal's width, addresses left whole. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WIDTH = 76  # columns; 78 less the "> " of a first reply

_BULLET = re.compile(r" *(?:[•*-] )?")
# What may take another number of columns than one, or be no single space between two words.
_UNEVEN = re.compile(
    "[^ -~\u00a0-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u0482\u048a-\u052f"
    "\u2010-\u2027\u2030-\u205e\u2190-\u22ff\u25a0-\u25cf]|  |^ | $"
)


def fill(text: str) -> str:
    """Return `text` with every line wrapped, hanging under its indent, and lone blank lines."""
    lines: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip()
        if line:
            lines.extend(wrap_line(line))
        elif lines and lines[-1]:
            lines.append("")
    return "\n".join(lines).strip("\n") + "\n"


def wrap_line(line: str) -> Iterator[str]:
    """Yield `line` in pieces of at most WIDTH columns; a word that holds an address stays whole."""
    if len(line) <= WIDTH and line.isascii() and "  " not in line.lstrip(" "):
        yield line
        return
    lead = _BULLET.match(line)
    head = lead.group() if lead else ""
    indent = " " * len(head)
    if even := _wrap_even(line[len(head) :], WIDTH - len(head)):
        yield head + even[0]
        for rest in even[1:]:
            yield indent + rest
        return
    current, used = head, len(head)
    empty = True
    for word, width in _words(line[len(head) :], WIDTH - len(head)):
        if not empty and used + 1 + width > WIDTH:
            yield current
            current, used, empty = indent, len(indent), True
        current += word if empty else f" {word}"
        used += width if empty else 1 + width
        empty = False
    yield current


def _wrap_even(text: str, room: int) -> list[str]:
    """Return a text whose characters take a column each in lines; none where one must look."""
    plain = text.isascii() and text.isprintable()
    if "  " in text or text[:1] == " " or text[-1:] == " " if plain else _UNEVEN.search(text):
        return []
    lines, at, last = [], 0, len(text) - room
    while at < last:
        cut = text.rfind(" ", at, at + room + 1)
        if cut <= at:
            return []
        lines.append(text[at:cut])
        at = cut + 1
    lines.append(text[at:])
    return lines


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def _words(text: str, room: int) -> Iterator[tuple[str, int]]:
    """Yield the words of `text`, and how many columns each takes."""
    for word in text.split(" "):
        if not word:
            continue
        width = len(word) if word.isascii() else columns(word)
        if width <= room or "://" in word:
            yield word, width
        else:
            yield from _pieces(word, room)


def _pieces(word: str, room: int) -> Iterator[tuple[str, int]]:
    """Yield a word that fits no line (a formula, Chinese) in pieces that do."""
    piece, used = "", 0
    for character in word:
        cells = _cells(character)
        if used + cells > room:
            yield piece, used
            piece, used = "", 0
        piece += character
        used += cells
    yield piece, used
