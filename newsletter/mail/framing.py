"""What is around the papers of a letter: learnt once for a site and a language, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from newsletter.mail.cutting import compile_head, split_head
from newsletter.mail.inliner import STYLE, Inliner, Stack, Unprovable
from newsletter.mail.layout import Frame, Layout, LooksAtNumber, frame_of
from newsletter.mail.letter import Digest, Link
from newsletter.mail.lru import Recent
from newsletter.mail.parts import Chunk, Item, compile_html, compile_text
from newsletter.mail.quoted import encode_lines

_TAIL = ["</body>", "</html>"]


@dataclass(frozen=True, slots=True)
class FramePart:
    html_before: tuple[Item, ...]
    html_after: tuple[Item, ...]
    text_before: Chunk
    text_after: Chunk


@dataclass(frozen=True, slots=True)
class Family:
    """What is learnt once for a site and a language."""

    html: Layout
    text: Layout
    inliner: Inliner
    stack: Stack  # what a section stands in


class Frames:
    """The frames of letters; keeps those it used last."""

    def __init__(self) -> None:
        self._families: dict[Any, Family | Unprovable] = {}
        self._inliners: dict[str, Inliner] = {}
        self._heads: Recent[str, tuple[Item, ...]] = Recent(16)
        self._frames: Recent[Frame, FramePart] = Recent(1_000)
        self._exact = False

    @property
    def made(self) -> int:
        """How many frames were put together; the others were at hand."""
        return self._frames.misses

    def find(self, digest: Digest, links: Sequence[Link]) -> tuple[Family, FramePart]:
        """Return a digest's family and frame; `Unprovable` where there is none for sure."""
        frame = frame_of(digest, links, exact=self._exact)
        try:
            family = self._family(frame)
            return family, self._frames.get(frame, self._make_frame, frame, family)
        except LooksAtNumber:
            self._exact = True  # templates that say more of the number than the number
            return self.find(digest, links)

    def _family(self, frame: Frame) -> Family:
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

    def _learn_family(self, frame: Frame) -> Family:
        html, text = Layout.learn(frame, "html"), Layout.learn(frame, "txt")
        head, lines = split_head(html.find(frame)[0])
        (style,) = STYLE.findall(head) or [""]
        inliner = self._inliners.setdefault(style, Inliner(style))
        _, stack = compile_html(lines, (), inliner)
        return Family(html, text, inliner, stack)

    def _make_frame(self, frame: Frame, family: Family) -> FramePart:
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
        return FramePart(
            items + html_before,
            html_after + tail,
            compile_text(text_before),
            compile_text(text_after),
        )
