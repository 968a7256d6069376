"""How the words of an atom are found in a normalised text.

Words are compared by their joined forms, so `pre-training`, `pre training` and `pretraining` are
one key, wherever they stand in a phrase. A text may be cut more finely than the phrase only within
a hyphen or slash run, or between two words that are long enough not to join by accident; a key
shorter than eight letters only into two words, unless typed as more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from newsletter.matching.text import (
    BREAK,
    PLAIN_WORD,
    NormalText,
    Word,
    is_acronym,
    normalise,
    plain_forms,
)

MAX_PARTS = 6  # words of a text that may be read as one word that is looked for by its prefix
HEAD = 4  # letters under which a prefix is filed; the shortest prefix has as many

# `the rapist` is no `therapist`, `for mat` no `format`: these never join the word after them.
_APART = frozenset(
    {"and", "any", "are", "but", "can", "for", "has", "how", "its", "may", "not", "one"}
    | {"our", "per", "that", "the", "this", "two", "via", "was", "who", "with", "you"}
)

Range = tuple[int, int]  # words first..last-1 of a text


@dataclass(frozen=True, slots=True)
class Phrase:
    """Adjacent words. `capitals`: where in `key` an acronym stands, and its capitals."""

    key: str
    cuts: tuple[int, ...]
    capitals: tuple[tuple[int, str], ...] = ()

    def stands(self, text: NormalText, first: int, last: int) -> bool:
        """Whether words first..last-1 of `text`, which join to `key`, are this phrase."""
        if not stands(self.cuts, text, first, last):
            return False
        if not self.capitals:
            return True
        capitals = "".join(word.capitals for word in text.words_between(first, last))
        return all(capitals.startswith(acronym, start) for start, acronym in self.capitals)

    def ends(self, text: NormalText, first: int) -> Iterator[int]:
        """Where this phrase ends if it begins at word `first`."""
        at, last = 0, first
        while at < len(self.key) and last < len(text.forms):
            form = text.forms[last]
            if not self.key.startswith(form, at):
                return
            at, last = at + len(form), last + 1
        if at == len(self.key) and self.stands(text, first, last):
            yield last


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a word; `capitals` is what it must begin with as written, or empty."""

    key: str
    cuts: tuple[int, ...]
    capitals: str = ""

    def ends(self, text: NormalText, first: int) -> Iterator[int]:
        """Where the word that begins so ends, if one begins at word `first`."""
        if not self.capitals and first < len(text.forms) and text.lower(first).startswith(self.key):
            yield first + 1
            return
        at, last = 0, first
        words = text.words_between(first, first + MAX_PARTS)
        for word in words:
            rest = self.key[at:]
            last += 1
            if word.lower.startswith(rest):
                written = "".join(text.surfaces[first:last]).replace("'", "")
                if written.startswith(self.capitals):
                    yield last
                return
            if not rest.startswith(word.lower) or last >= len(text.forms):
                return
            at += len(word.lower)
            if at not in self.cuts and not joins(text, last - 1):
                return


@dataclass(frozen=True, slots=True)
class Chain:
    """Units in order with at most `slack` words between them in all, within one phrase break."""

    units: tuple[Phrase | Prefix, ...]
    slack: int = 0

    @property
    def anchor(self) -> Phrase | Prefix:
        """The unit under which the chain is filed: the longest whole one, else a prefix."""
        return max(self.units, key=lambda unit: (isinstance(unit, Phrase), len(unit.key)))

    def find(self, text: NormalText) -> list[Range]:
        """Every place where the chain begins, with its shortest end."""
        found = []
        failed: dict[Range, int] = {}
        unit = self.units[0]
        letters = text.letters if isinstance(unit, Phrase) else text.lowers
        at = letters.text.find(unit.key)
        while at >= 0:
            first = letters.words.get(at)
            if first is not None and self._may_go_on(text, at):
                last = self._end(text, first, 0, self.slack, failed)
                if last is not None:
                    found.append((first, last))
            at = letters.text.find(unit.key, at + 1)
        return found

    def end(self, text: NormalText, first: int) -> int | None:
        """Where the chain ends, the shortest way, if it begins at word `first`."""
        return self._end(text, first, 0, self.slack, {})

    def may_stand(self, text: NormalText) -> bool:
        """Whether the letters of every unit are there: quickly told, and no where it is no."""
        for unit in self.units:
            letters = text.letters if isinstance(unit, Phrase) else text.lowers
            if unit.key not in letters.text:
                return False
        return True

    def _may_go_on(self, text: NormalText, at: int) -> bool:
        """Whether the second unit's letters come soon enough after a first one at letter `at`."""
        unit = self.units[0]
        if len(self.units) == 1 or not isinstance(unit, Phrase):
            return True
        last = text.letters.words.get(at + len(unit.key))
        if last is None:
            return False
        second = self.units[1]
        letters = text.letters if isinstance(second, Phrase) else text.lowers
        latest = letters.starts[min(last + self.slack, len(text.forms))]
        return letters.text.find(second.key, letters.starts[last], latest + len(second.key)) >= 0

    def _end(
        self, text: NormalText, first: int, unit: int, slack: int, failed: dict[Range, int]
    ) -> int | None:
        # What failed from here with more slack fails again: without this, words that repeat take
        # exponential time.
        if failed.get((first, unit), -1) >= slack:
            return None
        for last in self.units[unit].ends(text, first):
            if unit + 1 == len(self.units):
                return last
            for gap in range(min(slack, len(text.forms) - last) + 1):
                if BREAK in text.forms[last : last + gap]:
                    break
                end = self._end(text, last + gap, unit + 1, slack - gap, failed)
                if end is not None:
                    return end
        failed[first, unit] = slack
        return None


