"""What the letter's templates put around the papers, found out by rendering them with marks.

Template authors write `body.html` and `body.txt` as they like, with loops and conditions. Here the
same templates are rendered with marks for what differs between readers and with a line for each
card, and the lines between are the parts. Where the parts do not add up to what the templates make
of several sections, they are `Unprovable`, and letters are composed whole.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.template import Context, Engine, Template, engines
from django.utils.safestring import mark_safe
from django.utils.translation import trans_real

from newsletter.mail.headers import clean_body
from newsletter.mail.inliner import Unprovable
from newsletter.mail.letter import Digest, Link, Site
from newsletter.mail.render import tighten
from newsletter.mail.wording import number_word

# Marks: letters and digits, so that nothing escapes them; long, so that nothing cuts them short.
PAD = "mark" * 40
TITLE, PREHEADER, COUNT, SCHEDULE, BEST, LEFT, INTEREST, ANCHOR, CARD = (
    f"zqV{name}{PAD}qz"
    for name in [
        "title", "preheader", "count", "schedule", "best", "left", "interest", "anchor", "card",
    ]
)  # fmt: skip
MORE, UNSUBSCRIBE, FEEDBACK = (
    f"https://zq.invalid/{name}{PAD}" for name in ("more", "out", "feedback")
)
LINKS = tuple(f"https://zq.invalid/link{number:02}{PAD}" for number in range(12))
HTML_MARKS = frozenset({COUNT, MORE, UNSUBSCRIBE, FEEDBACK, *LINKS})  # what is no plain text
MARK = re.compile(rf"(zqV[a-z]+{PAD}qz|https://zq\.invalid/[a-z]+[0-9]*?{PAD})")
_REMAINS = re.compile("zqv|zq.invalid|markmark", re.IGNORECASE)
STUB = "{{ card.stub }}"


@dataclass(frozen=True, slots=True)
class Frame:
    """What all letters have in common that differ in their papers and their reader alone."""

    site: Site
    date: dt.date
    first_date: dt.date
    days: int
    announced: int
    left_out: int
    count: int
    note: str
    labels: tuple[tuple[str, bool], ...]  # the foot's links: label, quiet
    language: str
    has_schedule: bool
    has_best: bool
    has_more: bool
    absent: tuple[str, ...] = ()
    is_left_marked: bool = False  # `left_out` stands for all numbers that take the same words


class _Number(int):
    """A number that templates count with, and print as a mark."""

    def __str__(self) -> str:
        return LEFT


@dataclass(frozen=True, slots=True)
class _Card:
    stub: str = CARD


@dataclass(frozen=True, slots=True)
class _Section:
    cards: tuple[_Card, ...]
    extra: bool
    interest: str = INTEREST
    anchor: str = ANCHOR


@dataclass(frozen=True, slots=True)
class _Outline:
    """A digest as the templates see it, with marks for what a reader has alone."""

    site: Site
    date: dt.date
    first_date: dt.date
    days: int
    announced: int
    sections: tuple[_Section, ...]
    left_out: int
    more_url: str
    note: str
    schedule: str
    unsubscribe_url: str
    links: tuple[Link, ...]
    best: str
    language: str
    count: int
    absent: tuple[str, ...]


class LooksAtNumber(Exception):  # noqa: N818 - it is a state of affairs
    """Templates print another letter for another number of papers left out."""


Lines = list[str]
Kind = str  # "html" or "txt"


def frame_of(digest: Digest, links: Sequence[Link], *, exact: bool = False) -> Frame:
    """Return the frame of a digest whose foot has these links.

    Unless `exact` it is that of all digests whose number of papers left out takes the same words.
    """
    if len(links) > len(LINKS):
        raise Unprovable(f"more than {len(LINKS)} links in the foot")
    left = digest.left_out
    alike = None if exact or left < 1 else like_numbers(digest.language, left)
    return Frame(
        digest.site,
        digest.date,
        digest.first_date,
        digest.days,
        digest.announced,
        alike[0] if alike else left,
        digest.count,
        digest.note,
        tuple([(link.label, link.quiet) for link in links]),
        digest.language,
        bool(digest.schedule),
        bool(digest.best),
        bool(digest.more_url),
        digest.absent,
        alike is not None,
    )


@lru_cache(maxsize=20_000)
def like_numbers(language: str, number: int) -> tuple[int, int] | None:
    """Return two numbers far apart that take the same plural forms; None where there are none."""
    catalog = getattr(trans_real.translation(language), "_catalog", None)
    rules = getattr(catalog, "_plurals", None)
    if not rules:
        return None
    form = [int(rule(number)) for rule in rules]
    near = (n for n in range(2, 200) if [int(rule(n)) for rule in rules] == form)
    far = (n for n in range(2_000, 2_200) if [int(rule(n)) for rule in rules] == form)
    found = next(near, None), next(far, None)
    return None if None in found else found  # type: ignore[return-value]


def render_frame(frame: Frame, kind: Kind, sections: Sequence[tuple[int, bool]]) -> Lines:
    """Return the lines of the body with sections of so many cards each, (number, extra), …."""
    parts = tuple(_Section((_Card(),) * number, extra) for number, extra in sections)
    outline = _Outline(
        frame.site,
        frame.date,
        frame.first_date,
        frame.days,
        frame.announced,
        parts,
        _Number(frame.left_out) if frame.is_left_marked else frame.left_out,
        MORE if frame.has_more else "",
        frame.note,
        SCHEDULE if frame.has_schedule else "",
        UNSUBSCRIBE,
        tuple(
            Link(label, url, quiet)
            for (label, quiet), url in zip(frame.labels, LINKS, strict=False)
        ),
        BEST if frame.has_best else "",
        frame.language,
        frame.count,
        frame.absent,
    )
    context = {
        "digest": outline,
        "site": frame.site,
        "title": TITLE,
        "preheader": PREHEADER,
        "room": number_word(frame.count),
        "count": mark_safe(COUNT),  # noqa: S308 - a mark of letters
    }
    text = clean_body(_body_template(kind).render(Context(context)))
    lines = (tighten(text) if kind == "html" else text).split("\n")
    check_marks(lines)
    return lines


def is_unchanged(line: str) -> bool:
    """Return whether a template left all marks as they are."""
    return not _REMAINS.search(MARK.sub("", line))


def check_marks(lines: Lines) -> None:
    """Raise `Unprovable` where a template changed a mark, as it would change a reader's text."""
    for line in lines:
        if not is_unchanged(line):
            raise Unprovable(f"a template that changes a text: {line[:60]!r}")


