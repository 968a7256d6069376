"""The words of many papers in one row of arrays, as `windows` and `linking` look through them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.hashes import Ints, Letters
from newsletter.matching.phrases import is_loose
from newsletter.matching.reading import Reading
from newsletter.matching.text import BREAK, NormalText, lowers_of

_STOP, _LOOSE = 1, 2
_REMEMBERED = 500_000  # forms
END = "\0"  # between texts; no word has it


class Texts:
    """Every word and break of papers' fields, each text ended by END.

    By text: `normal`, `documents` (places in `readings`), `fields`, `firsts` (its first word). By
    word: `text_of`, `starts` (where its letters begin; one more than there are words), `loose`
    (may be read as one word with a loose neighbour), `breaks` (how many come before it).
    """

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.readings = tuple(readings)
        self.normal: list[NormalText] = []
        documents: list[int] = []
        fields: list[int] = []
        forms: list[str] = []
        sizes: list[int] = []
        for document, reading in enumerate(self.readings):
            for (field, _), text in reading.texts.items():
                self.normal.append(text)
                documents.append(document)
                fields.append(field)
                sizes.append(len(text.forms) + 1)
                forms += text.forms
                forms.append(END)
        self.documents = np.array(documents, np.int64)
        self.fields = np.array(fields, np.int64)
        self.firsts = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))[:-1]
        self.text_of = np.repeat(np.arange(len(sizes)), sizes)
        facts = np.fromiter(map(_FACTS.__getitem__, forms), np.int64, len(forms))
        self.starts = np.concatenate(([0], np.cumsum(facts >> 2)))
        self.loose: NDArray[np.bool_] = facts & _LOOSE != 0
        self.breaks = np.concatenate(([0], np.cumsum(facts & _STOP)))
        self.letters = Letters("".join(forms))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def words_at(self) -> Ints:
        """By letter: the word that begins there, -1 where none does; one more for the end."""
        words = np.full(self.letters.size + 1, -1, np.int64)
        words[self.starts] = np.arange(len(self.starts))
        return words

    @cached_property
    def lowers(self) -> tuple[Letters, Ints]:
        """The words casefolded but not made singular, and where the letters of each begin."""
        lowers: list[str] = []
        for text in self.normal:
            lowers += lowers_of(text)
            lowers.append(END)
        return Letters("".join(lowers)), _starts(lowers)

    def place(self, word: int) -> tuple[NormalText, int]:
        """The text a word is in, and its number there."""
        text = self.text_of[word]
        return self.normal[text], int(word - self.firsts[text])

    def joined(self, word: int) -> bool:
        """Whether this word and the next are parts of one run, as in pre-training."""
        text, at = self.place(word)
        return text.joined(at)


class _Facts(dict[str, int]):
    """What is asked of every word, by form: its letters << 2 | _LOOSE | _STOP."""

    def __missing__(self, form: str) -> int:
        if len(self) > _REMEMBERED:
            self.clear()
        facts = len(form) << 2
        if form in (BREAK, END):
            facts |= _STOP
        elif is_loose(form):
            facts |= _LOOSE
        self[form] = facts
        return facts


_FACTS = _Facts()


def _starts(words: list[str]) -> Ints:
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=starts[1:])
    return starts
