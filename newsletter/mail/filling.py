"""The lines of a card with its texts written in, escaped as lxml writes them, and encoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from newsletter.mail import quoted
from newsletter.mail.inliner import Unprovable, is_plain_address
from newsletter.mail.letter import Turns
from newsletter.mail.plain import wrap_line
from newsletter.mail.quoted import CRLF, encode_before, encode_lines
from newsletter.matching.display import Marked

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


class HtmlRun(NamedTuple):
    """A run in a line of HTML whose other texts are written: what is around a marked piece."""

    number: int  # one for all runs that are set alike
    begin: str
    end: str
    is_first: bool  # in its line
    is_last: bool

    def encode(self, marked: Marked) -> bytes:
        """Return the run encoded; where a line goes on after it, with a soft break."""
        return self._finish(self._fill(marked))

    def encode_part(self, turns: Turns) -> bytes:
        """Return a part of a run, which is never all of a line, encoded with a soft break."""
        out = [escape(turns[0])]
        for marked, plain in zip(turns[1::2], turns[2::2], strict=True):
            out += (self.begin, escape(marked), self.end, escape(plain))
        body = "".join(out)
        _check(body)
        return encode_before(body)

    def _fill(self, marked: Marked) -> str:
        text, marks, at, end = marked
        odd = "&" in text or "<" in text or ">" in text
        if not marks and not odd:
            return text[at:end]
        out: list[str] = []
        for first, last in marks:
            out += (text[at:first], self.begin, text[first:last], self.end)
            at = last
        out.append(text[at:end])
        if odd:
            for place in range(0, len(out), 2):
                out[place] = escape(out[place])
        return "".join(out)

    def _finish(self, body: str) -> bytes:
        _check(body)
        if (self.is_first and body[:1].isspace()) or (self.is_last and body[-1:].isspace()):
            raise Unprovable("a line that would be tightened")
        return quoted.encode_text(body) if self.is_last else encode_before(body)


class TextRun(NamedTuple):
    """A run in a line of text whose other texts are written: its lines are wrapped as one."""

    number: int
    before: str
    begin: str
    end: str
    after: str

    def encode(self, marked: Marked) -> bytes:
        """Return the line with its run, wrapped and encoded."""
        text, marks, at, end = marked
        if not marks or not (self.begin or self.end):
            return encode_text(f"{self.before}{text[at:end]}{self.after}")
        out = [self.before]
        for first, last in marks:
            out += (text[at:first], self.begin, text[first:last], self.end)
            at = last
        out += (text[at:end], self.after)
        return encode_text("".join(out))

    def set_part(self, turns: Turns) -> str:
        """Return a part of a run as it stands in its line."""
        out = [turns[0]]
        for marked, plain in zip(turns[1::2], turns[2::2], strict=True):
            out += (self.begin, marked, self.end, plain)
        return "".join(out)

    def encode_whole(self, parts: Iterable[str]) -> bytes:
        """Return the line with a run of these parts, wrapped and encoded."""
        return encode_text(f"{self.before}{''.join(parts)}{self.after}")


def fill_line(line: Line, values: Sequence[str], *, in_html: bool) -> str:
    """Return a line with its holes filled."""
    if not line.holes:
        return line.pieces[0]
    out = [line.pieces[0]]
    for (number, is_address), piece in zip(line.holes, line.pieces[1:], strict=True):
        value = values[number]
        if is_address and not is_plain_address(value):
            raise Unprovable("an address that lxml would rewrite")
        out += (escape(value) if in_html else value, piece)
    return "".join(out)


def escape(text: str) -> str:
    """Return a text as lxml writes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def encode_html(line: str) -> bytes:
    """Return a line of HTML encoded; `Unprovable` where cleaning would change it."""
    if line[:1].isspace():
        raise Unprovable("a line that would be tightened")
    return encode_tail(line)


def encode_text(line: str) -> bytes:
    """Return a line of text wrapped and encoded; `Unprovable` where cleaning would change it."""
    _check(line)
    line = line.rstrip()
    if not line:
        raise Unprovable("a line that would be blank")
    return encode_lines(wrap_line(line))


def encode_head(text: str) -> bytes:
    """Return what a line of HTML begins with, encoded, with a soft break."""
    _check(text)
    if text.lstrip() != text:
        raise Unprovable("a line that would be tightened")
    return encode_before(text)


def encode_tail(text: str) -> bytes:
    """Return what a line of HTML ends with, encoded, and the line's end."""
    _check(text)
    if text.rstrip() != text:
        raise Unprovable("a line that would be tightened")
    return quoted.encode_text(text) + CRLF


def _check(line: str) -> None:
    if line.isascii() and line.isprintable():
        return  # the usual, told three times as fast
    if _CHANGED.search(line):
        raise Unprovable("a text that would be cleaned")
