"""Helpers of joining: the two bodies as they grow, and templates' lines cut into parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from newsletter.mail.inline import inline_css
from newsletter.mail.inliner import Unprovable, as_lxml
from newsletter.mail.layout import (
    BEST,
    CARD,
    LEFT,
    LINKS,
    MARK,
    MORE,
    PREHEADER,
    SCHEDULE,
    TITLE,
    UNSUBSCRIBE,
    Lines,
)
from newsletter.mail.letter import Digest, Link
from newsletter.mail.parts import HOLE, Item, OwnLine, Values, merge_items, write_own_address
from newsletter.mail.plain import wrap_line
from newsletter.mail.quoted import CRLF, encode_lines
from newsletter.mail.render import safe_url
from newsletter.mail.wording import make_preheader


class Body:
    """The two bodies as they grow; `HOLE` is where the reader's own addresses, `base`, come."""

    def __init__(self) -> None:
        self.html: list[bytes] = []
        self.text: list[bytes] = []
        self.base = ""
        self._blank = False

    def fill_holes(self, base: str = "") -> None:
        """Put the addresses in that are missing so far; those to come begin with `base`."""
        if self.base:
            in_html, in_text = write_own_address(self.base)
            self.html = [in_html if piece is HOLE else piece for piece in self.html]
            self.text = [in_text if piece is HOLE else piece for piece in self.text]
        self.base = base

    def add_text(self, lead: bool, pieces: Sequence[bytes], trail: bool) -> None:
        """Add lines, with one blank line where blank ones meet, as `plain.fill` leaves it."""
        blank = self._blank or lead
        if not pieces:
            self._blank = blank or trail
            return
        if blank and self.text:
            self.text.append(CRLF)
        self.text += pieces
        self._blank = trail


def split_head(lines: Lines) -> tuple[str, Lines]:
    """Return a document's lines up to `</head>` as one text, and those after it."""
    if lines.count("</head>") != 1:
        raise Unprovable("a document without a head of its own lines")
    at = lines.index("</head>") + 1
    return "\n".join(lines[:at]), lines[at:]


def compile_head(head: str) -> tuple[Item, ...]:
    """Return the head inlined, as items: premailer moves its style sheet and leaves the rest."""
    inlined = inline_css(f"{head}\n<body></body>\n</html>").partition("</head>")
    items: list[Item] = []
    for line in (inlined[0] + inlined[1]).split("\n"):
        own = OwnLine.cut(line, None)
        if any(mark.startswith("https:") for mark in own.marks):
            raise Unprovable("an address of the reader's own in the head")
        items.append(own if own.marks else encode_lines([line]))
    return merge_items(items)


def split_at_cards(lines: Lines) -> list[Lines]:
    """Return the lines between the cards."""
    found: list[Lines] = [[]]
    for line in lines:
        if line == CARD:
            found.append([])
        else:
            found[-1].append(line)
    return found


class NamedLine(NamedTuple):
    """A line of a section, cut at the marks of its interest and anchor; of HTML, inlined."""

    pieces: tuple[str, ...]
    holes: tuple[tuple[str, str], ...]  # mark, and what lxml takes it for

    @classmethod
    def cut(cls, line: str) -> NamedLine:
        """Return a line cut at its marks; `Unprovable` where one stands in an odd place."""
        pieces = MARK.split(line)
        holes = []
        for number, mark in enumerate(pieces[1::2]):
            before, after = pieces[2 * number], pieces[2 * number + 2]
            kind = "text"
            so_far = "".join(pieces[: 2 * number + 1])
            if so_far.rfind("<") > so_far.rfind(">"):
                if not (before.endswith('="') and after.startswith('"')):
                    raise Unprovable("an interest within a tag")
                kind = "attribute"
                pieces[2 * number], pieces[2 * number + 2] = before[:-1], after[1:]
            holes.append((mark, kind))
        return cls(tuple(pieces[::2]), tuple(holes))

    def fill(self, values: Values) -> bytes:
        """Return the line of HTML with its marks filled in, encoded."""
        out = [self.pieces[0]]
        for (mark, kind), piece in zip(self.holes, self.pieces[1:], strict=True):
            out += (as_lxml(kind, values[mark]), piece)
        return encode_lines(["".join(out)])

    def fill_text(self, values: Values) -> bytes:
        """Return the line of text with its marks filled in, wrapped and encoded."""
        out = [self.pieces[0]]
        for (mark, _), piece in zip(self.holes, self.pieces[1:], strict=True):
            out += (values[mark], piece)
        line = "".join(out).rstrip()
        if not line:
            raise Unprovable("a line that would be blank")
        return encode_lines(wrap_line(line))


class NamedText(NamedTuple):
    """Lines of a section's text, those with its interest to be filled in."""

    lead: bool
    items: tuple[bytes | NamedLine, ...]
    trail: bool

    @classmethod
    def cut(cls, lines: Lines) -> NamedText:
        """Return lines with their blank ones as `plain.fill` leaves them."""
        items: list[bytes | NamedLine] = []
        lead, blank = False, False
        for line in lines:
            if not line.strip():
                lead, blank = lead or not items, True
                continue
            if blank and items:
                items.append(CRLF)
            blank = False
            named = NamedLine.cut(line)
            items.append(named if named.holes else encode_lines(wrap_line(line.rstrip())))
        return cls(lead, tuple(items), blank)

    def fill(self, values: Values) -> tuple[bytes, ...]:
        """Return the lines encoded, as one piece; none where there are none."""
        lines = [item if isinstance(item, bytes) else item.fill_text(values) for item in self.items]
        return (b"".join(lines),) if lines else ()


def cut_html(lines: Iterable[str]) -> tuple[bytes | NamedLine, ...]:
    """Return inlined lines of a section, those without marks encoded."""
    items: list[bytes | NamedLine] = []
    for line in lines:
        named = NamedLine.cut(line)
        items.append(named if named.holes else encode_lines([line]))
    return tuple(items)


def values(digest: Digest, subject: str, links: Iterable[Link]) -> dict[str, str]:
    """Return what stands in place of each mark, but for the sentence that counts."""
    found = {
        TITLE: f"{digest.site.name}: {subject}",
        PREHEADER: make_preheader(digest),
        SCHEDULE: digest.schedule,
        BEST: digest.best,
        LEFT: str(digest.left_out),
        MORE: safe_url(digest.more_url),
        UNSUBSCRIBE: digest.unsubscribe_url,
    }
    for mark, link in zip(LINKS, links, strict=False):
        found[mark] = link.url
    return found
