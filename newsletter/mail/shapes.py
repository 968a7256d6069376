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
from typing import NamedTuple

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
from newsletter.mail.letter import Card, Draft, Turns
from newsletter.mail.lru import Recent
from newsletter.mail.parts import HOLE, Address, Item, compile_html, compile_text
from newsletter.mail.patterns import SNIPPET, TITLE, WHY, Render, Shape, learn_shape, shape_of
from newsletter.mail.quoted import SOFT
from newsletter.mail.quoted import encode_text as encode_piece
from newsletter.matching.display import Marked

LINES_KEPT = 12_000  # with words marked, about 700 octets each
PARTS_KEPT = 15_000  # of sentences why, about 150 octets each
PLAINS_KEPT = 3_000  # papers as they are in every letter, about 2 KB each


class CardPart(NamedTuple):
    """A card's pieces, `HOLE` among them; of its text, whether blank lines come first and last."""

    html: tuple[bytes, ...]
    lead: bool
    text: tuple[bytes, ...]
    trail: bool


class _Plain(NamedTuple):
    """A card with all but its runs written; a run is its number."""

    card: Card
    html: tuple[bytes | int, ...]
    lead: bool
    text: tuple[bytes | int, ...]
    trail: bool
    runs: tuple[tuple[HtmlRun | None, TextRun | None], ...]


class Shapes:
    """The shapes of cards seen, and the lines encoded last."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._shapes: Recent[object, Shape | None] = Recent(5_000)
        self._plains: Recent[object, _Plain | None] = Recent(PLAINS_KEPT)
        self._lines: Recent[object, tuple[bytes, bytes]] = Recent(LINES_KEPT)
        self._parts: Recent[object, tuple[bytes, str]] = Recent(PARTS_KEPT)
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
        plain, title, snippet, before, after, why, _ = draft
        flags = own, before, after, title.text == "", snippet.text == "", why == ()
        # By identity: it is one for all cards of a paper. Its number may be another's later.
        key = place[0], flags, id(plain)
        known = self._plains.get(key, self._make_plain, draft, own, place, inliner)
        if known is not None and known.card is not plain:
            known = self._make_plain(draft, own, place, inliner)
            self._plains.put(key, known)
        return known

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
        html: list[bytes | int] = []
        text: list[bytes | int] = []
        set_html: dict[int, HtmlRun] = {}
        set_text: dict[int, TextRun] = {}
        for item in shape.html:
            if not isinstance(item, RunLine):
                html.append(_write_item(item, values, in_html=True))
                continue
            before = fill_line(item.before, values, in_html=True)
            after = fill_line(item.after, values, in_html=True)
            if item.run in set_html or (item.run == WHY and not (before and after)):
                raise Unprovable("a text that comes twice, or a sentence why that is all of a line")
            number = self._number(item.begin, item.end, not before, not after)
            set_html[item.run] = HtmlRun(number, item.begin, item.end, not before, not after)
            html += (encode_head(before), item.run, encode_tail(after))
        for item in shape.text:
            if not isinstance(item, RunLine):
                text.append(_write_item(item, values, in_html=False))
                continue
            if item.run in set_text:
                raise Unprovable("a text that comes twice")
            around = [fill_line(x, values, in_html=False) for x in (item.before, item.after)]
            number = self._number("text", around[0], item.begin, item.end, around[1])
            set_text[item.run] = TextRun(number, around[0], item.begin, item.end, around[1])
            text.append(item.run)
        runs = tuple([(set_html.get(run), set_text.get(run)) for run in (TITLE, SNIPPET, WHY)])
        return _Plain(card, _joined(html), shape.lead, _joined(text), shape.trail, runs)

    def _number(self, *key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _fill(self, plain: _Plain, draft: Draft) -> CardPart:
        title, snippet, why = plain.runs
        lines = (
            self._set(title, draft.title),
            self._set(snippet, draft.snippet),
            self._set_why(why, draft.why),
        )
        in_html, in_text = _encode_end(draft.tail)
        html = [lines[x][0] if isinstance(x, int) else x for x in plain.html]
        text = [lines[x][1] if isinstance(x, int) else x for x in plain.text]
        if in_html:
            html = [one for x in html for one in ((x, in_html) if x is HOLE else (x,))]
            text = [one for x in text for one in ((x, in_text) if x is HOLE else (x,))]
        return CardPart(tuple(html), plain.lead, tuple(text), plain.trail)

    def _set(
        self, run: tuple[HtmlRun | None, TextRun | None], marked: Marked
    ) -> tuple[bytes, bytes]:
        html, text = run
        key = html and html.number, text and text.number, marked
        return self._lines.get(key, _encode_run, html, text, marked)

    def _set_why(
        self,
        run: tuple[HtmlRun | None, TextRun | None],
        parts: tuple[Turns, ...],
    ) -> tuple[bytes, bytes]:
        html, text = run
        numbers, get = (html and html.number, text and text.number), self._parts.get
        said = [get((numbers, part), _set_part, html, text, part) for part in parts]
        in_html = b"".join([one for one, _ in said])
        return in_html, text.encode_whole([one for _, one in said]) if text and parts else b""


def _encode_run(html: HtmlRun | None, text: TextRun | None, marked: Marked) -> tuple[bytes, bytes]:
    in_html = html.encode(marked) if html else b""
    return in_html, text.encode(marked) if text else b""


def _set_part(html: HtmlRun | None, text: TextRun | None, part: Turns) -> tuple[bytes, str]:
    in_html = html.encode_part(part) if html else b""
    return in_html, text.set_part(part) if text else ""


def _encode_end(tail: str) -> tuple[bytes, bytes]:
    """Return how an address ends behind its base, as it stands in HTML and as it stands in text."""
    if not tail:
        return b"", b""
    data = encode_piece(tail)
    return data + SOFT, SOFT + data


def is_same_card(one: CardPart, other: CardPart) -> bool:
    """Return whether two cards decode to the same, wherever their lines are cut."""
    return (one.lead, one.trail) == (other.lead, other.trail) and all(
        a2b_qp(b"".join(a)) == a2b_qp(b"".join(b))
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


def _joined(items: Sequence[bytes | int]) -> tuple[bytes | int, ...]:
    """Return items with neighbouring bytes joined; holes stay apart, empty ones go."""
    joined: list[bytes | int] = []
    for item in items:
        last = joined[-1] if joined else None
        if (
            isinstance(item, bytes)
            and item is not HOLE
            and isinstance(last, bytes)
            and last is not HOLE
        ):
            joined[-1] = last + item
        elif item != b"":
            joined.append(item)
    return tuple(joined)
