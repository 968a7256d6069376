"""Which keys stand in a text: its runs of words looked up, or a few keys searched for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import compress, count

from newsletter.matching.text import NormalText

LONG_HEAD = 16  # letters under which the lengths of longer keys are listed,
SHORT_HEAD = 5  # and of those no longer than that: five words have at least as many
FEW = 8  # keys that are rather searched for one by one
Lengths = dict[str, dict[int, int]]  # by head: how long keys are, how many are so long
Window = tuple[int, int, str]  # words first..last-1 of a text, and the key they join to


class Heads:
    """How long keys of five letters or more are, by how they begin: for texts cut finely."""

    def __init__(self) -> None:
        self.long: Lengths = {}
        self.short: Lengths = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Heads) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def list(self, key: str, more: int) -> None:
        """Counts a key of this length, or no longer."""
        if len(key) > LONG_HEAD:
            count_length(self.long, key[:LONG_HEAD], len(key), more)
        elif len(key) >= SHORT_HEAD:
            count_length(self.short, key[:SHORT_HEAD], len(key), more)


def count_length(lengths: Lengths, head: str, length: int, more: int) -> None:
    """Counts a key of this head and length, or no longer."""
    listed = lengths.setdefault(head, {})
    listed[length] = listed.get(length, 0) + more
    if not listed[length]:
        del listed[length]
    if not listed:
        del lengths[head]


def occurring(text: NormalText, keys: Mapping[str, object], heads: Heads) -> list[Window]:
    """Every run of words of `text` that joins to a key, longer ones of five words later."""
    if len(keys) <= FEW:
        return _searched(text, keys)
    has = keys.__contains__
    found: list[Window] = []
    for size, grams in enumerate(text.grams, start=1):
        found += [
            (first, first + size, grams[first]) for first in compress(count(), map(has, grams))
        ]
    if len(text.forms) > len(text.grams):
        _add_long(text, keys, heads.long, LONG_HEAD, found)
        _add_long(text, keys, heads.short, SHORT_HEAD, found)
    return found


def _add_long(
    text: NormalText, keys: Collection[str], lengths: Lengths, head: int, found: list[Window]
) -> None:
    """Adds the runs of more words than `text.grams` has."""
    if not lengths:
        return
    letters, size = text.letters, len(text.grams) + 1
    joined, starts, words = letters.text, letters.starts, letters.words
    begun = [joined[start : start + head] for start in starts[:-size]]
    for first in compress(count(), map(lengths.__contains__, begun)):
        start = starts[first]
        least = starts[first + size] - start
        for length in lengths[begun[first]]:
            if length >= least and start + length in words:
                key = joined[start : start + length]
                if key in keys:
                    found.append((first, words[start + length], key))


def _searched(text: NormalText, keys: Iterable[str]) -> list[Window]:
    letters = text.letters
    joined, words = letters.text, letters.words
    found: list[Window] = []
    for key in keys:
        at = joined.find(key) if key else -1
        while at >= 0:
            if at in words and at + len(key) in words:
                found.append((words[at], words[at + len(key)], key))
            at = joined.find(key, at + 1)
    return found
