"""The words of many papers as arrays, so that they can be looked up in a file where it lies.

A surface is a word as it is written, a form what it is compared by. Surfaces of one form are
numbered side by side; number 0 ends a text. Words are found by a hash of their letters.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np

from newsletter.matching.packs import Array, lowers_of
from newsletter.matching.phrases import is_loose
from newsletter.matching.text import BREAK, normalise

Arrays = Mapping[str, Array]
_REMEMBERED = 64  # keys that were looked up last
_HIGHEST = "\U0010ffff".encode()


class Strings(Sequence[bytes]):
    """Many strings in one array of bytes, in UTF-8: in order they are in the order of letters."""

    def __init__(self, letters: Array, ends: Array) -> None:
        self.letters = letters
        self.ends = ends  # and a 0 before the first

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]
        return self.letters[self.ends[at] : self.ends[at + 1]].tobytes()

    def text(self, at: int) -> str:
        return self[at].decode()


class Table:
    """Different strings, told by their hashes."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        self.strings = Strings(arrays[f"{name} letters"], arrays[f"{name} ends"])
        self._hashes = arrays[f"{name} hashes"]  # in order
        self._numbers = arrays[f"{name} numbers"]  # of each hash

    def __len__(self) -> int:
        return len(self.strings)

    def find(self, text: str) -> int | None:
        """The number of a string, None where it is not there."""
        return dict(self.find_all((text,), hash_words((text,)))).get(0)

    def find_all(self, texts: Sequence[str], hashes: Array) -> list[tuple[int, int]]:
        """Which of `texts`, whose hashes are given, are there, and their numbers."""
        if not len(self._hashes):
            return []
        at = np.searchsorted(self._hashes, hashes)
        at[at == len(self._hashes)] = 0
        found = []
        for which in np.flatnonzero(self._hashes[at] == hashes).tolist():
            place, wanted = int(at[which]), texts[which].encode()
            while place < len(self._hashes) and self._hashes[place] == hashes[which]:
                if self.strings[int(self._numbers[place])] == wanted:
                    found.append((which, int(self._numbers[place])))
                    break
                place += 1
        return found


class Lexicon:
    """The surfaces of all streams, their forms, and what they read when casefolded."""

    def __init__(self, arrays: Arrays) -> None:
        self.surfaces = Strings(arrays["surface letters"], arrays["surface ends"])
        self.forms = Table(arrays, "form")
        self.firsts = arrays["form firsts"]  # surfaces of each form, and one beyond all
        self.loose = arrays["loose"]  # surfaces that may be one word with the next, see `phrases`
        self.lowers = Table(arrays, "lower")  # in the order of letters
        self._lower_firsts = arrays["lower firsts"]
        self._by_lower = arrays["by lower"]
        self.breaks = self.with_form(BREAK)
        self._forms_in: dict[str, list[tuple[int, int, range]]] = {}

    def __len__(self) -> int:
        return len(self.surfaces)

    def surface(self, number: int) -> str:
        return self.surfaces.text(number)

    def form(self, number: int) -> str:
        return self.forms.strings.text(number)

    def numbers(self, form: int) -> range:
        """The surfaces of a form."""
        return range(int(self.firsts[form]), int(self.firsts[form + 1]))

    def with_form(self, form: str) -> range:
        """The surfaces of a form, none where no word has it."""
        number = self.forms.find(form) if form else None
        return range(0) if number is None else self.numbers(number)

    def form_of(self) -> Array:
        """The form of each surface."""
        return np.repeat(np.arange(len(self.forms), dtype=np.uint32), np.diff(self.firsts))

    def is_stop(self, words: Array) -> Array:
        """Which of the words end a text or a sentence."""
        stops: Array = (words == 0) | ((words >= self.breaks.start) & (words < self.breaks.stop))
        return stops

    def forms_in(self, key: str) -> list[tuple[int, int, range]]:
        """Every (start, end, surfaces) where key[start:end] is a form."""
        if key not in self._forms_in:
            places, texts, hashes = _parts(key)
            found = self.forms.find_all(texts, hashes)
            if len(self._forms_in) >= _REMEMBERED:
                self._forms_in.clear()
            self._forms_in[key] = [
                (*places[which], self.numbers(number)) for which, number in found
            ]
        return self._forms_in[key]

    def lowers_in(self, key: str) -> list[tuple[int, int, Array]]:
        """Every (start, end, surfaces) where surfaces read key[start:end] when casefolded."""
        places, texts, hashes = _parts(key)
        found = self.lowers.find_all(texts, hashes)
        return [(*places[which], self._reading(number, number + 1)) for which, number in found]

    def with_lower(self, lower: str) -> Array:
        """The surfaces that read `lower` when casefolded."""
        number = self.lowers.find(lower)
        return self._reading(0, 0) if number is None else self._reading(number, number + 1)

    def beginning(self, head: str) -> Array:
        """The surfaces that begin so when casefolded."""
        low = head.encode()
        first = bisect_left(self.lowers.strings, low)
        last = bisect_left(self.lowers.strings, low + _HIGHEST, first)
        return self._reading(first, last)

    def _reading(self, first: int, last: int) -> Array:
        return self._by_lower[self._lower_firsts[first] : self._lower_firsts[last]]

    def capitals(self, number: int) -> str:
        """A surface's capitals as written, as long as its form."""
        words = normalise(self.surface(number)).words
        return words[0].capitals if words else ""


def compile_lexicon(surfaces: Sequence[str], forms: Sequence[str]) -> dict[str, Array]:
    """The arrays of a `Lexicon`. `forms` has the form of each surface, those of one together."""
    changes = [at for at in range(1, len(forms)) if forms[at] != forms[at - 1]]
    firsts = [0, *changes, len(forms)] if forms else [0]
    distinct = [forms[at] for at in firsts[:-1]]
    lowers = lowers_of(surfaces)
    by_lower = sorted(range(len(lowers)), key=lowers.__getitem__)
    read = [lowers[number] for number in by_lower]
    lower_firsts = [at for at in range(len(read)) if not at or read[at] != read[at - 1]]
    return {
        **join_strings("surface", surfaces),
        **_table("form", distinct),
        "form firsts": np.array(firsts, np.uint32),
        "loose": np.array(list(map(is_loose, forms)), np.bool_),
        **_table("lower", [read[at] for at in lower_firsts]),
        "lower firsts": np.array([*lower_firsts, len(read)], np.uint32),
        "by lower": np.array(by_lower, np.uint32),
    }


def hash_words(texts: Sequence[str]) -> Array:
    """A number of 64 bits for each text, the same in every process."""
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, np.uint64)


@lru_cache(maxsize=256)
def _parts(key: str) -> tuple[list[tuple[int, int]], list[str], Array]:
    """Where each part of a key stands, the parts, and their hashes."""
    size = len(key)
    places = [(start, end) for start in range(size) for end in range(start + 1, size + 1)]
    texts = [key[start:end] for start, end in places]
    return places, texts, hash_words(texts)


def join_strings(name: str, texts: Sequence[str]) -> dict[str, Array]:
    """The arrays of `Strings`."""
    encoded = [text.encode() for text in texts]
    ends = list(accumulate(map(len, encoded), initial=0))
    return {
        f"{name} letters": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name} ends": np.array(ends, np.uint32),
    }


def _table(name: str, texts: Sequence[str]) -> dict[str, Array]:
    hashes = hash_words(texts)
    order = np.argsort(hashes, kind="stable")
    return {
        **join_strings(name, texts),
        f"{name} hashes": hashes[order],
        f"{name} numbers": order.astype(np.uint32),
    }
