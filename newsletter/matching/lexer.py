"""One reading of raw titles and abstracts for matching and for display: entities, tags, LaTeX.

`lex(raw)` cuts the raw text into pieces that each know where they come from, what a reader sees and
what matching reads. It never raises: what it does not recognise stays as it is.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from newsletter.matching.latex import (
    ACCENTS,
    DROPPED,
    ESCAPES,
    FORMATTING,
    GREEK,
    LETTERS,
    SIGNS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
)
from newsletter.matching.markup import ENTITY, INVISIBLE, SURROGATES, tag_at


class Piece(NamedTuple):
    """`shown` for the reader, `words` for matching, from raw[start:end].

    A verbatim piece is raw[start:end] itself, so its offsets run character by character.
    """

    shown: str
    words: str
    start: int
    end: int
    verbatim: bool


_DROP = re.compile(f"[{INVISIBLE}]+")
_SPECIAL = re.compile(rf"[\\{{}}$&<~^_{INVISIBLE}{SURROGATES}]|--+|``|''")
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_ACCENTED = re.compile(r"\{?\s*(?:\\([ij])(?![A-Za-z])|([^\W\d_]))\}?")
_FORMULA = re.compile(r"[\\^_]")
_WORD = re.compile(r"[^\W\d_]{4,}")
_HYPHENS = re.compile(r"-+")
_DOLLAR = re.compile(r"(?<!\\)\$")
_DIGITS = re.compile(r"[-−]?[0-9]+")
_SIMPLE = re.compile(r"[^\W_]+|.")
_REACH = 300  # how far a brace or a dollar sign looks for its partner; keeps lexing linear
_DEPTH = 6  # scripts within scripts


def lex(raw: str) -> list[Piece]:
    """The pieces of `raw`, in order; what lies between them is neither shown nor matched."""
    lexer = _Lexer(raw, 0, False)
    lexer.run(0, len(raw))
    return lexer.pieces


class _Lexer:
    def __init__(self, raw: str, depth: int, math: bool) -> None:
        self.raw = raw
        self.depth = depth
        self.math = math
        self.closing = -1  # where the open `$` closes
        self.pieces: list[Piece] = []

    def run(self, position: int, end: int) -> None:
        raw = self.raw
        while position < end:
            special = _SPECIAL.search(raw, position, end)
            if special is None:
                self.keep(position, end)
                return
            self.keep(position, special.start())
            handle = _HANDLERS.get(raw[special.start()], _Lexer.drop)
            position = handle(self, special.start(), end)

    def keep(self, start: int, end: int) -> int:
        if start < end:
            text = self.raw[start:end]
            self.pieces.append(Piece(text, text, start, end, True))
        return end

    def put(self, shown: str, words: str, start: int, end: int) -> int:
        if shown or words:
            self.pieces.append(Piece(shown, words, start, end, False))
        return end

    def before(self) -> str:
        """The last character that matching reads so far."""
        return self.pieces[-1].words[-1:] if self.pieces else ""

    # -- single characters ------------------------------------------------------------------

    def drop(self, start: int, end: int) -> int:
        if "\ud800" <= self.raw[start] <= "\udfff":
            return self.put("\ufffd", " ", start, start + 1)
        invisible = _DROP.match(self.raw, start, end)
        return invisible.end() if invisible else start + 1  # a brace is one character

    def dash(self, start: int, end: int) -> int:
        run = _HYPHENS.match(self.raw, start, end)
        stop = run.end() if run else start + 1
        length = stop - start
        option = length == 2 and (start == 0 or self.raw[start - 1].isspace())
        if length > 3 or (option and self.raw[stop : stop + 1].isalpha()):  # --flag
            return self.keep(start, stop)
        return self.put("–" if length == 2 else "—", "-", start, stop)

    def quotes(self, start: int, _end: int) -> int:
        shown = "“" if self.raw[start] == "`" else "”"
        return self.put(shown, '"', start, start + 2)

    def tilde(self, start: int, end: int) -> int:
        """A tie is a space (`Figure~1`); before a number it means "about" or "to" (`1M~60M`)."""
        head = self.raw[max(0, start - 12) : start]
        after = self.raw[start + 1 : min(start + 2, end)]
        word = re.search(r"\w*$", head)
        numeric = bool(word and re.search(r"\d", word.group())) and after.isdigit()
        if not head or head[-1].isspace() or not after or after.isspace() or numeric:
            return self.keep(start, start + 1)
        return self.put(" ", " ", start, start + 1)

    def ampersand(self, start: int, end: int) -> int:
        tag = tag_at(self.raw, start, min(end, start + 4 * _REACH))
        if tag is not None:
            return self.put("" if tag[1] else " ", "" if tag[1] else " ", start, tag[0])
        entity = ENTITY.match(self.raw, start, end)
        if entity is None:
            return self.keep(start, start + 1)
        text = html.unescape(entity.group())
        if text == entity.group():
            return self.keep(start, entity.end())
        text = re.sub(f"[{SURROGATES}]", "\ufffd", _DROP.sub("", text))
        return self.put(text, text, start, entity.end())

    def dollar(self, start: int, end: int) -> int:
        """A pair of dollars is mathematics and not shown; a lone one is money."""
        if start == self.closing:
            self.closing, self.math = -1, False
            return start + 1 + self.raw.startswith("$$", start)
        stop = start + 2 if self.raw.startswith("$$", start) else start + 1
        close = _closing_dollar(self.raw, stop, min(end, stop + _REACH))
        if self.closing < 0 and close is not None:
            self.closing, self.math = close, True
            return stop
        return self.put(self.raw[start:stop], "", start, stop)

    def script(self, start: int, end: int) -> int:
        """`x_{1}` and `10^3`: in Unicode where every character has a form, else `x_max`."""
        raw, mark = self.raw, self.raw[start]
        group = _group(raw, start + 1, end)
        if group is not None:
            inner, stop = (group[0], group[1]), group[2]
        else:
            stop = self.script_end(start, end)
            if stop == start + 1:
                return self.keep(start, stop)
            inner = (start + 1, stop)
        if self.depth >= _DEPTH:
            return self.keep(start, start + 1)
        shown, words = self.inside(*inner, math=True)
        table = SUPERSCRIPTS if mark == "^" else SUBSCRIPTS
        if all(char in table for char in shown) and not _WORD.search(shown):
            text = "".join(table[char] for char in shown)
        elif _SIMPLE.fullmatch(shown):
            text = mark + shown
        else:
            text = f"{mark}({shown})"
        return self.put(text, mark + words, start, stop)

    def script_end(self, start: int, end: int) -> int:
        raw, after = self.raw, start + 1
        command = _COMMAND.match(raw, after, end)
        if self.math:
            if command:
                return command.end()
            return after + (after < end and raw[after].isalnum())
        digits = _DIGITS.match(raw, after, end)
        if digits is None or start == 0 or not raw[start - 1].isalnum():
            return after
        if raw[start] == "^":
            return digits.end()
        single = raw[start - 1].isalpha() and not raw[max(0, start - 2) : start - 1].isalnum()
        return digits.end() if single and digits.group()[0].isdigit() else after

    def inside(self, start: int, end: int, math: bool) -> tuple[str, str]:
        inner = _Lexer(self.raw, self.depth + 1, math)
        inner.run(start, end)
        shown = "".join(piece.shown for piece in inner.pieces)
        return shown, "".join(piece.words for piece in inner.pieces)

    # -- commands ---------------------------------------------------------------------------

    def backslash(self, start: int, end: int) -> int:
        command = _COMMAND.match(self.raw, start, end)
        if command is None:
            return self.escape(start, end)
        name, stop = command.group(1), command.end()
        if name in ACCENTS and self.raw[stop : stop + 1] in ("{", " ", "\\"):
            accented = self.accent(name, start, stop + (self.raw[stop] == " "), end)
            if accented is not None:
                return accented
        if name in LETTERS:
            letter = LETTERS[name]
            return _after_space(self.raw, self.put(letter, letter, start, stop), end)
        if name in GREEK:
            return self.put(GREEK[name], self.apart(name), start, stop)
        if name in SIGNS:
            return self.put(SIGNS[name], " ", start, stop)
        if name in FORMATTING:
            return stop if name == "xspace" else _after_space(self.raw, stop, end)
        return self.other(name, start, stop, end)

    def other(self, name: str, start: int, stop: int, end: int) -> int:
        first = _group(self.raw, stop, end)
        if name in DROPPED:
            return first[2] if first else stop
        if name == "href" and first:
            return first[2]
        if name in ("frac", "tfrac", "dfrac") and first and self.depth < _DEPTH:
            second = _group(self.raw, first[2], end)
            if second:
                above, below = self.inside(*first[:2], True), self.inside(*second[:2], True)
                shown = f"{_bracketed(above[0])}/{_bracketed(below[0])}"
                return self.put(shown, f"{self.apart(above[1])}/{below[1]}", start, second[2])
        return self.put(name, self.apart(name), start, stop)  # an author's own macro: its name

    def escape(self, start: int, end: int) -> int:
        sign = self.raw[start + 1 : min(start + 2, end)]
        if sign in ACCENTS:
            accented = self.accent(sign, start, start + 2, end)
            if accented is not None:
                return accented
        if sign and sign in ESCAPES:
            shown = ESCAPES[sign]
            return self.put(shown, shown, start, start + 2)
        return start + 1 if sign else self.keep(start, start + 1)

    def accent(self, name: str, start: int, position: int, end: int) -> int | None:
        accented = _ACCENTED.match(self.raw, position, end)
        if accented is None:
            return None
        text = unicodedata.normalize("NFC", (accented[1] or accented[2]) + ACCENTS[name])
        if name == '"' and not accented[1] and accented[2] not in "aeiouyAEIOUY":
            return None  # a quotation mark escaped by someone, not an umlaut
        return self.put(text, text, start, accented.end())

    def apart(self, name: str) -> str:
        return f" {name}" if self.before().isalnum() else name


def _bracketed(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"


def _after_space(raw: str, position: int, end: int) -> int:
    return position + (position < end and raw[position] in " \t\n")


def _group(raw: str, position: int, end: int) -> tuple[int, int, int] | None:
    """Start, end and what follows of the `{…}` at `position`, or None."""
    if position >= end or raw[position] != "{":
        return None
    depth = 0
    for at in range(position, min(end, position + _REACH)):
        if raw[at] == "{" and raw[at - 1] != "\\":
            depth += 1
        elif raw[at] == "}" and raw[at - 1] != "\\":
            depth -= 1
            if depth == 0:
                return position + 1, at, at + 1
    return None


def _closing_dollar(raw: str, position: int, end: int) -> int | None:
    """Where mathematics that opens before `position` closes, by pandoc's rule for `$`."""
    close = _DOLLAR.search(raw, position, end)
    if close is None or close.start() == position:
        return None
    content = raw[position : close.start()]
    spaces = content[0].isspace() + content[-1].isspace()
    spaced = spaces == 1 or (spaces == 2 and not _FORMULA.search(content))
    return None if spaced or raw[close.end() : close.end() + 1].isdigit() else close.start()


_HANDLERS: dict[str, Callable[[_Lexer, int, int], int]] = {
    "\\": _Lexer.backslash,
    "$": _Lexer.dollar,
    "&": _Lexer.ampersand,
    "<": _Lexer.ampersand,
    "~": _Lexer.tilde,
    "^": _Lexer.script,
    "_": _Lexer.script,
    "-": _Lexer.dash,
    "`": _Lexer.quotes,
    "'": _Lexer.quotes,
}
