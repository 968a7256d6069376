"""Cards by their shape: the templates are rendered once for all cards with the same fields filled.

Two cards have the same shape if the same fields are there, cut at as many marked words, with the
same labels. The card templates are rendered for a shape with a mark in place of each text and
address, and a card is its shape with its texts written in, escaped as lxml writes them. The first
card of a shape is rendered as well: where it differs, the shape is not used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from newsletter.mail.headers import clean_body
from newsletter.mail.inliner import Inliner, Stack, Unprovable, is_odd, is_plain_address
from newsletter.mail.layout import FEEDBACK, MARK, PAD, Lines, check_marks
from newsletter.mail.letter import Card, Link
from newsletter.mail.lru import Recent
from newsletter.mail.parts import Item, compile_html, compile_text, split_at_address
from newsletter.mail.plain import wrap_line
from newsletter.mail.quoted import CRLF, encode_lines, encode_text
from newsletter.matching.display import Segment

LINES_KEPT = 20_000  # encoded, about 500 octets each
_HOLE = re.compile(rf"(?:zqC|https://zq\.invalid/c)(\d+)x{PAD}qz")
_IN_ADDRESS = re.compile(r"<a(?: [^<>]*)? href=\"$")


class CardPart(NamedTuple):
    """A card, cut where the reader's own address stands."""

    html: tuple[bytes, ...]
    lead: bool
    text: tuple[bytes, ...]
    trail: bool


class _Line(NamedTuple):
    """A line with holes: one piece more than holes; which value each is, and if an address."""

    pieces: tuple[str, ...]
    holes: tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    html: tuple[Item | _Line, ...]
    lead: bool
    text: tuple[Item | _Line, ...]
    trail: bool


Render = Callable[[Card], tuple[Lines, Lines]]  # the lines of the HTML and of the text


class Shapes:
    """The shapes of cards seen, and the lines encoded last."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._shapes: Recent[object, _Shape | None] = Recent(5_000)
        self._html: Recent[str, bytes] = Recent(LINES_KEPT)
        self._text: Recent[str, bytes] = Recent(LINES_KEPT)
        self.rendered = 0

    def make(self, card: Card, language: str, stack: Stack, inliner: Inliner) -> CardPart:
        """Return a card's part: filled into its shape, or rendered where that may differ."""
        key = language, stack, inliner, shape_of(card)
        new: list[bool] = []

        def learn() -> _Shape | None:
            new.append(True)
            try:
                return self._learn(card, stack, inliner)
            except Unprovable:
                return None

        shape = self._shapes.get(key, learn)
        filled = self._fill(shape, card) if shape else None
        if filled and not new:
            return filled
        rendered = self._render_part(card, stack, inliner)
        if new and filled != rendered:
            self._shapes.put(key, None)
        return rendered

    def _render_part(self, card: Card, stack: Stack, inliner: Inliner) -> CardPart:
        self.rendered += 1
        html, lines = self._render(card)
        items, after = compile_html(html, stack, inliner)
        if after != stack:
            raise Unprovable("a card that does not end where it began")
        chunk = compile_text(lines)
        return _part(items, chunk.lead, chunk.items, chunk.trail)

    def _learn(self, card: Card, stack: Stack, inliner: Inliner) -> _Shape:
        html, lines = self._render(_with_holes(card))
        check_marks([_HOLE.sub("", line) for line in (*html, *lines)])
        items: list[Item | _Line] = []
        for line in html:
            if _HOLE.search(line):
                inlined, stack = inliner.inline_line(line, stack)
                items.append(_cut(inlined, in_html=True))
            else:
                made, stack = compile_html([line], stack, inliner)
                items += made
        texts: list[Item | _Line] = []
        lead, trail = False, False
        for line in lines:
            if not line.strip():
                lead, trail = lead or not texts, True
                continue
            if trail and texts:
                texts.append(CRLF)
            if _HOLE.search(line):
                texts.append(_cut(line.rstrip(), in_html=False))
            else:
                texts += compile_text([line]).items
            trail = False
        return _Shape(tuple(items), lead, tuple(texts), trail)

    def _fill(self, shape: _Shape, card: Card) -> CardPart | None:
        values = list(_values(card))
        try:
            html: list[Item] = []
            for item in shape.html:
                if isinstance(item, _Line):
                    line = _fill_html(item, values)
                    html.append(self._html.get(line, _encode_html, line))
                else:
                    html.append(item)
            text: list[Item] = []
            for item in shape.text:
                if isinstance(item, _Line):
                    line = _fill_text(item, values)
                    text.append(self._text.get(line, _encode_text, line))
                else:
                    text.append(item)
        except Unprovable:
            return None
        return _part(html, shape.lead, text, shape.trail)


