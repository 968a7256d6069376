"""Normalisation: the same for papers and for interests, with offsets into the raw text.

`normalise` gives the words that matching compares. What is equal to matching: case (but see
`Word.capitals`), accents, plural and singular, all kinds of dashes and quotes, LaTeX and what it
prints. Words know where they stand in the raw text, so what matched can be marked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from operator import add
from typing import NamedTuple

from newsletter.matching.lexer import lex
from newsletter.matching.words import BREAK, FORMS, LOWERS, WORDS, Word, is_acronym

__all__ = ["BREAK", "NormalText", "Token", "Word", "is_acronym", "normalise"]

MARKS = "".join(
    char for char in map(chr, range(0x300, 0x10000)) if unicodedata.category(char)[0] == "M"
)
_NEEDS_LEXING = re.compile(r"[^\t-\r -~]|[\\&<${}]")
_CLUSTER = re.compile(f"[^\x00-\x7f][{MARKS}]*")
_TRANSLATED = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-"),
        **dict.fromkeys("‘’‚‛ʼʹ′＇`´", "'"),
        **dict.fromkeys("“”„‟″＂«»", '"'),
        **dict.fromkeys("™®©\ufffd", " "),
        **dict.fromkeys("。、", ","),
    }
    | {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D"}
    | {"ı": "i", "ȷ": "j", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
)


def _pattern(word: str, single: str) -> re.Pattern[str]:
    return re.compile(
        rf"{single}"
        rf"{word}+(?:(?:(?<=\d)\.(?=\d)|'){word}+)*(?:\+\+|\#)?"  # gpt, 3.5, don't, C++, C#
        r"|[.,;:!?()](?:[\s\"'\[\]]*[.,;:!?()])*"
    )


_ASCII = _pattern("[A-Za-z0-9]", "")
# Scripts without spaces are read sign by sign, so that a phrase is found within a sentence.
_UNICODE = _pattern(f"(?:[^\\W_]|[{MARKS}])", f"[\u3041-\u30fa\u3400-\u9fff][{MARKS}]*|")
PLAIN = re.compile(r"[a-z0-9]+(?:[ -][a-z0-9]+)*")
PLAIN_WORD = re.compile(r"[a-z0-9]+")
_JOINERS = "-/_"
_JOINER = re.compile(r"-{1,3}|[/_]")


class Token(NamedTuple):
    """A word of a text and where it stands in the raw text."""

    word: Word
    start: int
    end: int


class Letters:
    """Words joined to one string: where in it each begins, and which begins at an offset.

    `starts` has one more than there are words: where the last ends.
    """

    __slots__ = ("starts", "text", "words")

    def __init__(self, words: Iterable[str]) -> None:
        pieces = list(words)
        self.text = "".join(pieces)
        self.starts = list(accumulate(map(len, pieces), initial=0))
        self.words = dict(zip(self.starts, range(len(pieces) + 1), strict=True))


class NormalText:
    """A normalised text: its words and breaks in order. Offsets are worked out when asked for."""

    __slots__ = (
        "_ends",
        "_grams",
        "_letters",
        "_lowers",
        "_spans",
        "_starts",
        "forms",
        "surfaces",
        "text",
    )

    def __init__(self, text: str, starts: list[int], ends: list[int]) -> None:
        self._starts = starts  # of each character of `text` in the raw text; empty: the same
        self._ends = ends
        self._spans: list[tuple[int, int]] | None = None
        self._grams: tuple[list[str], ...] = ()
        self._letters: Letters | None = None
        self._lowers: Letters | None = None
        self.text = text
        self.surfaces: list[str] = (_ASCII if text.isascii() else _UNICODE).findall(text)
        self.forms: list[str] = list(map(FORMS.__getitem__, self.surfaces))

    @property
    def letters(self) -> Letters:
        """The forms of all words, joined."""
        if self._letters is None:
            self._letters = Letters(self.forms)
        return self._letters

    @property
    def grams(self) -> tuple[list[str], ...]:
        """The forms, and those of each two, three and four adjacent words, joined."""
        if not self._grams:
            forms = self.forms
            pairs = list(map(add, forms, forms[1:]))
            threes = list(map(add, pairs, forms[2:]))
            self._grams = forms, pairs, threes, list(map(add, threes, forms[3:]))
        return self._grams

    @property
    def lowers(self) -> Letters:
        """The words casefolded but not made singular, joined."""
        if self._lowers is None:
            self._lowers = Letters(lowers_of(self))
        return self._lowers

    def lower(self, at: int) -> str:
        """The word casefolded but not made singular."""
        return LOWERS[self.surfaces[at]]

    @property
    def words(self) -> list[Word]:
        """The words and breaks, as read."""
        return list(map(WORDS.__getitem__, self.surfaces))

    def words_between(self, first: int, last: int) -> list[Word]:
        """Words and breaks first..last-1, as read."""
        return list(map(WORDS.__getitem__, self.surfaces[first:last]))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The words with their raw offsets, breaks left out."""
        return tuple(
            Token(word, *self.span(at, at + 1))
            for at, word in enumerate(self.words)
            if word.form != BREAK
        )

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Raw offsets of words first..last-1: start of the first, end of the last."""
        spans = self._positions()
        start, end = spans[first][0], spans[last - 1][1]
        if self._starts:
            return self._starts[start], self._ends[end - 1]
        return start, end

    def joined(self, at: int) -> bool:
        """Whether words at and at+1 are parts of one run, as in pre-training or actor/critic."""
        word = self.surfaces[at]
        if not any(word + sign in self.text for sign in _JOINERS):
            return False  # almost always, and sooner told
        spans = self._positions()
        return bool(_JOINER.fullmatch(self.text, spans[at][1], spans[at + 1][0]))

    def _positions(self) -> list[tuple[int, int]]:
        if self._spans is None:
            pattern = _ASCII if self.text.isascii() else _UNICODE
            self._spans = [found.span() for found in pattern.finditer(self.text)]
        return self._spans


def normalise(raw: str) -> NormalText:
    """The words of `raw`. Never raises; every span lies within `raw`."""
    if not _NEEDS_LEXING.search(raw):
        return NormalText(raw, [], [])
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in lex(raw):
        if piece.verbatim and piece.words.isascii():
            parts.append(piece.words)
            starts.extend(range(piece.start, piece.end))
            ends.extend(range(piece.start + 1, piece.end + 1))
            continue
        for text, start, end in _folded(piece.words):
            parts.append(text)
            if piece.verbatim:
                starts.extend(range(piece.start + start, piece.start + start + len(text)))
                ends.extend(range(piece.start + start + 1, piece.start + start + 1 + len(text)))
                if len(text) != end - start:
                    starts[len(starts) - len(text) :] = [piece.start + start] * len(text)
                    ends[len(ends) - len(text) :] = [piece.start + end] * len(text)
            else:
                starts.extend([piece.start] * len(text))
                ends.extend([piece.end] * len(text))
    return NormalText("".join(parts), starts, ends)


def lowers_of(text: NormalText) -> list[str]:
    """The words casefolded but not made singular, in order."""
    return list(map(LOWERS.__getitem__, text.surfaces))


def forms_of(surfaces: Iterable[str]) -> list[str]:
    """The forms of words as written, in order."""
    return list(map(FORMS.__getitem__, surfaces))


def plain_forms(words: str) -> list[str] | None:
    """The forms of `words` where that needs no care: lower-case ASCII words; None elsewhere."""
    if not PLAIN.fullmatch(words):
        return None
    return list(map(FORMS.__getitem__, PLAIN_WORD.findall(words)))


def _folded(text: str) -> list[tuple[str, int, int]]:
    """`text` cut into runs of ASCII and folded clusters, each with its offsets in `text`."""
    runs: list[tuple[str, int, int]] = []
    at = 0
    for cluster in _CLUSTER.finditer(text):
        start, end = cluster.span()
        if at < start:
            runs.append((text[at:start], at, start))
        runs.append((_fold(cluster.group()), start, end))
        at = end
    if at < len(text):
        runs.append((text[at:], at, len(text)))
    return runs


@lru_cache(maxsize=20_000)
def _fold(cluster: str) -> str:
    """A character and its marks: compatibility forms and accents gone, capitals kept."""
    text = unicodedata.normalize("NFKD", cluster.translate(_TRANSLATED)).translate(_TRANSLATED)
    text = "".join(char for char in text if not _is_accent(char))
    lower = text.casefold()
    if len(lower) != len(text) or lower.casefold() != lower:
        text = unicodedata.normalize("NFKD", lower)  # ß is ss: capitals are lost, lengths agree
        text = "".join(char for char in text if not _is_accent(char))
    return text


def _is_accent(char: str) -> bool:
    # The sound marks of kana (U+3099, U+309A) make another letter, so they stay.
    return unicodedata.combining(char) != 0 and char not in "\u3099\u309a"
