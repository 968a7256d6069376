"""Author names: which author a reader means by `author:"Y LeCun"`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from newsletter.matching.text import BREAK, NormalText, normalise

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is looked for: its parts as typed and with hyphenated parts written as one.

    A part of one letter is an initial; one that ends in * is a prefix; the others are full.
    """

    readings: tuple[Parts, ...]

    @classmethod
    def wanted(cls, words: str) -> Name:
        """The name in an atom's words."""
        readings: list[list[str]] = [[], []]
        for word in words.split():
            star = "*" if word.endswith("*") else ""
            for reading, parts in zip(readings, _readings(word.rstrip("*")), strict=True):
                reading.extend(parts)
                if parts:
                    reading[-1] += star
        return cls(tuple(dict.fromkeys(map(tuple, readings))))

    @property
    def has_full_part(self) -> bool:
        return any(len(part) > 1 for part in self.readings[0])

    @property
    def keys(self) -> tuple[str, ...]:
        """For each reading its longest part (with its *): an author found has one of them."""
        return tuple(dict.fromkeys(max(reading, key=len) for reading in self.readings))

    def finds(self, author: str) -> bool:
        """Whether all parts are parts of this one author's name, in any order."""
        theirs = author_parts(author)
        return any(_within(mine, parts) for mine in self.readings for parts in theirs)


@lru_cache(maxsize=50_000)
def author_parts(author: str) -> tuple[Parts, Parts]:
    """The parts of an author's name, and those with hyphenated parts written as one."""
    split, joined = _readings(author)
    return tuple(split), tuple(joined)


def _readings(raw: str) -> tuple[list[str], list[str]]:
    text: NormalText = normalise(raw)
    split: list[str] = []
    joined: list[str] = []
    for at, word in enumerate(text.words):
        if word.form == BREAK:
            continue
        split.append(word.lower)
        if at and joined and text.joined(at - 1):
            joined[-1] += word.lower
        else:
            joined.append(word.lower)
    return split, joined


def _within(wanted: Parts, parts: Parts) -> bool:
    """Whether each wanted part is another of `parts`: full ones first, then prefixes, initials."""
    left = list(parts)
    for part in sorted(wanted, key=lambda part: (-len(part), part)):
        if part in left and len(part) > 1:
            left.remove(part)
            continue
        head = part.rstrip("*")
        if len(part) > 1 and head == part:
            return False
        fitting = next((other for other in left if other.startswith(head)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True
