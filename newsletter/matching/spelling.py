"""Other ways to write a word, and the known words that are nearly it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from newsletter.matching.packs import Array

_LONGEST = 24  # letters of a word that is compared letter by letter
_SHORTEST = 3
_ONE_SLIP = 5  # letters of a word in which only one slip is looked for; longer ones may have two
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_GREEK = {
    char: unicodedata.name(char).rpartition(" ")[2].lower()
    for char in map(chr, range(0x3B1, 0x3CA))
    if char != "ς"
}
_SWAPS = {
    **{word: str(number) for number, word in enumerate(_NUMBERS)},
    **{str(number): word for number, word in enumerate(_NUMBERS)},
    **_GREEK,
    **{name: char for char, name in _GREEK.items()},
}
_SPELLINGS = tuple(
    (re.compile(pattern), other)
    for pattern, other in (
        (r"(?<=\w\w)is(?=(e|ed|es|er|ers|ing|able|ations?)$)", "iz"),
        (r"(?<=\w\w)iz(?=(e|ed|es|er|ers|ing|able|ations?)$)", "is"),
        (r"ys(?=(e|ed|es|er|ers|ing)$)", "yz"),
        (r"yz(?=(e|ed|es|er|ers|ing)$)", "ys"),
        (r"(?<=\w\w)our", "or"),
        (r"(?<=\w\w)or", "our"),
        (r"(?<=[aeiou])ll(?=(ing|ed|er|ers)$)", "l"),
        (r"(?<=[aeiou])l(?=(ing|ed|er|ers)$)", "ll"),
        (r"(?<=\w\w)tre$", "ter"),
        (r"(?<=\w\w)ter$", "tre"),
        (r"ogue$", "og"),
        (r"og$", "ogue"),
        (r"ence$", "ense"),
        (r"ense$", "ence"),
    )
)


def other_spellings(word: str) -> Iterator[str]:
    """British for American and the other way round, one for 1, delta for δ; real words or not."""
    folded = word.casefold()
    if folded in _SWAPS:
        yield _SWAPS[folded]
    for pattern, other in _SPELLINGS:
        if pattern.search(folded):
            yield pattern.sub(other, folded)


class Speller:
    """The words to compare with; short, very long and non-ASCII ones are left out."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._numbers = arrays["spell numbers"]
        self._sizes = arrays["spell sizes"]
        self._letters = arrays["spell letters"]

    def near(self, word: str, among: Array | None = None) -> list[tuple[int, int]]:
        """The numbers of the words at most two slips away, one for short ones, with the slips.

        A slip is a letter too many, missing, or wrong, or two that changed places. The word itself
        is not among them. `among` says of all words which are looked at.
        """
        size = len(word)
        if not (_SHORTEST <= size <= _LONGEST and word.isascii()):
            return []
        most = 1 if size <= _ONE_SLIP else 2
        fit = np.abs(self._sizes - size) <= most
        if among is not None:
            fit &= among[self._numbers]
        at = np.flatnonzero(fit)
        slips = _slips(word.encode(), self._letters[:, at], self._sizes[at], most)
        good = np.flatnonzero((slips > 0) & (slips <= most))
        return list(zip(self._numbers[at[good]].tolist(), slips[good].tolist(), strict=True))


def compile_speller(words: Sequence[str]) -> dict[str, Array]:
    """The arrays of a `Speller`."""
    kept = [
        (number, word)
        for number, word in enumerate(words)
        if _SHORTEST <= len(word) <= _LONGEST and word.isascii() and not word.isdigit()
    ]
    letters = np.array([word.encode() for _, word in kept], f"S{_LONGEST}")
    return {
        "spell numbers": np.array([number for number, _ in kept], np.uint32),
        "spell sizes": np.array([len(word) for _, word in kept], np.int8),
        "spell letters": np.ascontiguousarray(
            letters.view(np.uint8).reshape(len(kept), _LONGEST).T
        ),
    }


def _slips(word: bytes, letters: Array, sizes: Array, most: int) -> Array:
    """How many slips make each column of `letters` from `word`; more than `most` is `most` + 1."""
    count = letters.shape[1]
    width = len(word) + most
    many = np.full(count, most + 1, np.uint8)
    rows: list[list[Array]] = [
        [np.full(count, min(i, most + 1), np.uint8) for i in range(width + 1)]
    ]
    for at, letter in enumerate(word, 1):
        row = [many] * (width + 1)
        row[0] = np.full(count, min(at, most + 1), np.uint8)
        for i in range(max(1, at - most), min(width, at + most, _LONGEST) + 1):
            same = letters[i - 1] == letter
            best = np.minimum(rows[-1][i], row[i - 1]) + np.uint8(1)
            best = np.minimum(best, rows[-1][i - 1] + ~same)
            if at > 1 and i > 1:
                swapped = (letters[i - 2] == letter) & (letters[i - 1] == word[at - 2])
                best = np.where(swapped, np.minimum(best, rows[-2][i - 2] + np.uint8(1)), best)
            row[i] = np.minimum(best, many)
        rows.append(row)
    slips: Array = np.choose(sizes - (len(word) - most), rows[-1][-2 * most - 1 :])
    return slips
