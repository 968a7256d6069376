"""Where atoms are filed, and which of them occur in a paper: the fast part of matching."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from newsletter.matching.authors import Name, author_parts
from newsletter.matching.chains import MANY_CUTS, ONE_WORD, Chains, FiledChain
from newsletter.matching.grams import FEW, Heads, occurring
from newsletter.matching.phrases import HEAD, Chain, Phrase, patterns, plain_phrase, stands
from newsletter.matching.reading import (
    ABSTRACT,
    AUTHORS,
    CATEGORIES,
    KEYWORDS,
    ORGANIZATIONS,
    TITLE,
    Hit,
    Reading,
)
from newsletter.matching.text import NormalText
from newsletter.matching.tree import Atom

__all__ = ["Files", "Found", "Hit"]

ANYWHERE = frozenset({TITLE, KEYWORDS, ABSTRACT})
FIELDS = {
    "": ANYWHERE,
    "title": frozenset({TITLE}),
    "abs": frozenset({ABSTRACT}),
    "org": frozenset({ORGANIZATIONS}),
}
Found = dict[int, list[Hit]]  # atom number -> where in a document
_T = TypeVar("_T")


class FiledPhrase(NamedTuple):
    way: Phrase
    number: int  # of the atom
    fields: frozenset[int]
    spelling: int  # even; the odd one after it is the same with its words joined


_Places = (
    int | list[FiledPhrase]
)  # a plain phrase alone, by its number: almost all; else all there is


class Files:
    """Atoms by what must occur for them to be found.

    A phrase of lower-case words without field, slack or synonyms is plain: of it only the key and
    the cuts are kept, and no pattern is made.
    """

    def __init__(self) -> None:
        self._phrases: dict[str, _Places] = {}  # by key
        self._heads = Heads()
        self._cuts: dict[int, tuple[int, ...]] = {}  # of plain phrases of several words
        self._chains = Chains()
        self._authors: dict[str, list[tuple[Name, int]]] = {}
        self._categories: dict[str, list[int]] = {}
        self._atoms: dict[int, str | tuple[Atom, tuple[str, ...]]] = {}  # plain: its words

    def add_plain(self, number: int, words: str, key: str, cuts: tuple[int, ...]) -> None:
        """Files the plain phrase `words` under its number; `plain_phrase` gave key and cuts."""
        self._atoms[number] = words
        if cuts:
            self._cuts[number] = cuts
        there = self._phrases.setdefault(key, number)
        if there != number:
            self._listed(key).append(_plain_filed(number, key, cuts))
        self._list_length(key, cuts, 1)

    def add(self, number: int, atom: Atom, others: tuple[str, ...]) -> None:
        """Files an atom under its number, found by its words or by any of `others`."""
        self._atoms[number] = atom, others
        if atom.field == "cat":
            self._categories.setdefault(atom.words, []).append(number)
        elif atom.field == "author":
            name = Name.wanted(atom.words)
            for key in name.keys:
                self._authors.setdefault(_author_key(key), []).append((name, number))
        else:
            for filed in placed(number, atom, others):
                if isinstance(filed, FiledChain):
                    self._chains.add(filed)
                else:
                    self._listed(filed.way.key).append(filed)
                    self._list_length(filed.way.key, filed.way.cuts, 1)

    def remove(self, number: int) -> str:
        """Takes an atom out again; returns its words."""
        kept = self._atoms.pop(number)
        if isinstance(kept, str):
            self._remove_plain(number, kept)
            return kept
        atom, others = kept
        if atom.field == "cat":
            _take(self._categories, atom.words, number)
        elif atom.field == "author":
            name = Name.wanted(atom.words)
            for key in name.keys:
                _take(self._authors, _author_key(key), (name, number))
        else:
            for filed in placed(number, atom, others):
                if isinstance(filed, FiledChain):
                    self._chains.remove(filed)
                else:
                    self._unlist(filed.way.key, filed)
                    self._list_length(filed.way.key, filed.way.cuts, -1)
        return atom.words

    def find(self, reading: Reading) -> Found:
        """Every filed atom that occurs in the document, by number, with every place once."""
        found: Found = {}
        few = len(self._phrases) <= FEW and not self._chains
        for (field, item), text in reading.texts.items():
            if not few or self._may_find(text):
                self._find_words(text, field, item, found)
        self.find_names(reading, found)
        return found

    def find_names(self, reading: Reading, found: Found) -> None:
        """Adds the filed authors and categories that occur in the document."""
        if self._authors:
            self._find_authors(reading, found)
        if self._categories:
            self._find_categories(reading, found)

    def _remove_plain(self, number: int, words: str) -> None:
        plain = plain_phrase(words)
        assert plain is not None, words  # noqa: S101 (it was when it was added)
        key, cuts = plain
        self._cuts.pop(number, None)
        if self._phrases[key] == number:
            del self._phrases[key]
        else:
            self._unlist(key, _plain_filed(number, key, cuts))
        self._list_length(key, cuts, -1)

    def _listed(self, key: str) -> list[FiledPhrase]:
        """What is filed under a key, as a list to add to."""
        there = self._phrases.setdefault(key, [])
        if isinstance(there, list):
            return there
        listed = self._phrases[key] = [_plain_filed(there, key, self._cuts.get(there, ()))]
        return listed

    def _unlist(self, key: str, gone: FiledPhrase) -> None:
        left = [filed for filed in self._listed(key) if filed != gone]
        if left:
            self._phrases[key] = left
        else:
            del self._phrases[key]

    def _list_length(self, key: str, cuts: tuple[int, ...], more: int) -> None:
        if len(key) >= ONE_WORD or len(cuts) >= MANY_CUTS:
            self._heads.list(key, more)

    def _may_find(self, text: NormalText) -> bool:
        """Whether a phrase's letters are there at all: of a few most texts have none."""
        joined = text.letters.text
        for key in self._phrases:  # noqa: SIM110 (a generator takes longer than the look)
            if key in joined:
                return True
        return False

    def _find_words(self, text: NormalText, field: int, item: int, found: Found) -> None:
        plainly = field in ANYWHERE
        forms, cuts_of, phrases = text.forms, self._cuts, self._phrases
        for first, last, key in occurring(text, phrases, self._heads):
            number = phrases[key]
            if not isinstance(number, int):
                _note_listed(found, number, text, (field, item, first, last))
                continue
            cuts = cuts_of.get(number, ())
            size = last - first
            if not plainly or (size > MANY_CUTS > len(cuts) and len(key) < ONE_WORD):
                continue
            # Two words that are cut as typed are almost all; nothing more is to be asked of them.
            if size > 1 and not (
                (size == len(cuts) + 1 == 2 and len(forms[first]) == cuts[0])
                or stands(cuts, text, first, last)
            ):
                continue
            hit = field, item, first, last, 1 if size <= len(cuts) else 0
            hits = found.get(number)
            if hits is None:
                found[number] = [hit]
            else:
                hits.append(hit)
        for filed, first, last in self._chains.find(text, field):
            found.setdefault(filed.number, []).append((field, item, first, last, filed.spelling))

    def _find_authors(self, reading: Reading, found: Found) -> None:
        for item, author in enumerate(reading.document.authors):
            split, joined = author_parts(author)
            keys = {*split, *joined}
            keys.update([f"{key[:HEAD]}*" for key in keys])
            numbers = {
                number: name
                for key in keys & self._authors.keys()
                for name, number in self._authors[key]
            }
            for number, name in numbers.items():
                if name.finds(author):
                    found.setdefault(number, []).append((AUTHORS, item, 0, 0, 0))

    def _find_categories(self, reading: Reading, found: Found) -> None:
        for item, category in enumerate(reading.document.categories):
            whole = " ".join(category.casefold().split())
            for key in dict.fromkeys((whole, whole.partition(".")[0])):
                for number in self._categories.get(key, ()):
                    found.setdefault(number, []).append((CATEGORIES, item, 0, 0, 0))


