"""Formulas of an abstract as MathML Core: what this small part of LaTeX can say, the rest as text.

A formula that holds anything else is shown in Unicode, as everywhere on the site. Elements are
made here and every text in them is escaped, so nothing a source writes becomes markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from newsletter.matching.display import readable
from newsletter.matching.formulas import find_formula
from newsletter.matching.latex import GREEK, SIGNS
from newsletter.mathsigns import (
    FENCES,
    IGNORED,
    LARGE,
    LOOKS,
    NAMED_FENCES,
    NAMES,
    OVER,
    RELATIONS,
    SPACES,
    TEXTS,
    WIDE,
    dress,
)

MOST_CHARACTERS = 300  # of a formula
MOST_DEPTH = 12
NARROW = 14  # characters: so much stays on one line
MOST_WIDTH = 26  # characters that fit on the line of a phone

_TOKEN = re.compile(r"\\([A-Za-z]+)\*?|\\(.)|(\d+(?:[.,]\d+)*)|([A-Za-z])|(\s+)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Element:
    """A MathML element: its name, its text or its children, its attributes."""

    name: str
    text: str = ""
    children: tuple[Element, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class Part(NamedTuple):
    """A piece of an abstract: readable text, and where it is a formula, its `math` elements.

    A formula is one element, or several that may stand on lines of their own.
    """

    text: str
    formula: tuple[Element, ...] = ()


_THIN = Element("mspace", attributes=(("width", "0.167em"),))


class _Unknown(Exception):  # noqa: N818
    """The formula has something that is not read here."""


def read_parts(raw: str) -> tuple[Part, ...]:
    """Return a raw abstract in pieces; their texts joined are what a reader sees, spaces apart."""
    parts: list[Part] = []
    at = 0
    while (place := find_formula(raw, at)) is not None:
        start, inner, close, end = place
        parts += _plain(raw[at:start])
        shown = readable(raw[start:end]).text
        formula = read_formula(raw[inner:close])
        parts.append(Part(shown, formula))
        at = end
    parts += _plain(raw[at:])
    while parts and not parts[-1].text.strip():
        parts.pop()
    return tuple(parts)


def _plain(raw: str) -> Iterator[Part]:
    text = readable(raw).text
    head = " " if raw[:1].isspace() else ""
    tail = " " if text and raw[-1:].isspace() else ""
    if head or text:
        yield Part(f"{head}{text}{tail}")


def read_formula(latex: str) -> tuple[Element, ...]:
    """Return a formula's `math` elements; none where it holds what is not known here.

    A browser breaks no line within `math`: a long formula is one for each relation in it, and one
    that is too wide even so is left to the text.
    """
    if len(latex) > MOST_CHARACTERS:
        return ()
    try:
        row = _Reader(latex).row(0, closing="")
    except (_Unknown, IndexError):
        return ()
    pieces: list[list[Element]] = [[]]
    for element in row:
        if pieces[-1] and element.name == "mo" and element.text in RELATIONS:
            pieces.append([])
        pieces[-1].append(element)
    whole = sum(map(_width, row)) <= NARROW
    found = [list(row)] if whole else pieces
    if not row or any(sum(map(_width, piece)) > MOST_WIDTH for piece in found):
        return ()
    return tuple(Element("math", children=tuple(piece)) for piece in found)


def _width(element: Element) -> int:
    """About how many characters an element is wide."""
    inner = [_width(child) for child in element.children]
    if element.name in ("mfrac", "mover"):
        return max(inner)
    return len(element.text) + sum(inner)


class _Reader:
    def __init__(self, latex: str) -> None:
        self.tokens = [match for match in _TOKEN.finditer(latex) if not match[5]]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].group() if self.at < len(self.tokens) else ""

    def row(self, depth: int, closing: str) -> tuple[Element, ...]:
        """The elements up to the closing brace, which is taken, or to the end."""
        if depth > MOST_DEPTH:
            raise _Unknown
        found: list[Element] = []
        while self.at < len(self.tokens):
            if self.peek() == "}":
                if closing != "}":
                    raise _Unknown
                self.at += 1
                return tuple(found)
            if self.peek() in ("^", "_"):
                found.append(self.scripts(Element("mrow"), depth))
                continue
            element = self.atom(depth)
            if element is not None and element.name == "mspace":
                found.append(element)
            elif element is not None:
                named = element.name == "mi" and element.text in NAMES
                if named and found and found[-1].name in ("mi", "mn"):
                    found.append(_THIN)
                found.append(self.scripts(element, depth))
                if named and self.peek() not in ("(", "", "}", "\\left", "\\,", ")", ","):
                    found.append(_THIN)
        if closing:
            raise _Unknown
        return tuple(found)

    def group(self, depth: int) -> Element:
        """What an argument is: a group in braces, or one atom."""
        if self.peek() == "{":
            self.at += 1
            row = self.row(depth + 1, "}")
            return row[0] if len(row) == 1 else Element("mrow", children=row)
        element = self.atom(depth + 1)
        if element is None:
            raise _Unknown
        return element

    def scripts(self, base: Element, depth: int) -> Element:
        below: Element | None = None
        above: Element | None = None
        while self.peek() in ("^", "_", "'"):
            mark = self.peek()
            self.at += 1
            if mark == "_":
                if below is not None:
                    raise _Unknown
                below = self.group(depth)
            else:
                new = Element("mo", "′") if mark == "'" else self.group(depth)
                above = new if above is None else Element("mrow", children=(above, new))
        if below is not None and above is not None:
            return Element("msubsup", children=(base, below, above))
        if below is not None:
            return Element("msub", children=(base, below))
        return Element("msup", children=(base, above)) if above is not None else base

    def atom(self, depth: int) -> Element | None:
        token = self.tokens[self.at]
        self.at += 1
        name, escaped, number, letter, _, sign = token.groups()
        if name:
            return self.command(name, depth)
        if escaped:
            return _escaped(escaped)
        if number:
            return Element("mn", number)
        if letter:
            return Element("mi", letter)
        if sign == "{":
            row = self.row(depth + 1, "}")
            return Element("mrow", children=row)
        if sign in "&}~":
            raise _Unknown
        return _sign(sign)

    def command(self, name: str, depth: int) -> Element | None:
        if name in IGNORED:
            if self.peek() == "." and name in ("left", "right"):
                self.at += 1
            return None
        if name in ("frac", "dfrac", "tfrac"):
            return Element("mfrac", children=(self.group(depth), self.group(depth)))
        if name == "sqrt":
            return self.root(depth)
        if name in OVER:
            over = Element("mo", OVER[name], attributes=(("stretchy", "false"),))
            return Element("mover", children=(self.group(depth), over))
        if name in TEXTS:
            return Element("mtext", self.words())
        if name in LOOKS:
            return self.dressed(LOOKS[name])
        for words, make in _SIMPLE:
            if name in words:
                return make(name)
        raise _Unknown

    def dressed(self, look: str) -> Element:
        word = dress(self.words(), look)
        if not word:
            raise _Unknown
        return Element("mi", word)

    def root(self, depth: int) -> Element:
        if self.peek() != "[":
            return Element("msqrt", children=(self.group(depth),))
        self.at += 1
        index = self.atom(depth)
        if index is None or self.peek() != "]":
            raise _Unknown
        self.at += 1
        return Element("mroot", children=(self.group(depth), index))

    def words(self) -> str:
        """The text in the braces that follow, or the one letter."""
        if self.peek() != "{":
            self.at += 1
            return self.tokens[self.at - 1].group()
        first = self.at + 1
        while self.peek() != "}":
            self.at += 1
            if self.peek() in ("", "{", "\\"):
                raise _Unknown
        start, end = self.tokens[first - 1].end(), self.tokens[self.at].start()
        self.at += 1
        text = self.tokens[0].string[start:end]
        if "\\" in text or "$" in text:
            raise _Unknown
        return readable(text).text


def _sign(sign: str) -> Element:
    if unicodedata.category(sign)[0] in "LN":
        return Element("mi", sign)
    if unicodedata.category(sign)[0] not in "PSM" or sign in "\\#":
        raise _Unknown
    return Element("mo", {"-": "−", "*": "∗"}.get(sign, sign))


def _escaped(sign: str) -> Element:
    if sign in SPACES:
        return Element("mspace", attributes=(("width", SPACES[sign]),))
    if sign in FENCES:
        return Element("mo", FENCES[sign])
    raise _Unknown


_SIMPLE: tuple[tuple[frozenset[str], Callable[[str], Element]], ...] = (
    (frozenset(GREEK), lambda name: Element("mi", GREEK[name])),
    (frozenset(LARGE), lambda name: Element("mo", LARGE[name])),
    (frozenset(NAMED_FENCES), lambda name: Element("mo", NAMED_FENCES[name])),
    (NAMES, lambda name: Element("mi", name)),
    (frozenset(WIDE), lambda name: Element("mspace", attributes=(("width", WIDE[name]),))),
    (frozenset(SIGNS), lambda name: Element("mo", SIGNS[name])),
)
