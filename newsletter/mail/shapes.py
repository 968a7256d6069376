"""Cards by their shape: the templates are rendered once for all cards with the same fields filled.

Two cards have the same shape if the same fields are there, with the same labels. The card templates
are rendered for a shape with a mark in place of each text and address; for the texts in which words
are marked (title, snippet, why) cut in four ways, which shows what stands around a marked piece. A
card is its shape with its texts written in, escaped as lxml writes them. The first card of a shape
is rendered as well: where it differs, the shape is not used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

from newsletter.mail.filling import (
    Block,
    Line,
    RunLine,
    encode_html,
    encode_text,
    fill_block,
    fill_run,
)
from newsletter.mail.inliner import Inliner, Stack, Unprovable
from newsletter.mail.layout import FEEDBACK, MARK, PAD, Lines, check_marks
from newsletter.mail.letter import Card, Link
from newsletter.mail.lru import Recent
from newsletter.mail.parts import Item, compile_html, compile_text, split_at_address
from newsletter.mail.quoted import CRLF
from newsletter.matching.display import Segment

LINES_KEPT = 10_000  # encoded, about 500 octets each
RUNS = ("title", "snippet", "why")
TITLE = 0
PATTERNS = ("u", "m", "umu", "mum")  # how the runs are cut to find out: m is a marked piece
_HOLE = re.compile(rf"(?:zqC|https://zq\.invalid/c)(\d+)x{PAD}qz")
_RUN = re.compile(rf"zqR(\d)(\d)x{PAD}qz")
_IN_ADDRESS = re.compile(r"<a(?: [^<>]*)? href=\"$")


class CardPart(NamedTuple):
    """A card, cut where the reader's own address stands."""

    html: tuple[bytes, ...]
    lead: bool
    text: tuple[bytes, ...]
    trail: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    html: tuple[Block | RunLine, ...]
    lead: bool
    text: tuple[Block | RunLine, ...]
    trail: bool


Render = Callable[[Card], tuple[Lines, Lines]]  # the lines of the HTML and of the text


