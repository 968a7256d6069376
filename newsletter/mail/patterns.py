"""What the card templates make of a card, learnt by rendering them with marks.

The templates are rendered for a shape with a mark in place of each text and address; for the texts
in which words are marked (title, snippet, why) cut in four ways, which shows what stands around a
marked piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from newsletter.mail.filling import Line, RunLine
from newsletter.mail.inliner import Inliner, Stack, Unprovable
from newsletter.mail.layout import FEEDBACK, MARK, PAD, Lines, check_marks
from newsletter.mail.letter import Card, Draft, Link
from newsletter.mail.parts import Item, compile_html, compile_text
from newsletter.mail.quoted import CRLF
from newsletter.matching.display import Segment

TITLE, SNIPPET, WHY = range(3)  # the runs
PATTERNS = ("u", "m", "umu", "mum")  # how the runs are cut to find out: m is a marked piece
_HOLE = re.compile(rf"(?:zqC|https://zq\.invalid/c)(\d+)x{PAD}qz")
_RUN = re.compile(rf"zqR(\d)(\d)x{PAD}qz")
_IN_ADDRESS = re.compile(r"<a(?: [^<>]*)? href=\"$")

Render = Callable[[Card], tuple[Lines, Lines]]  # the lines of the HTML and of the text


@dataclass(frozen=True, slots=True)
class Shape:
    """The lines of a card of one shape, of HTML inlined; of its text, if blank ones are around."""

    html: tuple[Item | Line | RunLine, ...]
    lead: bool
    text: tuple[Item | Line | RunLine, ...]
    trail: bool


def shape_of(draft: Draft) -> object:
    """Return what two cards have in common that differ in their texts and addresses alone."""
    card = draft.plain
    return (
        (draft.title.text != "", draft.snippet.text != "", bool(draft.why), len(card.byline)),
        (draft.cut_before, draft.cut_after, not card.url, not card.note),
        tuple([(link.label, link.quiet, link.url == card.url) for link in card.links]),
    )


def learn_shape(draft: Draft, own: bool, stack: Stack, inliner: Inliner, render: Render) -> Shape:
    """Return the shape of a card, with the reader's own address if `own`; or `Unprovable`."""
    card = draft._replace(tail="").card(FEEDBACK if own else "")
    cut = [render(_with_holes(card, pattern)) for pattern in PATTERNS]
    for html, lines in cut:
        check_marks([_RUN.sub("", _HOLE.sub("", line)) for line in (*html, *lines)])
    items: list[Item | Line | RunLine] = []
    for alike in _side_by_side([html for html, _ in cut]):
        line = alike[0]
        if _RUN.search(line):
            inlined = [inliner.inline_line(one, stack)[0] for one in alike]
            items.append(_learn_run(inlined, in_html=True))
            stack = inliner.inline_line(line, stack)[1]
        elif _HOLE.search(line):
            one, stack = inliner.inline_line(line, stack)
            items.append(_cut(one, in_html=True))
        else:
            made, stack = compile_html([line], stack, inliner)
            items += made
    lead, text, trail = _learn_text([lines for _, lines in cut])
    return Shape(tuple(items), lead, text, trail)


def _learn_text(cut: Sequence[Lines]) -> tuple[bool, tuple[Item | Line | RunLine, ...], bool]:
    items: list[Item | Line | RunLine] = []
    lead, trail = False, False
    for alike in _side_by_side(cut):
        line = alike[0]
        if not line.strip():
            lead, trail = lead or not items, True
            continue
        if trail and items:
            items.append(CRLF)
        if _RUN.search(line):
            items.append(_learn_run([one.rstrip() for one in alike], in_html=False))
        elif _HOLE.search(line):
            items.append(_cut(line.rstrip(), in_html=False))
        else:
            items += compile_text([line]).items
        trail = False
    return lead, tuple(items), trail


def _with_holes(card: Card, pattern: str) -> Card:
    """Return a card of marks: its runs cut as `pattern` says, the rest numbered in their order."""
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
