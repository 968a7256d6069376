"""The lines of a card with its texts written in, escaped as lxml writes them, and encoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from newsletter.mail import quoted
from newsletter.mail.inliner import Unprovable, is_plain_address
from newsletter.mail.parts import Item
from newsletter.mail.plain import wrap_line
from newsletter.mail.quoted import CRLF, encode_lines
from newsletter.matching.display import Segment

# What `clean_body` or an HTML parser would drop or change; a newline ends the line.
_CHANGED = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff00-\ufff8"
    "\ufffc\ufffd\U00010000-\U0001fffd]"
)


class Line(NamedTuple):
    """A line with holes: one piece more than holes; which value each is, and if an address."""

    pieces: tuple[str, ...]
    holes: tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line with one run in it: what comes before and after it, and around a marked piece."""

    run: int
    before: Line
    begin: str
    end: str
    after: Line


@dataclass(frozen=True, slots=True)
class Block:
    """Lines without a run, which are the same in all letters with this paper; numbered."""

    number: int
    lines: tuple[Item | Line, ...]


def fill_block(block: Block, values: Sequence[str], in_html: bool = True) -> list[Item]:
    """Return a block's items, its holes filled and its lines encoded."""
    items: list[Item] = []
    for item in block.lines:
        if not isinstance(item, Line):
            made = item
        elif in_html:
            made = encode_html("".join(_fill(item, values, in_html=True)))
        else:
            made = encode_text("".join(_fill(item, values, in_html=False)))
        if isinstance(made, bytes) and items and isinstance(items[-1], bytes):
            items[-1] += made
        else:
            items.append(made)
    return items


def fill_run(
    line: RunLine, values: Sequence[str], segments: Iterable[Segment], *, in_html: bool
) -> str:
    out = list(_fill(line.before, values, in_html=in_html))
    begin, end = line.begin, line.end
    for text, marked in segments:
        if in_html and ("&" in text or "<" in text or ">" in text):
            text = _escape(text)
        if marked:
            out += (begin, text, end)
        else:
            out.append(text)
    out += _fill(line.after, values, in_html=in_html)
    return "".join(out)


def _fill(line: Line, values: Sequence[str], *, in_html: bool) -> Sequence[str]:
    if not line.holes:
        return line.pieces
    out = [line.pieces[0]]
    for (number, is_address), piece in zip(line.holes, line.pieces[1:], strict=True):
        value = values[number]
        if is_address and not is_plain_address(value):
            raise Unprovable("an address that lxml would rewrite")
        out += (_escape(value) if in_html else value, piece)
    return out


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def encode_html(line: str) -> bytes:
    _check(line)
    if line.strip() != line:
        raise Unprovable("a line that would be tightened")
    return quoted.encode_text(line) + CRLF


def encode_text(line: str) -> bytes:
    _check(line)
    line = line.rstrip()
    if not line:
        raise Unprovable("a line that would be blank")
    return encode_lines(wrap_line(line))


def _check(line: str) -> None:
    if _CHANGED.search(line):
        raise Unprovable("a text that would be cleaned")
