"""A section around its cards: learnt once for so many cards, then written for each interest."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.html import escape

from newsletter.mail.cutting import NamedLine, NamedText, cut_html, split_at_cards
from newsletter.mail.framing import Family
from newsletter.mail.headers import clean_body
from newsletter.mail.inliner import Stack, Unprovable, is_odd
from newsletter.mail.layout import ANCHOR, INTEREST
from newsletter.mail.letter import Section
from newsletter.mail.lru import Recent
from newsletter.mail.render import tighten


class SectionText(NamedTuple):
    lead: bool
    pieces: tuple[bytes, ...]
    trail: bool


class SectionPart(NamedTuple):
    """A section around its cards: one piece more than cards; what each card stands in."""

    html: tuple[bytes, ...]
    stacks: tuple[tuple[int, Stack], ...]  # numbered: one number for one family and stack
    text: tuple[SectionText, ...]


class _SectionForm(NamedTuple):
    """A section of so many cards, for any interest: its lines around the cards."""

    html: tuple[tuple[bytes | NamedLine, ...], ...]
    stacks: tuple[tuple[int, Stack], ...]
    text: tuple[NamedText, ...]


class Sections:
    """The sections of letters; keeps those it used last."""

    def __init__(self) -> None:
        self._places: dict[object, tuple[int, Stack]] = {}  # stacks, those that look alike once
        self._sections: Recent[Any, SectionPart] = Recent(8_000)
        self._forms: Recent[Any, _SectionForm] = Recent(500)

    def find(self, section: Section, family: Family) -> SectionPart:
        """Return what is around a section's cards."""
        number = len(section.cards)
        key = section.interest, section.anchor, number, section.extra, id(family)
        return self._sections.get(key, self._make_section, section, family)

    def _make_section(self, section: Section, family: Family) -> SectionPart:
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
        text = [SectionText(lines.lead, lines.fill(names), lines.trail) for lines in form.text]
        return SectionPart(tuple(html), form.stacks, tuple(text))

    def _learn_section(self, section: Section, family: Family) -> _SectionForm:
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
