"""Where atoms are filed, and which of them occur in a paper: the fast part of matching."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, compress, count
from operator import add
from typing import NamedTuple, TypeVar

from newsletter.matching.authors import Name, author_parts
from newsletter.matching.phrases import HEAD, Chain, Pattern, Phrase, Prefix, patterns
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

_FIELDS = {
    "": frozenset({TITLE, KEYWORDS, ABSTRACT}),
    "title": frozenset({TITLE}),
    "abs": frozenset({ABSTRACT}),
    "org": frozenset({ORGANIZATIONS}),
}
Found = dict[int, list[Hit]]  # atom number -> where in a document
_HEAD = 8  # letters under which the lengths of longer keys are listed,
_DENSE_HEAD = 3  # and of shorter ones of as many words: signs of Chinese
_T = TypeVar("_T")


class _Filed(NamedTuple):
    way: Pattern
    number: int  # of the atom
    fields: frozenset[int]
    spelling: int  # even; the odd one after it is the same with its words joined


_Chains = dict[int, _Filed]  # by identity: chains to be looked for in a text


class Files:
    """Atoms by what must occur for them to be found."""

    def __init__(self) -> None:
        self._phrases: dict[str, list[_Filed]] = {}  # by the key of a phrase or a chain's anchor
        self._short: dict[str, list[_Filed]] = {}  # those of them shorter than a head
        # By how a longer key begins: how long it is, and how many such keys there are.
        self._lengths: dict[int, dict[str, dict[int, int]]] = {_HEAD: {}, _DENSE_HEAD: {}}
        self._prefixes: dict[str, list[_Filed]] = {}
        self._authors: dict[str, list[tuple[Name, int]]] = {}
        self._categories: dict[str, list[int]] = {}
        self._atoms: dict[int, tuple[Atom, tuple[str, ...]]] = {}

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
            for files, key, filed in self._places(number, atom, others):
                files.setdefault(key, []).append(filed)
                if files is self._phrases:
                    self._list_length(filed, key, 1)

    def remove(self, number: int) -> None:
        """Takes an atom out again."""
        atom, others = self._atoms.pop(number)
        if atom.field == "cat":
            _take(self._categories, atom.words, number)
        elif atom.field == "author":
            name = Name.wanted(atom.words)
            for key in name.keys:
                _take(self._authors, _author_key(key), (name, number))
        else:
            for files, key, filed in self._places(number, atom, others):
                _take(files, key, filed)
                if files is self._phrases:
                    self._list_length(filed, key, -1)

    def find(self, reading: Reading) -> Found:
        """Every filed atom that occurs in the document, by number, with every place once."""
        found: Found = {}
        for (field, item), text in reading.texts.items():
            self._find_words(text, field, item, found)
        if self._authors:
            self._find_authors(reading, found)
        if self._categories:
            self._find_categories(reading, found)
        return found

    def _places(
        self, number: int, atom: Atom, others: tuple[str, ...]
    ) -> Iterator[tuple[dict[str, list[_Filed]], str, _Filed]]:
        fields = _FIELDS[atom.field]
        spellings = [patterns(atom.words, atom.slack, atom.field != "org")]
        spellings.extend(patterns(other) for other in others)
        for spelling, ways in enumerate(spellings):
            for way in ways:
                anchor = _anchor(way)
                filed = _Filed(way, number, fields, 2 * spelling)
                if isinstance(anchor, Prefix):
                    yield self._prefixes, anchor.key[:HEAD], filed
                else:
                    yield self._phrases, anchor.key, filed

    def _list_length(self, filed: _Filed, key: str, more: int) -> None:
        """Lists how long a key is under its head, or no longer, for texts cut into more words."""
        if len(key) < _HEAD:
            _mirror(self._phrases, self._short, key)
            size = _DENSE_HEAD
            if len(_anchor(filed.way).cuts) < _DENSE_HEAD - 1:
                return
        else:
            size = _HEAD
        lengths = self._lengths[size].setdefault(key[:size], {})
        lengths[len(key)] = lengths.get(len(key), 0) + more
        if not lengths[len(key)]:
            del lengths[len(key)]
        if not lengths:
            del self._lengths[size][key[:size]]

    def _find_words(self, text: NormalText, field: int, item: int, found: Found) -> None:
        chains: _Chains = {}
        for first, last, filed_here in self._occurring(text):
            for filed in filed_here:
                if isinstance(filed.way, Chain):
                    chains[id(filed)] = filed
                elif field in filed.fields and filed.way.stands(text, first, last):
                    _note(found, filed, field, item, first, last)
        if self._prefixes:
            chains.update((id(filed), filed) for filed in self._begun(text))
        for filed in chains.values():
            if field in filed.fields and isinstance(filed.way, Chain):
                for first, last in filed.way.find(text):
                    _note(found, filed, field, item, first, last)

    def _occurring(self, text: NormalText) -> Iterator[tuple[int, int, list[_Filed]]]:
        """Words first..last-1 that join to a key, and what is filed under it."""
        forms, phrases, short = text.forms, self._phrases, self._short
        for first in compress(count(), map(phrases.__contains__, forms)):
            yield first, first + 1, phrases[forms[first]]
        if short:
            pairs = list(map(add, forms, forms[1:]))
            for first in compress(count(), map(short.__contains__, pairs)):
                yield first, first + 2, short[pairs[first]]
        joined = "".join(forms)
        starts = list(accumulate(map(len, forms), initial=0))
        ends: dict[int, int] = {}
        for size, heads in self._lengths.items():
            if not heads:
                continue
            begun = [joined[start : start + size] for start in starts]
            for first in compress(count(), map(heads.__contains__, begun)):
                ends = ends or dict(zip(starts, count(), strict=False))
                start = starts[first]
                for length in heads[begun[first]]:
                    last = ends.get(start + length, 0)
                    # One word was found above, and so were two that are short.
                    if last > first + 1 + (size == _DENSE_HEAD):
                        filed = phrases.get(joined[start : start + length])
                        if filed:
                            yield first, last, filed

    def _begun(self, text: NormalText) -> Iterator[_Filed]:
        """What is filed under a prefix that begins a word or a run of words."""
        lowers = [word.lower for word in text.words]
        joined = "".join(lowers)
        starts = accumulate(map(len, lowers), initial=0)
        for head in self._prefixes.keys() & {joined[start : start + HEAD] for start in starts}:
            yield from self._prefixes[head]

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


def _anchor(way: Pattern) -> Phrase | Prefix:
    return way.anchor if isinstance(way, Chain) else way


def _author_key(part: str) -> str:
    return f"{part[:HEAD]}*" if part.endswith("*") else part


def _note(found: Found, filed: _Filed, field: int, item: int, first: int, last: int) -> None:
    # Fewer words than were typed: read as one, as in pretraining for pre-training.
    way = filed.way
    joined = isinstance(way, Phrase) and last - first <= len(way.cuts)
    hit = (field, item, first, last, filed.spelling + joined)
    hits = found.get(filed.number)
    if hits is None:
        found[filed.number] = [hit]
    else:
        hits.append(hit)


def _take(files: dict[str, list[_T]], key: str, gone: _T) -> None:
    left = [filed for filed in files.get(key, ()) if filed != gone]
    if left:
        files[key] = left
    else:
        files.pop(key, None)


def _mirror(files: dict[str, list[_T]], other: dict[str, list[_T]], key: str) -> None:
    if key in files:
        other[key] = files[key]
    else:
        other.pop(key, None)
