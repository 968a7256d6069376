"""Encoded parts of a letter, with holes for what is a reader's own.

A part's items are bytes that are ready, addresses to be put in as they are, and lines that are
written anew for each reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from django.utils.html import escape

from newsletter.mail import filling
from newsletter.mail.headers import clean_body
from newsletter.mail.inliner import Inliner, Stack, Unprovable, as_lxml, follow, is_odd
from newsletter.mail.layout import COUNT, HTML_MARKS, MARK, PREHEADER
from newsletter.mail.lru import Recent
from newsletter.mail.plain import wrap_line
from newsletter.mail.quoted import (
    CRLF,
    PLAIN,
    SOFT,
    encode_address,
    encode_before,
    encode_lines,
    encode_text,
)

# Where the reader's own address stands in a card; told by its identity.
HOLE = bytes(bytearray(b"zqHOLE"))


class Address(NamedTuple):
    """An address of the reader's own, inside a line that is encoded around it."""

    mark: str


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line with texts of the reader's own; of HTML, before it is inlined, if `stack` is set."""

    line: str
    stack: Stack | None
    marks: tuple[str, ...]
    pieces: tuple[str, ...]
    is_shared: bool  # whether many readers have the same in it: not the sentences that count
    number: int  # one for the same line of all frames

    @classmethod
    def cut(cls, line: str, stack: Stack | None) -> OwnLine:
        """Return a line cut at its marks."""
        pieces = MARK.split(line)
        marks = tuple(pieces[1::2])
        is_shared = COUNT not in marks and PREHEADER not in marks
        number = _numbers.get((line, stack), next, _counter)
        return cls(line, stack, marks, tuple(pieces[::2]), is_shared, number)


@dataclass(frozen=True, slots=True)
class OwnPieces:
    """A line of HTML inlined and cut at its marks, which stand between tags; encoded.

    The sentence that counts is itself HTML: `stack` is what it stands in. `whole` is the line for
    texts that cannot be put in so.
    """

    pieces: tuple[bytes, ...]
    marks: tuple[str, ...]
    stack: Stack
    whole: OwnLine


_counter = count()
_numbers: Recent[tuple[str, Stack | None], int] = Recent(10_000)
_stacks: dict[Stack, Stack] = {}  # those that the sentence that counts stands in, each once

Item = bytes | Address | OwnLine | OwnPieces
Values = Mapping[str, str]  # a mark: what stands in its place, as it is said


class Chunk(NamedTuple):
    """Lines of the text part: whether blank ones come first, the others, and blank ones last."""

    lead: bool
    items: tuple[Item, ...]
    trail: bool


def compile_html(
    lines: Iterable[str], stack: Stack, inliner: Inliner
) -> tuple[tuple[Item, ...], Stack]:
    """Return lines as items, and what the next line stands in."""
    items: list[Item] = []
    for line in lines:
        marks = MARK.findall(line)
        inlined, after = inliner.inline_line(line, stack)
        if all(mark.startswith("https:") for mark in marks):
            items += _cut_addresses(inlined, len(marks))
        else:
            whole = OwnLine.cut(line, stack)
            items.append(_cut_pieces(inlined, whole) or whole)
        stack = after
    return merge_items(items), stack


def _cut_pieces(inlined: str, whole: OwnLine) -> OwnPieces | None:
    """Return an inlined line cut at its marks, None where one stands within a tag."""
    *before, last = MARK.split(inlined)
    texts, marks = before[::2], before[1::2]
    so_far = ""
    for text, mark in zip(texts, marks, strict=True):
        so_far += text
        if mark.startswith("https:") != (so_far.rfind("<") > so_far.rfind(">")):
            return None
    stack: Stack = ()
    if COUNT in marks:
        if marks.count(COUNT) > 1 or whole.line.count(COUNT) > 1:
            return None
        stack = follow(whole.line.partition(COUNT)[0], whole.stack or ())
        stack = _stacks.setdefault(stack, stack)
    pieces = [*[encode_before(text) for text in texts], encode_text(last) + CRLF]
    return OwnPieces(tuple(pieces), tuple(marks), stack, whole)


