"""The phrases of very many atoms as arrays; of plain ones, which are almost all, without a loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.chains import FiledChain
from newsletter.matching.filing import FIELDS, FiledPhrase, Files, placed
from newsletter.matching.grams import LONG_HEAD
from newsletter.matching.hashes import Hashes, Ints, Letters
from newsletter.matching.phrases import Phrase, phrase_of
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.text import PLAIN, PLAIN_WORD, forms_of
from newsletter.matching.tree import Atom

_HASHED_AT_ONCE = 10_000  # phrases: what fits in a processor's cache
MOST_CUTS = 3  # of a phrase that are kept as columns; one with more is looked at by itself
PLAIN_FIELDS = ("", "title", "abs", "org")


class AtomList:
    """Atoms numbered from 0, each with whether its synonyms count."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self.expand: list[bool] = []
        self._numbers: dict[tuple[Atom, bool], int] = {}
        # As typed, as typed with synonyms, quoted: three atoms that are not one, as to their score.
        self._by_words: tuple[dict[str, int], dict[str, int], dict[str, int]] = {}, {}, {}

    def __len__(self) -> int:
        return len(self.atoms)

    def add(self, atom: Atom, expand: bool) -> None:
        """Adds an atom under the next number."""
        self.atoms.append(atom)
        self.expand.append(expand and not atom.quoted)

    def number(self, atom: Atom, expand: bool) -> int:
        """The number of an atom, the same for equal ones that were numbered here."""
        if atom.field or atom.slack:
            number = self._numbers.setdefault((atom, expand), len(self.atoms))
        else:
            by_words = self._by_words[2 if atom.quoted else expand]
            number = by_words.setdefault(atom.words, len(self.atoms))
        if number == len(self.atoms):
            self.add(atom, expand)
        return number


class Columns(NamedTuple):
    """Phrases, by way: the hash of its key, that of its first LONG_HEAD letters where it has more,
    letters, atom, mask of fields, spelling, how many cuts it has, and the first MOST_CUTS of them,
    0 where it has fewer."""

    hashes: Hashes
    heads: Hashes
    letters: Ints
    atoms: Ints
    fields: Ints
    spellings: Ints
    cuts: Ints
    cut_at: Ints

    def rows(self, mask: NDArray[np.bool_]) -> Columns:
        """The chosen ways."""
        chosen: Any = [column[mask] for column in self]
        return Columns(*chosen)

    def joined(self, more: Columns) -> Columns:
        """These ways, then those."""
        columns: Any = map(np.concatenate, zip(self, more, strict=True))
        return Columns(*columns)


@dataclass(frozen=True, slots=True)
class Ways:
    """How atoms may stand as phrases; `whole` has those that columns do not say all of."""

    columns: Columns
    whole: Mapping[int, Phrase]


def make_ways(atoms: AtomList, synonyms: Synonyms) -> tuple[Ways, list[FiledChain], Files]:
    """Return the phrases of atoms, their chains, and their authors and categories."""
    words = [atom.words for atom in atoms.atoms]
    plain = np.fromiter(map(bool, map(PLAIN.fullmatch, words)), np.bool_, len(words))
    special = [
        number
        for number, atom in enumerate(atoms.atoms)
        if atom.slack or (atom.field and atom.field not in PLAIN_FIELDS)
    ]
    plain[special] = False
    columns = _plain_columns(atoms, np.flatnonzero(plain), words)
    spoken = _may_have_synonyms(columns, atoms, synonyms)
    plain[columns.atoms[spoken]] = False
    columns = columns.rows(~spoken)
    phrases: list[FiledPhrase] = []
    chains: list[FiledChain] = []
    names = Files()
    for number in np.flatnonzero(~plain).tolist():
        atom = atoms.atoms[number]
        if atom.field in ("author", "cat"):
            names.add(number, atom, ())
            continue
        others = synonyms.expand(atom) if atoms.expand[number] else ()
        for way in placed(number, atom, others):
            if isinstance(way, FiledChain):
                chains.append(way)
            else:
                phrases.append(way)
    first = len(columns.atoms)
    whole = {
        first + at: filed.way
        for at, filed in enumerate(phrases)
        if filed.way.capitals or len(filed.way.cuts) > MOST_CUTS
    }
    long = np.flatnonzero(columns.cuts > MOST_CUTS).tolist()
    whole.update((at, phrase_of(atoms.atoms[columns.atoms[at]].words)) for at in long)
    return Ways(columns.joined(_columns(phrases)), whole), chains, names


