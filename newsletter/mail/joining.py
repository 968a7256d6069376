"""Letters joined from parts that are rendered, inlined and encoded once.

`Joiner.join` gives the message that `compose_message(render_digest(digest), envelope)` gives: the
same headers and, decoded, the same two bodies. A card is rendered once for all readers who get it
with the same words marked and the same reason; the frame around the cards once for all readers of
an edition in a language with the same counts. What is a reader's own (links, the sentence that
counts, the schedule) is put in. docs/adr/0030 says why this is right; where it cannot be shown to
be, `Unprovable` is raised and the letter is composed whole.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language

from newsletter.mail.cutting import Body, values
from newsletter.mail.framing import Family, Frames
from newsletter.mail.headers import clean_body
from newsletter.mail.heads import assemble, boundary_of, write_head
from newsletter.mail.inliner import Stack
from newsletter.mail.layout import BEST, Lines, is_unchanged
from newsletter.mail.letter import Card, Digest, Draft, Envelope, Section, Slot
from newsletter.mail.lru import Recent
from newsletter.mail.ownlines import OwnLines
from newsletter.mail.render import (
    first_title,
    foot_links,
    put_into_subject,
    render_subject,
    render_subject_around,
    safe_card,
    tighten,
)
from newsletter.mail.sections import Sections
from newsletter.mail.shapes import CardPart, Shapes

CARDS_KEPT = 26_000  # about 2.5 KB each of their own
_PARTS_OF_A_CARD = attrgetter(
    "title", "url", "byline", "snippet", "cut_before", "cut_after", "why", "links", "note"
)


class Joiner:
    """Joins letters; keeps the parts it used last. For one thread."""

    def __init__(self) -> None:
        self.frames = Frames()
        self._sections = Sections()
        self._own = OwnLines()
        self._subjects: Recent[Any, str] = Recent(4_000)
        self._around: Recent[Any, str] = Recent(500)
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
        family, part = self.frames.find(digest, links)
        subject = self._subject(digest)
        known = values(digest, subject, links)
        body = Body()
        self._own.add_html(body, part.html_before, known, digest, family)
        self._own.add_text(body, part.text_before, known, digest)
        for section in digest.sections:
            self._add_section(body, section, family)
        self._own.add_html(body, part.html_after, known, digest, family)
        self._own.add_text(body, part.text_after, known, digest)
        body.fill_holes()
        boundary = boundary_of(envelope.seed)
        return assemble(write_head(subject, envelope, boundary), boundary, body.text, body.html)

    def _subject(self, digest: Digest) -> str:
        best = digest.best or first_title(digest)
        key = digest.language, digest.date, digest.first_date, digest.days, digest.count
        return self._subjects.get((key, best), self._write_subject, digest, best, key)

    def _write_subject(self, digest: Digest, best: str, key: object) -> str:
        around = self._around.get((key, not best), render_subject_around, digest, best and BEST)
        if best and around.count(BEST) == 1 and is_unchanged(around):
            return put_into_subject(around, BEST, best)
        return render_subject(digest)

    def _add_section(self, body: Body, section: Section, family: Family) -> None:
        cards = section.cards
        part = self._sections.find(section, family)
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

    def _make_card(
        self, card: Card | Slot, own: bool, stack: tuple[int, Stack], family: Family
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