def _cut_addresses(line: str, number: int) -> list[Item]:
    *before, last = MARK.split(line)
    if len(before) != 2 * number:
        raise Unprovable("an address that does not stay in its line")
    items: list[Item] = []
    for text, mark in zip(before[::2], before[1::2], strict=True):
        items += (encode_before(text), Address(mark))
    items.append(encode_text(last) + CRLF)
    return items


def compile_text(lines: Iterable[str]) -> Chunk:
    """Return lines, wrapped as `plain.fill` does, as a chunk."""
    items: list[Item] = []
    lead, blank = False, False
    for line in lines:
        line = line.rstrip()
        if not line:
            blank = True
            continue
        if blank and items:
            items.append(CRLF)
        lead, blank = lead or (blank and not items), False
        marks = MARK.findall(line)
        if not marks:
            items.append(encode_lines(wrap_line(line)))
        elif line.strip(" ") == marks[0] and marks[0].startswith("https:"):
            items += (b" " * (len(line) - len(marks[0])), Address(marks[0]), CRLF)
        else:
            items.append(OwnLine.cut(line, None))
    return Chunk(lead or (blank and not items), merge_items(items), blank)


def merge_items(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return items with neighbouring bytes joined."""
    merged: list[Item] = []
    for item in items:
        if isinstance(item, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += item
        elif item != b"":
            merged.append(item)
    return tuple(merged)


def write_address(url: str) -> bytes:
    """Return an address as it stands in a line of HTML, the soft break behind it included."""
    return _encode(url) + SOFT


def write_plain_address(url: str) -> bytes:
    """Return an address as it stands behind an indent in a line of text."""
    return _encode(url, 70)


def write_own_address(url: str) -> tuple[bytes, bytes]:
    """Return an address as it stands in HTML and as it stands in text."""
    if not PLAIN.fullmatch(url):
        raise Unprovable("an address with characters that are escaped")
    return encode_address(url) + SOFT, encode_address(url, 70)


def _encode(url: str, room: int = 75) -> bytes:
    if not PLAIN.fullmatch(url):
        raise Unprovable("an address with characters that are escaped")
    return encode_address(url, room)


def write_text(value: str) -> bytes | None:
    """Return a text as it stands between tags, with a soft break; None where one must look."""
    if not (value.isascii() and value.isprintable()):
        value = clean_body(value)
        if "\n" in value or is_odd(value):
            raise Unprovable("a text of more than one line, or that HTML parsers change")
    if not value or value[0].isspace() or value[-1].isspace():
        return None
    return encode_before(filling.escape(value))


def write_count(part: str, stack: Stack, inliner: Inliner) -> bytes:
    """Return a part of the sentence that counts, with a soft break; it stands in `stack`."""
    inlined, after = inliner.inline_line(clean_body(part), stack)
    if after != stack or "\n" in inlined:
        raise Unprovable("a part of a sentence that does not end where it began")
    return encode_before(inlined)


def write_own_html(item: OwnLine, values: Values, inliner: Inliner) -> bytes:
    """Return a line of HTML with the reader's own put in."""
    in_html = {
        mark: values[mark] if mark in HTML_MARKS else escape(values[mark]) for mark in item.marks
    }
    if item.stack is None:  # of the head: inlined before
        texts = {mark: as_lxml("text", value) for mark, value in in_html.items()}
        return encode_text(_fill(item, texts)) + CRLF
    inlined, _ = inliner.inline_line(_fill(item, in_html).strip(), item.stack)
    return encode_text(inlined) + CRLF


def write_own_text(item: OwnLine, values: Values) -> bytes:
    """Return a line of text with the reader's own put in, wrapped."""
    line = _fill(item, values).rstrip()
    if not line:
        raise Unprovable("a line that would be blank")
    return encode_lines(wrap_line(line))


def _fill(item: OwnLine, values: Values) -> str:
    out = [item.pieces[0]]
    for mark, piece in zip(item.marks, item.pieces[1:], strict=True):
        value = values[mark]
        if not (value.isascii() and value.isprintable()):
            value = clean_body(value)
        out += (value, piece)
    filled = "".join(out)
    if "\n" in filled:
        raise Unprovable("a text of more than one line")
    return filled