@dataclass(slots=True)
class Layout:
    """The parts of one kind of body: what comes before the sections, a section, what comes after.

    Learnt from one frame; `find` cuts the lines of another frame.
    """

    frame: Frame
    kind: Kind
    before: Lines
    after: Lines
    sections: dict[tuple[int, bool], Lines]

    @classmethod
    def learn(cls, frame: Frame, kind: Kind) -> Layout:
        """Return the layout; `Unprovable` unless sections follow each other unchanged."""
        none = render_frame(frame, kind, [])
        one = render_frame(frame, kind, [(1, False)])
        size = len(one) - len(none)
        at = next((n for n, (a, b) in enumerate(zip(none, one, strict=False)) if a != b), len(none))
        if size < 1 or one[:at] + one[at + size :] != none:
            raise Unprovable(f"body.{kind} does not put the sections one after the other")
        layout = cls(frame, kind, none[:at], none[at:], {})
        tried = [(2, False), (1, False), (3, True), (5, False)]
        whole = [line for each in tried for line in layout.section(*each)]
        if render_frame(frame, kind, tried) != layout.before + whole + layout.after:
            raise Unprovable(f"body.{kind} looks at more than a section")
        return layout

    def section(self, number: int, extra: bool) -> Lines:
        """Return the lines of a section of so many cards; CARD is a line where a card comes."""
        key = number, extra
        if key not in self.sections:
            lines = render_frame(self.frame, self.kind, [key])
            begin, end = len(self.before), len(lines) - len(self.after)
            inner = lines[begin:end]
            if lines[:begin] != self.before or lines[end:] != self.after:
                raise Unprovable(f"body.{self.kind} looks at a section from outside it")
            if inner.count(CARD) != number or CARD in "".join(x for x in inner if x != CARD):
                raise Unprovable(f"body.{self.kind} does not give each card its own lines")
            self.sections[key] = inner
        return self.sections[key]

    def find(self, frame: Frame) -> tuple[Lines, Lines]:
        """Return what comes before and after the sections in another frame.

        `LooksAtNumber` where that depends on the number of papers left out.
        """
        found = self._find(frame)
        if frame.is_left_marked:
            _, far = like_numbers(frame.language, frame.left_out) or (0, 0)
            if not far or self._find(replace(frame, left_out=far)) != found:
                raise LooksAtNumber(f"body.{self.kind} looks at how many papers were left out")
        return found

    def _find(self, frame: Frame) -> tuple[Lines, Lines]:
        lines = render_frame(frame, self.kind, [(1, False)])
        inner = self.section(1, extra=False)
        size = len(inner)
        found = [n for n in range(len(lines) - size + 1) if lines[n : n + size] == inner]
        if len(found) != 1:
            raise Unprovable(f"the sections of body.{self.kind} differ from frame to frame")
        return lines[: found[0]], lines[found[0] + size :]


def _body_template(kind: Kind) -> Template:
    """Return the body's template, in an engine whose card templates print a card's mark."""
    base: Any = engines["django"]
    return _stubbed(base.engine).get_template(f"email/digest/body.{kind}")


@lru_cache(maxsize=2)
def _stubbed(engine: Engine) -> Engine:
    stubs = {"email/digest/card.html": STUB, "email/digest/card.txt": STUB}
    inner = [("django.template.loaders.locmem.Loader", stubs), *engine.loaders]
    return Engine(
        dirs=engine.dirs,
        app_dirs=False,
        autoescape=engine.autoescape,
        loaders=[("django.template.loaders.cached.Loader", inner)],
        string_if_invalid=engine.string_if_invalid,
        libraries=engine.libraries,
        builtins=engine.builtins,
    )
