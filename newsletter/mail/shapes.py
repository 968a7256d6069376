"""Cards by their shape: the templates are rendered once for all cards with the same fields filled.

Two cards have the same shape if the same fields are there, with the same labels (`mail/patterns`
learns it). A card is its shape with its texts written in, escaped as lxml writes them. What a paper
says in every letter is written once for a shape, the lines in which words are marked once for those
words, the parts of the sentence why once for each interest: a card of a letter is these, one after
the other. The first card of a shape is rendered as well: where it differs, the shape is not used.
"""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from newsletter.mail.filling import (
    HtmlRun,
    Line,
    RunLine,
    TextRun,
    encode_head,
    encode_html,
    encode_tail,
    encode_text,
    fill_line,
)
from newsletter.mail.inliner import Inliner, Stack, Unprovable
from newsletter.mail.layout import FEEDBACK
from newsletter.mail.letter import Card, Draft
from newsletter.mail.lru import Recent
from newsletter.mail.parts import Address, Item, compile_html, compile_text
from newsletter.mail.patterns import WHY, Render, Shape, learn_shape, shape_of
from newsletter.mail.quoted import SOFT
from newsletter.mail.quoted import encode_text as encode_piece

LINES_KEPT = 12_000  # with words marked, about 700 octets each
PARTS_KEPT = 20_000  # of sentences why, about 150 octets each
PLAINS_KEPT = 3_000  # papers as they are in every letter, about 2 KB each
HOLE = bytes(bytearray(b"\0"))  # where the reader's own address stands; told by its identity


T = TypeVar("T", HtmlRun, TextRun)


class CardPart(NamedTuple):
    """A card's pieces, `HOLE` among them; of its text, whether blank lines come first and last."""

    html: tuple[bytes, ...]
    lead: bool
    text: tuple[bytes, ...]
    trail: bool


class _Plain(NamedTuple):
    """A card with all but its runs written."""

    html: tuple[bytes | HtmlRun, ...]
    lead: bool
    text: tuple[bytes | TextRun, ...]
    trail: bool