def placed(number: int, atom: Atom, others: tuple[str, ...]) -> Iterator[FiledPhrase | FiledChain]:
    fields = FIELDS[atom.field]
    spellings = [patterns(atom.words, atom.slack, atom.field != "org")]
    spellings.extend(patterns(other) for other in others)
    for spelling, ways in enumerate(spellings):
        for way in ways:
            if isinstance(way, Chain):
                yield FiledChain(way, number, fields, 2 * spelling)
            else:
                yield FiledPhrase(way, number, fields, 2 * spelling)


def _plain_filed(number: int, key: str, cuts: tuple[int, ...]) -> FiledPhrase:
    return FiledPhrase(Phrase(key, cuts), number, ANYWHERE, 0)


def _author_key(part: str) -> str:
    return f"{part[:HEAD]}*" if part.endswith("*") else part


def _note_listed(
    found: Found, listed: list[FiledPhrase], text: NormalText, here: tuple[int, int, int, int]
) -> None:
    """Notes those of `listed` that stand here."""
    field, item, first, last = here
    size = last - first
    for filed in listed:
        way = filed.way
        cuts = len(way.cuts)
        if field not in filed.fields or (size > MANY_CUTS > cuts and len(way.key) < ONE_WORD):
            continue
        if way.stands(text, first, last):
            # Fewer words than were typed: read as one, as in pretraining for pre-training.
            hit = field, item, first, last, filed.spelling + (size <= cuts)
            found.setdefault(filed.number, []).append(hit)


def _take(files: dict[str, list[_T]], key: str, gone: _T) -> None:
    left = [filed for filed in files.get(key, ()) if filed != gone]
    if left:
        files[key] = left
    else:
        files.pop(key, None)