Pattern = Phrase | Chain


def patterns(words: str, slack: int = 0, capitals: bool = True) -> tuple[Pattern, ...]:
    """How an atom's words may stand in a text; `capitals`: whether acronyms need theirs."""
    if "*" not in words:
        whole = phrase_of(words, capitals)
        if not slack:
            return (whole,)
        units = tuple(_units(words, capitals))
        return (whole, Chain(units, slack)) if len(units) > 1 else (whole,)
    units = tuple(_units(words, capitals))
    chains = [Chain(units, slack)]
    if len(units) > 1 and "*" not in words[:-1]:  # "fine tun*" is also finetun*
        key = "".join(unit.key for unit in units)
        cuts = accumulate(len(unit.key) for unit in units[:-1])
        chains.append(Chain((Prefix(key, tuple(cuts)),)))
    return tuple(chains)


def plain_phrase(words: str) -> tuple[str, tuple[int, ...]] | None:
    """The key and cuts of lower-case ASCII words, quickly; None where that is not what they are.

    Equal cuts are one object: an index of many phrases has few.
    """
    forms = plain_forms(words)
    if forms is None:
        return None
    if len(forms) == 1:
        return forms[0], ()
    cuts = tuple(accumulate(map(len, forms[:-1])))
    return "".join(forms), _CUTS.setdefault(cuts, cuts)


_CUTS: dict[tuple[int, ...], tuple[int, ...]] = {}


@lru_cache(maxsize=8_192)
def phrase_of(words: str, capitals: bool = True) -> Phrase:
    """The phrase that `words` are; breaks at its ends do not count."""
    plain = plain_phrase(words)
    if plain is not None:
        return Phrase(*plain)
    return _phrase(_trimmed(normalise(words).words), capitals)


def _phrase(words: list[Word], capitals: bool) -> Phrase:
    starts = [0, *accumulate(len(word.form) for word in words)]
    acronyms = tuple(
        (start, word.capitals)
        for start, word in zip(starts, words, strict=False)
        if capitals and is_acronym(word)
    )
    return Phrase("".join(word.form for word in words), tuple(starts[1:-1]), acronyms)


def _units(words: str, capitals: bool) -> Iterator[Phrase | Prefix]:
    for typed in words.split():
        if PLAIN_WORD.fullmatch(typed):
            yield phrase_of(typed)
            continue
        if PLAIN_WORD.fullmatch(typed, 0, len(typed) - 1):
            yield Prefix(typed[:-1], ())
            continue
        read = _trimmed(normalise(typed.rstrip("*")).words)
        if not read:
            continue
        if not typed.endswith("*"):
            yield _phrase(read, capitals)
            continue
        lowers = [word.lower for word in read]
        acronym = capitals and any(map(is_acronym, read))
        yield Prefix(
            "".join(lowers),
            tuple(accumulate(map(len, lowers[:-1]))),
            "".join(word.surface for word in read) if acronym else "",
        )


def _trimmed(words: list[Word]) -> list[Word]:
    first, last = 0, len(words)
    while first < last and words[first].form == BREAK:
        first += 1
    while first < last and words[last - 1].form == BREAK:
        last -= 1
    return words[first:last]


def stands(cuts: tuple[int, ...], text: NormalText, first: int, last: int) -> bool:
    """Whether words first..last-1, which join to a phrase's key, are cut as `cuts` allows."""
    at = 0
    for word in range(first, last - 1):
        at += len(text.forms[word])
        if at not in cuts and not joins(text, word):
            return False
    return True


def joins(text: NormalText, at: int) -> bool:
    """Whether words at and at+1 may be read as one word."""
    return (is_loose(text.forms[at]) and is_loose(text.forms[at + 1])) or text.joined(at)


def is_loose(form: str) -> bool:
    """Whether a word may be read as one with another beside it of which this is true."""
    return len(form) >= 3 and form not in _APART
