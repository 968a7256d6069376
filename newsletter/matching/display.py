"""What a reader sees of a raw title or abstract, and where in it a match is marked."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from newsletter.matching.lexer import lex
from newsletter.matching.text import BREAK, MARKS, normalise

_MARKED_UP = re.compile(r"[^ -~]|[\\{}$&<~^_`]|--|''|  |^ | $")
_UNTIDY = re.compile(rf"\s{{2,}}|[^\S ]|(?<=[{MARKS}]{{4}})[{MARKS}]+")
_SENTENCE_END = re.compile(r"[.!?][”\"’')\]]*(?= )")

Span = tuple[int, int]


class Segment(NamedTuple):
    """A piece of readable text, to be marked as matched or not."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Readable:
    """Readable text: no LaTeX, no tags, no entities, no invisible characters, single spaces."""

    text: str
    # Raw offsets of each character of `text`; empty where the text is the raw text itself.
    _starts: tuple[int, ...] = ()
    _ends: tuple[int, ...] = ()

    def display_span(self, start: int, end: int) -> Span:
        """The part of `text` that shows raw[start:end]; empty where nothing of it is shown."""
        if not self._starts:
            size = len(self.text)
            return min(max(start, 0), size), min(max(end, start, 0), size)
        first = bisect_right(self._ends, start)
        return first, max(first, bisect_left(self._starts, end))

    def raw_span(self, start: int, end: int) -> Span:
        """The part of the raw text that text[start:end], not empty, shows."""
        return (self._starts[start], self._ends[end - 1]) if self._starts else (start, end)


class Marked(NamedTuple):
    """Readable text from `start` to `end`, and the spans of it that are marked, in order."""

    text: str
    marks: tuple[Span, ...]
    start: int
    end: int

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The text cut where words are marked."""
        text, at, segments = self.text, self.start, []
        for first, last in self.marks:
            if at < first:
                segments.append(Segment(text[at:first], False))
            segments.append(Segment(text[first:last], True))
            at = last
        if at < self.end:
            segments.append(Segment(text[at : self.end], False))
        return tuple(segments)


NOTHING = Marked("", (), 0, 0)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of an abstract; the flags say whether text was left out before and after."""

    segments: tuple[Segment, ...]
    leading: bool
    trailing: bool

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


def readable(raw: str) -> Readable:
    """What a reader sees of `raw`. Never raises; nothing but markup and controls is lost."""
    if not _MARKED_UP.search(raw):
        return Readable(raw)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in lex(raw):
        parts.append(piece.shown)
        if piece.verbatim:
            starts.extend(range(piece.start, piece.end))
            ends.extend(range(piece.start + 1, piece.end + 1))
        else:
            starts.extend([piece.start] * len(piece.shown))
            ends.extend([piece.end] * len(piece.shown))
    return _tidied("".join(parts), starts, ends)


# A day's papers are cut for reader after reader.
_read = lru_cache(maxsize=1_000)(readable)


def title_key(raw: str) -> str:
    """The normalised title by which a paper is recognised in another source: its words.

    Case, accents, LaTeX, hyphens and punctuation make no difference, plurals do. A title without
    any word is its own key.
    """
    words = [word.lower for word in normalise(raw).words if word.form != BREAK]
    return " ".join(words) or readable(raw).text.casefold()


def marked_segments(raw: str, spans: Iterable[Span]) -> tuple[Segment, ...]:
    """All of `raw` as a reader sees it, cut where raw `spans` are marked.

    The texts joined are readable(raw).text. Overlapping spans are marked as one.
    """
    return mark_text(raw, spans).segments


def mark_text(raw: str, spans: Iterable[Span]) -> Marked:
    """As `marked_segments`, not yet cut."""
    shown = _read(raw)
    return Marked(shown.text, tuple(_merged(shown, spans)), 0, len(shown.text))


def snippet(abstract_raw: str, spans: Iterable[Span], limit: int = 400) -> Snippet:
    """At most `limit` characters (two kept free for ellipses) around the first of the raw `spans`.

    Cut between sentences where that leaves enough, else between words; from the beginning when
    the first hit, or no hit, is seen from there.
    """
    cut = cut_snippet(abstract_raw, spans, limit)
    return Snippet(cut.segments, cut.start > 0, cut.end < len(cut.text))


def cut_snippet(abstract_raw: str, spans: Iterable[Span], limit: int = 400) -> Marked:
    """As `snippet`, not yet cut at its marks; text is left out where it does not reach the ends."""
    shown = _read(abstract_raw)
    text, marks = shown.text, _merged(shown, spans)
    if len(text) <= limit:
        return Marked(text, tuple(marks), 0, len(text))
    room = max(limit - 2, 1)
    start = _snippet_start(text, marks[0], room) if marks else 0
    end = _snippet_end(text, start, room, marks[0][1] if marks else 0)
    inside = [(max(a, start), min(b, end)) for a, b in marks if a < end and b > start]
    return Marked(text, tuple(inside), start, end)


def _tidied(text: str, starts: list[int], ends: list[int]) -> Readable:
    """White space made single spaces and taken from the ends, at most four marks on a letter."""
    parts: list[str] = []
    tidy_starts: list[int] = []
    tidy_ends: list[int] = []
    at, size = len(text) - len(text.lstrip()), len(text.rstrip())
    while at < size:
        untidy = _UNTIDY.search(text, at, size)
        stop = untidy.start() if untidy else size
        parts.append(text[at:stop])
        tidy_starts += starts[at:stop]
        tidy_ends += ends[at:stop]
        if untidy is None:
            break
        at = untidy.end()
        if untidy.group()[0].isspace():
            parts.append(" ")
            tidy_starts.append(starts[stop])
            tidy_ends.append(ends[at - 1])
    return Readable("".join(parts), tuple(tidy_starts), tuple(tidy_ends))


def _merged(shown: Readable, spans: Iterable[Span]) -> list[Span]:
    """The spans as shown, in order; those that touch or overlap made one, empty ones left out."""
    merged: list[Span] = []
    for start, end in sorted(shown.display_span(*span) for span in spans):
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _snippet_start(text: str, mark: Span, room: int) -> int:
    if mark[1] <= room * 3 // 4:
        return 0
    earliest = max(0, mark[1] - room * 2 // 3)
    sentence = _SENTENCE_END.search(text, earliest, mark[0])
    if sentence:
        return sentence.end() + 1
    space = text.find(" ", max(earliest, mark[0] - room // 3), mark[0])
    return space + 1 if space >= 0 else mark[0]


def _snippet_end(text: str, start: int, room: int, needed: int) -> int:
    latest = start + room
    if latest >= len(text):
        return len(text)
    least = max(start + room * 3 // 5, min(needed, latest))
    sentences = [found.end() for found in _SENTENCE_END.finditer(text, least, latest + 1)]
    if sentences:
        return sentences[-1]
    space = text.rfind(" ", min(max(start + 1, needed), latest), latest + 1)
    if space > start:
        return space
    while latest > start + 1 and re.match(f"[{MARKS}]", text[latest]):
        latest -= 1
    return latest
