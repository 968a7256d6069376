"""Letters joined from parts that are rendered, inlined and encoded once.

`join_message` gives the message that `compose_message(render_digest(digest), envelope)` gives: the
same headers and, decoded, the same two bodies. A card is rendered once for all readers who get it
with the same words marked and the same reason; the frame around the cards once for all readers of
an edition in a language with the same counts. What is a reader's own (links, the sentence that
counts, the schedule) is put in. docs/adr/0030 says why this is right; where it cannot be shown to
be, `Unprovable` is raised and the letter is composed whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import get_language

from newsletter.mail.cutting import (
    Body,
    NamedLine,
    NamedText,
    compile_head,
    cut_html,
    split_at_cards,
    split_head,
    values,
)
from newsletter.mail.headers import clean_body
from newsletter.mail.heads import assemble, boundary_of, write_head
from newsletter.mail.inliner import STYLE, Inliner, Stack, Unprovable, is_odd
from newsletter.mail.layout import (
    ANCHOR,
    BEST,
    COUNT,
    INTEREST,
    Frame,
    Layout,
    Lines,
    LooksAtNumber,
    frame_of,
    is_unchanged,
)
from newsletter.mail.letter import Card, Digest, Draft, Envelope, Link, Section, Slot
from newsletter.mail.lru import Recent
from newsletter.mail.parts import (
    Address,
    Chunk,
    Item,
    OwnLine,
    OwnPieces,
    compile_html,
    compile_text,
    write_address,
    write_count,
    write_own_html,
    write_own_text,
    write_plain_address,
    write_text,
)
from newsletter.mail.quoted import encode_lines
from newsletter.mail.render import (
    first_title,
    foot_links,
    put_into_subject,
    render_subject,
    render_subject_around,
    safe_card,
    tighten,
)
from newsletter.mail.shapes import CardPart, Shapes
from newsletter.mail.wording import count_in_html, count_in_text, count_parts

CARDS_KEPT = 40_000  # about 1.5 KB each of their own
_TAIL = ["</body>", "</html>"]
_PARTS_OF_A_CARD = attrgetter(
    "title", "url", "byline", "snippet", "cut_before", "cut_after", "why", "links", "note"
)


class _SectionPart(NamedTuple):
    """A section around its cards: one piece more than cards; what each card stands in."""

    html: tuple[bytes, ...]
    stacks: tuple[tuple[int, Stack], ...]  # numbered: one number for one family and stack
    text: tuple[_Text, ...]


class _SectionForm(NamedTuple):
    """A section of so many cards, for any interest: its lines around the cards."""

    html: tuple[tuple[bytes | NamedLine, ...], ...]
    stacks: tuple[tuple[int, Stack], ...]
    text: tuple[NamedText, ...]


@dataclass(frozen=True, slots=True)
class _FramePart:
    html_before: tuple[Item, ...]
    html_after: tuple[Item, ...]
    text_before: Chunk
    text_after: Chunk


class _Text(NamedTuple):
    lead: bool
    pieces: tuple[bytes, ...]
    trail: bool


@dataclass(frozen=True, slots=True)
class _Family:
    """What is learnt once for a site and a language."""

    html: Layout
    text: Layout
    inliner: Inliner
    stack: Stack  # what a section stands in


class Joiner:
    """Joins letters; keeps the parts it used last. For one thread."""

    def __init__(self) -> None:
        self._families: dict[Any, _Family | Unprovable] = {}
        self._inliners: dict[str, Inliner] = {}
        self._places: dict[object, tuple[int, Stack]] = {}  # stacks, those that look alike once
        self._heads: Recent[str, tuple[Item, ...]] = Recent(16)
        self._frames: Recent[Frame, _FramePart] = Recent(1_000)
        self._sections: Recent[Any, _SectionPart] = Recent(8_000)
        self._forms: Recent[Any, _SectionForm] = Recent(500)
        self._subjects: Recent[Any, str] = Recent(4_000)
        self._around: Recent[Any, str] = Recent(500)
        self._lines: Recent[Any, bytes] = Recent(4_000)
        self._counts: Recent[Any, bytes] = Recent(20_000)
        self._exact = False
        self.cards: Recent[Any, CardPart] = Recent(CARDS_KEPT)
        self.shapes = Shapes(_render_card)

    def join(self, digest: Digest, envelope: Envelope) -> bytes:
        """Return the message; `Unprovable` where it must be composed whole.

        `LetterError` if it must not be sent at all, as `compose_message` raises it.
        """
        if get_language() == digest.language:
            return self._join(digest, envelope)
        with translation.override(digest.language):
            return self._join(digest, envelope)

    def _join(self, digest: Digest, envelope: Envelope) -> bytes:
        links = foot_links(digest)
        family, part = self._frame(digest, links)
        subject = self._subject(digest)
        known = values(digest, subject, links)
        body = Body()
        self._add_html(body, part.html_before, known, digest, family)
        self._add_text(body, part.text_before, known, digest)
        for section in digest.sections:
            self._add_section(body, section, family)
        self._add_html(body, part.html_after, known, digest, family)
        self._add_text(body, part.text_after, known, digest)
        body.fill_holes()
        boundary = boundary_of(envelope.seed)
        return assemble(write_head(subject, envelope, boundary), boundary, body.text, body.html)

    def _frame(self, digest: Digest, links: Sequence[Link]) -> tuple[_Family, _FramePart]:
        frame = frame_of(digest, links, exact=self._exact)
        family = self._family(frame)
        try:
            return family, self._frames.get(frame, self._make_frame, frame, family)
        except LooksAtNumber:
            self._exact = True  # templates that say more of the number than the number
            return self._frame(digest, links)

    def _subject(self, digest: Digest) -> str:
        best = digest.best or first_title(digest)
        key = digest.language, digest.date, digest.first_date, digest.days, digest.count
        return self._subjects.get((key, best), self._write_subject, digest, best, key)

    def _write_subject(self, digest: Digest, best: str, key: object) -> str:
        around = self._around.get((key, not best), render_subject_around, digest, best and BEST)
        if best and around.count(BEST) == 1 and is_unchanged(around):
            return put_into_subject(around, BEST, best)
        return render_subject(digest)

    def _add_html(
        self,
        body: Body,
        items: tuple[Item, ...],
        known: dict[str, str],
        digest: Digest,
        family: _Family,
    ) -> None:
        out = body.html
        for item in items:
            if isinstance(item, bytes):
                out.append(item)
            elif isinstance(item, Address):
                out.append(write_address(known[item.mark]))
            else:
                whole = item.whole if isinstance(item, OwnPieces) else item
                if not whole.is_shared:
                    out.append(self._write_html(item, known, digest, family))
                    continue
                key = (whole.number, *[known[mark] for mark in whole.marks])
                out.append(self._lines.get(key, self._write_html, item, known, digest, family))

    def _write_html(
        self, item: OwnLine | OwnPieces, known: dict[str, str], digest: Digest, family: _Family
    ) -> bytes:
        inliner = family.inliner
        if isinstance(item, OwnPieces):
            out = [item.pieces[0]]
            for mark, piece in zip(item.marks, item.pieces[1:], strict=True):
                if mark is COUNT or mark == COUNT:
                    get, stack = self._counts.get, item.stack
                    out += [
                        get((id(inliner), id(stack), part), write_count, part, stack, inliner)
                        for part in count_parts(digest)
                    ]
                elif mark.startswith("https:"):
                    out.append(write_address(known[mark]))
                elif (text := write_text(known[mark])) is not None:
                    out.append(text)
                else:
                    break
                out.append(piece)
            else:
                return b"".join(out)
            item = item.whole
        if COUNT in item.marks:
            known = {**known, COUNT: count_in_html(digest)}
        return write_own_html(item, known, inliner)

    def _add_text(self, body: Body, chunk: Chunk, known: dict[str, str], digest: Digest) -> None:
        out: list[bytes] = []
        for item in chunk.items:
            if isinstance(item, bytes):
                out.append(item)
            elif isinstance(item, Address):
                out.append(write_plain_address(known[item.mark]))
            elif not isinstance(item, OwnLine):
                raise Unprovable("a line of HTML in the text")
            elif item.is_shared:
                key = (item.number, *[known[mark] for mark in item.marks])
                out.append(self._lines.get(key, write_own_text, item, known))
            else:
                if COUNT in item.marks:
                    known = {**known, COUNT: count_in_text(digest)}
                out.append(write_own_text(item, known))
        body.add_text(chunk.lead, out, chunk.trail)

    def _add_section(self, body: Body, section: Section, family: _Family) -> None:
        cards = section.cards
        key: Any = section.interest, section.anchor, len(cards), section.extra, id(family)
        part = self._sections.get(key, self._make_section, section, family)
        body.html.append(part.html[0])
        body.add_text(*part.text[0])
        for place, card in enumerate(cards):
            if isinstance(card, Slot):
                own, base = card.key, card.base
            else:
                own, base = _PARTS_OF_A_CARD(card), card.feedback_url
            stack = part.stacks[place]
            key = stack[0], not base, own
            made = self.cards.get(key, self._make_card, card, bool(base), stack, family)
            if base and base != body.base:
                body.fill_holes(base)
            body.html += made.html
            body.add_text(made.lead, made.text, made.trail)
            body.html.append(part.html[place + 1])
            body.add_text(*part.text[place + 1])

    def _family(self, frame: Frame) -> _Family:
        key = frame.site, frame.language
        family = self._families.get(key)
        if family is None:
            try:
                family = self._learn_family(frame)
            except Unprovable as error:
                family = error
            self._families[key] = family
        if isinstance(family, Unprovable):
            raise Unprovable(*family.args)
        return family

    def _learn_family(self, frame: Frame) -> _Family:
        html, text = Layout.learn(frame, "html"), Layout.learn(frame, "txt")
        head, lines = split_head(html.find(frame)[0])
        (style,) = STYLE.findall(head) or [""]
        inliner = self._inliners.setdefault(style, Inliner(style))
        _, stack = compile_html(lines, (), inliner)
        return _Family(html, text, inliner, stack)

    def _make_frame(self, frame: Frame, family: _Family) -> _FramePart:
        before, after = family.html.find(frame)
        text_before, text_after = family.text.find(frame)
        head, lines = split_head(before)
        if STYLE.findall(head) != [family.inliner.style] or after[-2:] != _TAIL:
            raise Unprovable("a frame that is no document of its own")
        items = self._heads.get(head, compile_head, head)
        html_before, stack = compile_html(lines, (), family.inliner)
        html_after, end = compile_html(after[:-2], stack, family.inliner)
        if stack != family.stack or len(end) != 1:
            raise Unprovable("sections that stand in another element than before")
        tail = (encode_lines(_TAIL),)
        return _FramePart(
            items + html_before,
            html_after + tail,
            compile_text(text_before),
            compile_text(text_after),
        )

    def _make_section(self, section: Section, family: _Family) -> _SectionPart:
        key = id(family), len(section.cards), section.extra
        form = self._forms.get(key, self._learn_section, section, family)
        names = {INTEREST: clean_body(section.interest), ANCHOR: clean_body(section.anchor)}
        if any("\n" in name or is_odd(name) for name in names.values()):
            raise Unprovable("an interest of more than one line, or that HTML parsers change")
        in_html = {mark: escape(name) for mark, name in names.items()}
        html = [
            b"".join([x if isinstance(x, bytes) else x.fill(in_html) for x in lines])
            for lines in form.html
        ]
        text = [_Text(lines.lead, lines.fill(names), lines.trail) for lines in form.text]
        return _SectionPart(tuple(html), form.stacks, tuple(text))

    def _learn_section(self, section: Section, family: _Family) -> _SectionForm:
        """Return a section of so many cards with marks for its interest and its anchor."""
        key = len(section.cards), section.extra
        stack, html, stacks = family.stack, [], []
        for lines in split_at_cards(family.html.section(*key)):
            made = []
            for line in tighten("\n".join(lines)).split("\n"):
                if line:
                    inlined, stack = family.inliner.inline_line(line, stack)
                    made.append(inlined)
            html.append(cut_html(made))
            known = len(self._places), stack
            place = id(family), family.inliner.place(stack)
            stacks.append(self._places.setdefault(place, known))
        if stack != family.stack:
            raise Unprovable("a section that does not end where it began")
        text = [NamedText.cut(lines) for lines in split_at_cards(family.text.section(*key))]
        return _SectionForm(tuple(html), tuple(stacks), tuple(text))

    def _make_card(
        self, card: Card | Slot, own: bool, stack: tuple[int, Stack], family: _Family
    ) -> CardPart:
        language = family.html.frame.language
        draft = card.write(card.key, language) if isinstance(card, Slot) else Draft.of(card)
        if (safe := safe_card(draft.plain)) is not draft.plain:
            draft = draft._replace(plain=safe)
        place = *stack, language
        return self.shapes.make(draft, own, place, family.inliner)


def _render_card(card: Card) -> tuple[Lines, Lines]:
    """Return the lines of a card's HTML and of its text, before they are inlined and wrapped."""
    context = {"card": card}
    html = tighten(clean_body(render_to_string("email/digest/card.html", context))).split("\n")
    text = clean_body(render_to_string("email/digest/card.txt", context)).split("\n")
    return html, text
