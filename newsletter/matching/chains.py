"""Where chains are filed (words with slack, prefixes), and which of them are worth a look."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, count
from typing import NamedTuple, TypeVar

from newsletter.matching.grams import Heads, Lengths, count_length, occurring
from newsletter.matching.phrases import HEAD, MAX_PARTS, Chain, Phrase, Prefix
from newsletter.matching.text import NormalText

ONE_WORD = 8  # letters of a key from which a text may cut it into more than two words, unless
MANY_CUTS = 2  # it was typed as three or more


LONGER_HEAD = 7  # letters of a prefix, where it has them, that are looked for before it is


class FiledChain(NamedTuple):
    way: Chain
    number: int  # of the atom
    fields: frozenset[int]
    spelling: int


PREFIX = "*"  # no word has it
ANY = ""
_K = TypeVar("_K")
_Shelf = dict[str, dict[str, list[FiledChain]]]


class Chains:
    """Chains by how they begin: two units that follow one another; a lone prefix by itself."""

    def __init__(self) -> None:
        self._units: dict[str, int] = {}  # keys of whole words and how many chains have them
        self._heads = Heads()
        self._begins: dict[str, int] = {}  # how prefixes begin, that stand beside whole words
        self._slacks: dict[int, int] = {}
        self._shelf: _Shelf = {}
        self._prefixes: dict[str, list[FiledChain]] = {}
        self._prefix_lengths: Lengths = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chains) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._prefixes or self._shelf)

    def add(self, filed: FiledChain) -> None:
        anchor = filed.way.anchor
        if isinstance(anchor, Prefix):
            self._prefixes.setdefault(anchor.key, []).append(filed)
            count_length(self._prefix_lengths, anchor.key[:HEAD], len(anchor.key), 1)
            return
        first, second = _begin(filed.way)
        self._shelf.setdefault(first, {}).setdefault(second, []).append(filed)
        self._count(filed.way, 1)

    def remove(self, filed: FiledChain) -> None:
        anchor = filed.way.anchor
        if isinstance(anchor, Prefix):
            _take(self._prefixes, anchor.key, filed)
            count_length(self._prefix_lengths, anchor.key[:HEAD], len(anchor.key), -1)
            return
        first, second = _begin(filed.way)
        _take(self._shelf[first], second, filed)
        if not self._shelf[first]:
            del self._shelf[first]
        self._count(filed.way, -1)

    def find(self, text: NormalText, field: int) -> Iterator[tuple[FiledChain, int, int]]:
        """Every chain of this field that stands in the text, each place once."""
        tried: dict[int, FiledChain] = {}
        if self._prefixes:
            for filed, first in self._begun(text):
                if field not in filed.fields:
                    continue
                if len(filed.way.units) > 1:
                    tried[id(filed)] = filed
                    continue
                for last in filed.way.units[0].ends(text, first):
                    yield filed, first, last
        if self._shelf:
            tried.update((id(filed), filed) for filed in self._there(text))
        for filed in tried.values():
            if field in filed.fields and filed.way.may_stand(text):
                for first, last in filed.way.find(text):
                    yield filed, first, last

    def _count(self, chain: Chain, more: int) -> None:
        _count(self._slacks, chain.slack, more)
        for unit in chain.units:
            if isinstance(unit, Phrase):
                _count(self._units, unit.key, more)
                self._heads.list(unit.key, more)
            else:
                _count(self._begins, _name(unit), more)

    def _there(self, text: NormalText) -> Iterator[FiledChain]:
        """Chains whose first two units begin near enough to one another."""
        windows = occurring(text, self._units, self._heads)
        sure: set[str] = set()  # not read as one word out of many that are short
        cut_up: set[str] = set()
        units: dict[int, list[str]] = {}  # by the word where they begin
        for first, last, key in windows:
            units.setdefault(first, []).append(key)
            (sure if last - first <= MANY_CUTS or len(key) >= ONE_WORD else cut_up).add(key)
        for first, name in self._beginning(text):
            units.setdefault(first, []).append(name)
            windows.append((first, first + 1, name))
        reach = max(self._slacks) + 1
        for _, last, key in windows:
            seconds = self._shelf.get(key)
            if seconds is None:
                continue
            near = {ANY}
            for at in range(last, last + reach + (MAX_PARTS if key[0] == PREFIX else 0)):
                near.update(units.get(at, ()))
            for second in seconds.keys() & near:
                for filed in seconds[second]:
                    anchor = filed.way.anchor
                    if anchor.key in sure or (
                        anchor.key in cut_up and len(anchor.cuts) >= MANY_CUTS
                    ):
                        yield filed

    def _beginning(self, text: NormalText) -> Iterator[tuple[int, str]]:
        """Words that begin as a prefix that stands beside whole words does."""
        if not self._begins:
            return
        joined, starts = text.lowers.text, text.lowers.starts
        for size in (HEAD, LONGER_HEAD):
            begun = [PREFIX + joined[start : start + size] for start in starts[:-1]]
            for first in compress(count(), map(self._begins.__contains__, begun)):
                yield first, begun[first]

    def _begun(self, text: NormalText) -> Iterator[tuple[FiledChain, int]]:
        """Chains of prefixes, and the word where the prefix they are filed by begins."""
        joined, starts = text.lowers.text, text.lowers.starts
        lengths, prefixes = self._prefix_lengths, self._prefixes
        begun = [joined[start : start + HEAD] for start in starts[:-1]]
        for first in compress(count(), map(lengths.__contains__, begun)):
            start = starts[first]
            for length in lengths[begun[first]]:
                for filed in prefixes.get(joined[start : start + length], ()):
                    yield filed, first


def _begin(chain: Chain) -> tuple[str, str]:
    """The names of a chain's first two units; of one that cannot be named so, its anchor's key."""
    first, second = map(_name, chain.units[:2])
    return (chain.anchor.key, ANY) if ANY in (first, second) else (first, second)


def _name(unit: Phrase | Prefix) -> str:
    """What is looked for of a unit: its key, or how its prefix begins."""
    if isinstance(unit, Phrase):
        return unit.key
    if len(unit.key) < HEAD:
        return ANY
    return PREFIX + unit.key[: LONGER_HEAD if len(unit.key) >= LONGER_HEAD else HEAD]


def _count(counts: dict[_K, int], key: _K, more: int) -> None:
    counts[key] = counts.get(key, 0) + more
    if not counts[key]:
        del counts[key]


def _take(files: dict[str, list[FiledChain]], key: str, gone: FiledChain) -> None:
    left = [filed for filed in files.get(key, ()) if filed != gone]
    if left:
        files[key] = left
    else:
        files.pop(key, None)