class Shapes:
    """The shapes of cards seen, and the lines encoded last."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._shapes: Recent[object, Shape | None] = Recent(5_000)
        self._plains: Recent[object, _Plain | None] = Recent(PLAINS_KEPT)
        self._lines: Recent[object, bytes] = Recent(LINES_KEPT)
        self._parts: Recent[object, bytes] = Recent(PARTS_KEPT)
        self._said: Recent[object, str] = Recent(PARTS_KEPT)
        self._numbers: dict[object, int] = {}  # of runs that are set alike
        self.rendered = 0

    def make(
        self, draft: Draft, own: bool, place: tuple[int, Stack, str], inliner: Inliner
    ) -> CardPart:
        """Return a card's part: filled into its shape, or rendered where that may differ.

        With `own` it has the reader's own address. `place` is what it stands in: its number, the
        tags, the language.
        """
        plain = self._plain(draft, own, place, inliner)
        if plain is not None:
            try:
                return self._fill(plain, draft)
            except Unprovable:
                pass
        return self._render_part(draft, own, place[1], inliner)

    def _plain(
        self, draft: Draft, own: bool, place: tuple[int, Stack, str], inliner: Inliner
    ) -> _Plain | None:
        flags = own, draft.cut_before, draft.cut_after
        texts = draft.title.text != "", draft.snippet.text != "", bool(draft.why)
        key = place[0], flags, texts, draft.plain
        return self._plains.get(key, self._make_plain, draft, own, place, inliner)

    def _make_plain(
        self, draft: Draft, own: bool, place: tuple[int, Stack, str], inliner: Inliner
    ) -> _Plain | None:
        _, stack, language = place
        key = language, stack, inliner, own, shape_of(draft)
        new: list[bool] = []
        shape = self._shapes.get(key, self._learn, draft, own, stack, inliner, new)
        if shape is None:
            return None
        try:
            plain = self._write_plain(shape, draft.plain)
            filled = self._fill(plain, draft) if new else None
        except Unprovable:
            return None
        if filled and not is_same_card(filled, self._render_part(draft, own, stack, inliner)):
            self._shapes.put(key, None)
            return None
        return plain

    def _learn(
        self, draft: Draft, own: bool, stack: Stack, inliner: Inliner, new: list[bool]
    ) -> Shape | None:
        new.append(True)
        try:
            return learn_shape(draft, own, stack, inliner, self._render)
        except Unprovable:
            return None

    def _render_part(self, draft: Draft, own: bool, stack: Stack, inliner: Inliner) -> CardPart:
        self.rendered += 1
        html, lines = self._render(draft._replace(tail="").card(FEEDBACK if own else ""))
        items, after = compile_html(html, stack, inliner)
        if after != stack:
            raise Unprovable("a card that does not end where it began")
        chunk = compile_text(lines)
        in_html, in_text = _encode_end(draft.tail)
        text = _with_holes(chunk.items, in_text)
        return CardPart(_with_holes(items, in_html), chunk.lead, text, chunk.trail)

    def _write_plain(self, shape: Shape, card: Card) -> _Plain:
        """Return a card's pieces but for its runs, neighbours joined."""
        values = (*card.byline, card.note, card.url, *[link.url for link in card.links])
        html: list[bytes | HtmlRun] = []
        for item in shape.html:
            if isinstance(item, RunLine):
                before = fill_line(item.before, values, in_html=True)
                after = fill_line(item.after, values, in_html=True)
                if item.run == WHY and not (before and after):
                    raise Unprovable("a sentence why that is all of a line")
                number = self._number(item.begin, item.end, not before, not after)
                run = HtmlRun(item.run, number, item.begin, item.end, not before, not after)
                html += (encode_head(before), run, encode_tail(after))
            else:
                html.append(_write_item(item, values, in_html=True))
        text: list[bytes | TextRun] = []
        for item in shape.text:
            if isinstance(item, RunLine):
                around = [fill_line(x, values, in_html=False) for x in (item.before, item.after)]
                number = self._number("text", around[0], item.begin, item.end, around[1])
                made = TextRun(item.run, number, around[0], item.begin, item.end, around[1])
                text.append(made)
            else:
                text.append(_write_item(item, values, in_html=False))
        return _Plain(_joined(html), shape.lead, _joined(text), shape.trail)

    def _number(self, *key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _fill(self, plain: _Plain, draft: Draft) -> CardPart:
        in_html, in_text = _encode_end(draft.tail)
        html: list[bytes] = []
        for item in plain.html:
            if item is HOLE:
                html += (HOLE, in_html) if in_html else (HOLE,)
            elif isinstance(item, bytes):
                html.append(item)
            elif item.run == WHY:
                get, encode, number = self._parts.get, item.encode_part, item.number
                html += [get((number, part), encode, part) for part in draft.why]
            else:
                marked = draft[1 + item.run]
                html.append(self._lines.get((item.number, marked), item.encode, marked))
        text: list[bytes] = []
        for line in plain.text:
            if line is HOLE:
                text += (HOLE, in_text) if in_text else (HOLE,)
            elif isinstance(line, bytes):
                text.append(line)
            elif line.run == WHY:
                say, number = self._said.get, line.number
                said = [say((number, part), line.set_part, part) for part in draft.why]
                text.append(line.encode_whole(said))
            else:
                marked = draft[1 + line.run]
                text.append(self._lines.get((line.number, marked), line.encode, marked))
        return CardPart(tuple(html), plain.lead, tuple(text), plain.trail)


def _encode_end(tail: str) -> tuple[bytes, bytes]:
    """Return how an address ends behind its base, as it stands in HTML and as it stands in text."""
    if not tail:
        return b"", b""
    data = encode_piece(tail)
    return data + SOFT, SOFT + data


def is_same_card(one: CardPart, other: CardPart) -> bool:
    """Return whether two cards decode to the same, wherever their lines are cut."""
    return (one.lead, one.trail) == (other.lead, other.trail) and all(
        a2b_qp(b"".join([b"zqHOLE" if piece is HOLE else piece for piece in a]))
        == a2b_qp(b"".join([b"zqHOLE" if piece is HOLE else piece for piece in b]))
        for a, b in ((one.html, other.html), (one.text, other.text))
    )


def _write_item(item: Item | Line, values: Sequence[str], *, in_html: bool) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, Line):
        line = fill_line(item, values, in_html=in_html)
        return encode_html(line) if in_html else encode_text(line)
    return _hole(item)


def _hole(item: Item) -> bytes:
    if isinstance(item, Address) and item.mark == FEEDBACK:
        return HOLE
    raise Unprovable("a card with something else of the reader's own than its address")


def _with_holes(items: Iterable[Item], end: bytes) -> tuple[bytes, ...]:
    out: list[bytes] = []
    for item in items:
        if isinstance(item, bytes):
            out.append(item)
        else:
            out += (_hole(item), end)
    return tuple(out)


def _joined(items: Sequence[bytes | T]) -> tuple[bytes | T, ...]:
    """Return items with neighbouring bytes joined, holes and empty ones apart."""
    joined: list[bytes | T] = []
    for item in items:
        last = joined[-1] if joined else None
        plain = isinstance(item, bytes) and item is not HOLE
        if plain and isinstance(last, bytes) and last is not HOLE:
            joined[-1] = last + item  # type: ignore[operator]
        elif item != b"":
            joined.append(item)
    return tuple(joined)