class Shapes:
    """The shapes of cards seen, and the lines encoded last."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._shapes: Recent[object, _Shape | None] = Recent(5_000)
        self._blocks: Recent[object, list[Item]] = Recent(LINES_KEPT)
        self._titles: Recent[object, bytes] = Recent(LINES_KEPT)
        self._numbers = count()
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
        cut = [self._render(_with_holes(card, pattern)) for pattern in PATTERNS]
        for html, lines in cut:
            check_marks([_RUN.sub("", _HOLE.sub("", line)) for line in (*html, *lines)])
        blocks: list[Block | RunLine] = []
        plain: list[Item | Line] = []
        for alike in _side_by_side([html for html, _ in cut]):
            line = alike[0]
            if _RUN.search(line):
                inlined = [inliner.inline_line(one, stack)[0] for one in alike]
                self._end_block(blocks, plain)
                blocks.append(_learn_run(inlined, in_html=True))
                stack = inliner.inline_line(line, stack)[1]
            elif _HOLE.search(line):
                one, stack = inliner.inline_line(line, stack)
                plain.append(_cut(one, in_html=True))
            else:
                made, stack = compile_html([line], stack, inliner)
                plain += made
        self._end_block(blocks, plain)
        lead, text, trail = self._learn_text([lines for _, lines in cut])
        return _Shape(tuple(blocks), lead, text, trail)

    def _learn_text(self, cut: Sequence[Lines]) -> tuple[bool, tuple[Block | RunLine, ...], bool]:
        blocks: list[Block | RunLine] = []
        plain: list[Item | Line] = []
        lead, trail = False, False
        for alike in _side_by_side(cut):
            line = alike[0]
            some = bool(blocks or plain)
            if not line.strip():
                lead, trail = lead or not some, True
                continue
            if trail and some:
                plain.append(CRLF)
            if _RUN.search(line):
                self._end_block(blocks, plain)
                blocks.append(_learn_run([one.rstrip() for one in alike], in_html=False))
            elif _HOLE.search(line):
                plain.append(_cut(line.rstrip(), in_html=False))
            else:
                plain += compile_text([line]).items
            trail = False
        self._end_block(blocks, plain)
        return lead, tuple(blocks), trail

    def _end_block(self, blocks: list[Block | RunLine], plain: list[Item | Line]) -> None:
        if plain:
            blocks.append(Block(next(self._numbers), tuple(plain)))
            plain.clear()

    def _fill(self, shape: _Shape, card: Card) -> CardPart | None:
        values = (*card.byline, card.note, card.url, *[link.url for link in card.links])
        runs = card.title, card.snippet, card.why
        html: list[Item] = []
        text: list[Item] = []
        try:
            for block in shape.html:
                if isinstance(block, Block):
                    html += self._blocks.get((block.number, values), fill_block, block, values)
                elif block.run == TITLE:  # in many letters with the same words marked
                    line = fill_run(block, values, runs[TITLE], in_html=True)
                    html.append(self._titles.get(line, encode_html, line))
                else:
                    line = fill_run(block, values, runs[block.run], in_html=True)
                    html.append(encode_html(line))
            for block in shape.text:
                if isinstance(block, Block):
                    key = block.number, values
                    text += self._blocks.get(key, fill_block, block, values, False)
                else:
                    line = fill_run(block, values, runs[block.run], in_html=False)
                    if block.run == TITLE:
                        text.append(self._titles.get((line,), encode_text, line))
                    else:
                        text.append(encode_text(line))
        except Unprovable:
            return None
        return _part(html, shape.lead, text, shape.trail)


def _part(html: Sequence[Item], lead: bool, text: Sequence[Item], trail: bool) -> CardPart:
    around, plain = split_at_address(html, FEEDBACK), split_at_address(text, FEEDBACK)
    if (len(around) == 1) != (len(plain) == 1):
        raise Unprovable("an address that only one part has")
    return CardPart(around, lead, plain, trail)


def shape_of(card: Card) -> object:
    """Return what two cards have in common that differ in their texts and addresses alone."""
    return (
        (not card.title, not card.snippet, not card.why, len(card.byline)),
        (card.cut_before, card.cut_after, not card.url, not card.note, not card.feedback_url),
        tuple([(link.label, link.quiet, link.url == card.url) for link in card.links]),
    )


def _with_holes(card: Card, pattern: str) -> Card:
    """Return a card of marks: its runs cut as `pattern` says, the rest numbered as in `_fill`."""
    number = iter(range(1000))

    def hole(text: str) -> str:
        at = next(number)
        return f"zqC{at}x{PAD}qz" if text else ""

    def address(url: str) -> str:
        at = next(number)
        return f"https://zq.invalid/c{at}x{PAD}qz" if url else ""

    def run(place: int, parts: tuple[Segment, ...]) -> tuple[Segment, ...]:
        pieces = enumerate(pattern if parts else "")
        return tuple([Segment(f"zqR{place}{at}x{PAD}qz", piece == "m") for at, piece in pieces])

    title, snippet, why = run(0, card.title), run(1, card.snippet), run(2, card.why)
    byline = tuple([hole("x") for _ in card.byline])
    note, url = hole(card.note), address(card.url)
    made = [(link, address(link.url)) for link in card.links]
    links = tuple(
        [Link(link.label, url if link.url == card.url else own, link.quiet) for link, own in made]
    )
    return replace(
        card, title=title, snippet=snippet, why=why, byline=byline, note=note, url=url, links=links
    )


def _side_by_side(cut: Sequence[Lines]) -> Iterator[tuple[str, ...]]:
    """Yield the same line of each rendering; `Unprovable` where more than its run differs."""
    if len({len(lines) for lines in cut}) != 1:
        raise Unprovable("a card whose lines depend on the words marked")
    for alike in zip(*cut, strict=True):
        if len(set(alike)) > 1 and not _RUN.search(alike[0]):
            raise Unprovable("a card's line that looks at the words marked elsewhere")
        yield alike


def _learn_run(alike: Sequence[str], *, in_html: bool) -> RunLine:
    """Return the line of a run, of which `alike` are the renderings by `PATTERNS`."""
    cut = []
    for line, pattern in zip(alike, PATTERNS, strict=True):
        found = _RUN.findall(line)
        if [int(at) for _, at in found] != list(range(len(pattern))) or len(set(found)) == 0:
            raise Unprovable("a text of a card that is not there once, in its order")
        if len({place for place, _ in found}) != 1:
            raise Unprovable("two texts with marked words in one line")
        cut.append(_RUN.split(line)[::3])
    before, after = cut[0]
    begin, end = cut[2][1:3]
    expected = [
        [before, after],
        [before + begin, end + after],
        [before, begin, end, after],
        [before + begin, end, begin, end + after],
    ]
    if cut != expected:
        raise Unprovable("a text of a card whose pieces depend on each other")
    if in_html and (before + begin).rfind("<") > (before + begin).rfind(">"):
        raise Unprovable("a text of a card within a tag")
    run = int(_RUN.findall(alike[0])[0][0])
    head, tail = _cut(before, in_html=in_html), _cut(after, in_html=in_html)
    return RunLine(run, head, begin, end, tail)


def _cut(line: str, *, in_html: bool) -> Line:
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
    return Line(tuple(pieces[::2]), tuple(holes))