def _plain_columns(atoms: AtomList, numbers: Ints, all_words: Sequence[str]) -> Columns:
    """Columns of atoms of lower-case ASCII words: read as one long text."""
    chosen = [all_words[number] for number in numbers.tolist()]
    lines = "\n".join(chosen)
    forms = forms_of(PLAIN_WORD.findall(lines))
    signs = np.frombuffer(lines.encode("ascii"), np.uint8)
    gaps = signs[(signs == 10) | (signs == 32) | (signs == 45)]  # \n, space, hyphen
    line_ends = np.concatenate((np.flatnonzero(gaps == 10), [len(forms) - 1]))[: len(chosen)] + 1
    words = np.diff(line_ends, prepend=0)
    starts = np.zeros(len(forms) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, forms), np.int64, len(forms)), out=starts[1:])
    begins, ends = starts[line_ends - words], starts[line_ends]
    cut_at = np.zeros((len(chosen), MOST_CUTS), np.int64)
    for cut in range(MOST_CUTS):
        rows = np.flatnonzero(words > cut + 1)
        cut_at[rows, cut] = starts[line_ends[rows] - words[rows] + cut + 1] - begins[rows]
    masks = {name: mask_of(fields) for name, fields in FIELDS.items()}
    fields = np.full(len(chosen), masks[""], np.int64)
    named = [atoms.atoms[number].field for number in numbers.tolist()]
    for row in compress(count(), named):
        fields[row] = masks[named[row]]
    hashes, heads = hash_keys("".join(forms), begins, ends)
    nothing = np.zeros(len(chosen), np.int64)
    return Columns(hashes, heads, ends - begins, numbers, fields, nothing, words - 1, cut_at)


def _may_have_synonyms(columns: Columns, atoms: AtomList, synonyms: Synonyms) -> NDArray[np.bool_]:
    """A mask: of atoms whose key is one of the table's."""
    keys = sorted(synonyms.keys)
    lengths = np.array([len(key) for key in keys], np.int64)
    ends = np.cumsum(lengths)
    known = Letters("".join(keys)).between(ends - lengths, ends)
    expand = np.array(atoms.expand, np.bool_)[columns.atoms]
    found: NDArray[np.bool_] = expand & np.isin(columns.hashes, known)
    return found


def _columns(phrases: Sequence[FiledPhrase]) -> Columns:
    """Columns of phrases, one by one."""
    keys = [filed.way.key for filed in phrases]
    letters = np.fromiter(map(len, keys), np.int64, len(keys))
    ends = np.cumsum(letters)
    cuts = [filed.way.cuts for filed in phrases]
    cut_at = np.zeros((len(keys), MOST_CUTS), np.int64)
    for row, some in enumerate(cuts):
        cut_at[row, : len(some)] = some[:MOST_CUTS]
    return Columns(
        *hash_keys("".join(keys), ends - letters, ends),
        letters,
        np.array([filed.number for filed in phrases], np.int64),
        np.array([mask_of(filed.fields) for filed in phrases], np.int64),
        np.array([filed.spelling for filed in phrases], np.int64),
        np.fromiter(map(len, cuts), np.int64, len(cuts)),
        cut_at,
    )


def hash_keys(letters: str, begins: Ints, ends: Ints) -> tuple[Hashes, Hashes]:
    """The hashes of runs of letters that follow one another, and of the first LONG_HEAD letters of
    those with more (0 of the others)."""
    hashes = np.zeros(len(begins), np.uint64)
    heads = np.zeros(len(begins), np.uint64)
    for first in range(0, len(begins), _HASHED_AT_ONCE):
        rows = slice(first, first + _HASHED_AT_ONCE)
        offset = int(begins[first])
        text = Letters(letters[offset : int(ends[rows][-1])])
        begin, end = begins[rows] - offset, ends[rows] - offset
        hashes[rows] = text.between(begin, end)
        long = np.flatnonzero(end - begin > LONG_HEAD)
        heads[first + long] = text.between(begin[long], begin[long] + LONG_HEAD)
    return hashes, heads


def mask_of(fields: frozenset[int]) -> int:
    """Fields as bits."""
    return sum(1 << field for field in fields)