def _part(
    html: list[Item] | tuple[Item, ...],
    lead: bool,
    text: list[Item] | tuple[Item, ...],
    trail: bool,
) -> CardPart:
    around, plain = split_at_address(html, FEEDBACK), split_at_address(text, FEEDBACK)
    if (len(around) == 1) != (len(plain) == 1):
        raise Unprovable("an address that only one part has")
    return CardPart(around, lead, plain, trail)


def shape_of(card: Card) -> object:
    """Return what two cards have in common that differ in their texts and addresses alone."""
    return (
        tuple([part.marked for part in card.title]),
        tuple([part.marked for part in card.snippet]),
        tuple([part.marked for part in card.why]),
        len(card.byline),
        (card.cut_before, card.cut_after, not card.url, not card.note, not card.feedback_url),
        tuple([(link.label, link.quiet, link.url == card.url) for link in card.links]),
    )


def _values(card: Card) -> list[str]:
    """Return the texts and addresses of a card, as `_with_holes` numbers them."""
    return [
        *[part.text for part in card.title],
        *[part.text for part in card.snippet],
        *[part.text for part in card.why],
        *card.byline,
        card.note,
        card.url,
        *[link.url for link in card.links],
    ]


def _with_holes(card: Card) -> Card:
    number = iter(range(1000))

    def hole(text: str) -> str:
        at = next(number)
        return f"zqC{at}x{PAD}qz" if text else ""

    def address(url: str) -> str:
        at = next(number)
        return f"https://zq.invalid/c{at}x{PAD}qz" if url else ""

    def holes(parts: tuple[Segment, ...]) -> tuple[Segment, ...]:
        return tuple([Segment(hole("x"), part.marked) for part in parts])

    title, snippet, why = holes(card.title), holes(card.snippet), holes(card.why)
    byline = tuple([hole("x") for _ in card.byline])
    note, url = hole(card.note), address(card.url)
    made = [(link, address(link.url)) for link in card.links]
    links = tuple(
        [Link(link.label, url if link.url == card.url else own, link.quiet) for link, own in made]
    )
    return replace(
        card, title=title, snippet=snippet, why=why, byline=byline, note=note, url=url, links=links
    )


def _cut(line: str, *, in_html: bool) -> _Line:
    """Return a line with its holes: texts between tags and links' addresses, or `Unprovable`."""
    pieces = _HOLE.split(line)
    if MARK.search(line):
        raise Unprovable("a line of a card with an address of the reader's own and a text")
    holes = []
    before = ""
    for piece, number in zip(pieces[::2], pieces[1::2], strict=False):
        before += piece
        inside = before.rfind("<") > before.rfind(">")
        if in_html and inside and not _IN_ADDRESS.search(before):
            raise Unprovable("a text of a card within a tag")
        holes.append((int(number), inside and in_html))
    return _Line(tuple(pieces[::2]), tuple(holes))


def _fill_html(line: _Line, values: list[str]) -> str:
    out = [line.pieces[0]]
    for (number, is_address), piece in zip(line.holes, line.pieces[1:], strict=True):
        value = values[number]
        if is_address and not is_plain_address(value):
            raise Unprovable("an address that lxml would rewrite")
        if "&" in value or "<" in value or ">" in value:
            value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        out += (value, piece)
    return "".join(out)


def _fill_text(line: _Line, values: list[str]) -> str:
    out = [line.pieces[0]]
    for (number, _), piece in zip(line.holes, line.pieces[1:], strict=True):
        out += (values[number], piece)
    return "".join(out)


def _encode_html(line: str) -> bytes:
    _check(line)
    if line.strip() != line:
        raise Unprovable("a line that would be tightened")
    return encode_text(line) + CRLF


def _encode_text(line: str) -> bytes:
    _check(line)
    line = line.rstrip()
    if not line:
        raise Unprovable("a line that would be blank")
    return encode_lines(wrap_line(line))


def _check(line: str) -> None:
    if "\n" in line or is_odd(line) or clean_body(line) != line:
        raise Unprovable("a text that would be cleaned")
