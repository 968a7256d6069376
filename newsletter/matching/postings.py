"""Which of many papers a query matches, without reading them again: exactly those of the index.

`index` matches many queries against the papers of a day; this matches one query against the papers
of many days. Papers come in packs, one for each day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, compress, count

import numpy as np

from newsletter.matching.authors import Name
from newsletter.matching.packs import END, Array, Pack, PackedStream
from newsletter.matching.phrases import Pattern, patterns
from newsletter.matching.reading import (
    ABSTRACT,
    AUTHORS,
    CATEGORIES,
    KEYWORDS,
    ORGANIZATIONS,
    TITLE,
)
from newsletter.matching.streams import Lexicon, Stream
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import And, Atom, Node, Not, Query

FIELDS = {
    "": (TITLE, KEYWORDS, ABSTRACT),
    "title": (TITLE,),
    "abs": (ABSTRACT,),
    "org": (ORGANIZATIONS,),
    "author": (AUTHORS,),
}


class Postings:
    """The papers of packs, in their order; `ids` are theirs, `bounds` where each pack begins."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        vocabulary = _Vocabulary()
        streams: list[list[PackedStream]] = []
        ids: list[Array] = []
        self._form_counts: dict[str, Array] = {}
        self._categories: dict[str, set[int]] = {}
        for pack in packs:  # one by one: the strings of all packs together take much memory
            numbers = vocabulary.add(pack)
            streams.append([_renumbered(stream, numbers) for stream in pack.streams[:CATEGORIES]])
            self._add_categories(pack, sum(map(len, ids)))
            ids.append(pack.ids)
        self.ids: Array = _joined(ids, np.int64)
        self.bounds: Array = np.cumsum([0, *map(len, ids)])
        self.lexicon, order = vocabulary.lexicon()
        self.streams = tuple(
            Stream(
                self.lexicon,
                order[_joined([parts[field].words for parts in streams], np.int32)],
                _joined([parts[field].joined for parts in streams], np.bool_),
                _joined([parts[field].lengths for parts in streams], np.int64),
            )
            for field in range(CATEGORIES)
        )

    def __len__(self) -> int:
        return len(self.ids)

    def find(
        self, query: Query, synonyms: Synonyms = DEFAULT_SYNONYMS, expand: bool = True
    ) -> Array:
        """A mask over the papers: those that `match_query` matches."""
        return self._evaluate(query.root, synonyms if expand else Synonyms())

    def count_by_pack(self, mask: Array) -> list[int]:
        """How many papers of the mask each pack has."""
        sums = np.concatenate(([0], np.cumsum(mask)))
        return np.diff(sums[self.bounds]).tolist()  # type: ignore[no-any-return]

    def titled(self, query: Query, synonyms: Synonyms = DEFAULT_SYNONYMS) -> Array:
        """A mask over the papers: those whose title has something that the query looks for."""
        ways = [
            way
            for atom in query.atoms()
            if atom.field in ("", "title")
            for way in _ways(atom, synonyms.expand(atom))
        ]
        masks = [self.streams[TITLE].find(way) for way in ways]
        found: Array = np.logical_or.reduce([np.zeros(len(self.ids), np.bool_), *masks])
        return found

    def form_counts(self, field: str) -> Array:
        """How often each form stands in a field of queries, in the order of `lexicon.by_form`."""
        if field not in self._form_counts:
            counts = np.add.reduce([self.streams[number].counts() for number in FIELDS[field]])
            firsts = [first for first, _ in self.lexicon.by_form.values()]
            self._form_counts[field] = np.add.reduceat(counts, firsts) if firsts else counts[:0]
        return self._form_counts[field]

    def categories(self) -> dict[str, int]:
        """The categories and archives of the papers, and how many papers each has."""
        return {label: len(papers) for label, papers in self._categories.items()}

    def _evaluate(self, node: Node | Not, synonyms: Synonyms) -> Array:
        if isinstance(node, Atom):
            return self._find_atom(node, synonyms.expand(node))
        if isinstance(node, Not):  # exclusions never expand
            return ~self._evaluate(node.item, Synonyms())
        masks = [self._evaluate(item, synonyms) for item in node.items]
        join = np.logical_and if isinstance(node, And) else np.logical_or
        return join.reduce(masks)  # type: ignore[no-any-return]

    def _find_atom(self, atom: Atom, others: Sequence[str]) -> Array:
        mask = np.zeros(len(self.ids), np.bool_)
        if atom.field == "cat":
            mask[list(self._categories.get(atom.words, ()))] = True
        elif atom.field == "author":
            mask |= self._find_author(Name.wanted(atom.words))
        else:
            for way in _ways(atom, others):
                for field in FIELDS[atom.field]:
                    mask |= self.streams[field].find(way)
        return mask

    def _find_author(self, name: Name) -> Array:
        """The papers one of whose authors is meant: who has all its full parts is looked at."""
        stream = self.streams[AUTHORS]
        ends = np.flatnonzero(stream.words == 0)
        starts = np.concatenate(([0], ends + 1))[:-1]
        sure, unsure = np.zeros((2, len(ends)), np.bool_)
        for reading in name.readings:
            maybe = np.ones(len(ends), np.bool_)
            for part in reading:
                if len(part) > 1:
                    whole, begun = (_texts(ends, places) for places in stream.named(part))
                    maybe &= whole | begun
                    if len(reading) == 1:
                        sure |= whole
            unsure |= maybe
        unsure &= ~sure
        pairs = zip(starts[unsure].tolist(), ends[unsure].tolist(), strict=True)
        sure[unsure] = [name.finds(stream.text(start, end)) for start, end in pairs]
        return stream.papers(starts[sure])

    def _add_categories(self, pack: Pack, first: int) -> None:
        stream = pack.streams[CATEGORIES]
        papers = np.repeat(np.arange(first, first + len(stream.lengths)), stream.lengths)
        for paper, number in zip(papers.tolist(), stream.words.tolist(), strict=True):
            label = pack.labels[number]
            for key in {label, label.partition(".")[0]}:
                self._categories.setdefault(key, set()).add(paper)


def _ways(atom: Atom, others: Sequence[str]) -> tuple[Pattern, ...]:
    ways = patterns(atom.words, atom.slack, atom.field != "org")
    return (*ways, *chain.from_iterable(map(patterns, others)))


class _Vocabulary:
    """The surfaces of all packs, numbered as they come; the end of a text comes first."""

    def __init__(self) -> None:
        self._surfaces: defaultdict[str, int] = defaultdict(count().__next__)
        self._forms: defaultdict[str, int] = defaultdict(count().__next__)
        self._form_of: list[int] = [self._forms[END]]
        self._surfaces[END]

    def add(self, pack: Pack) -> Array:
        """The numbers of a pack's surfaces."""
        known = len(self._surfaces)
        size = len(pack.surfaces)
        numbers = np.fromiter(map(self._surfaces.__getitem__, pack.surfaces), np.int32, size)
        new = numbers >= known
        self._form_of.extend(map(self._forms.__getitem__, compress(pack.forms, new.tolist())))
        return numbers

    def lexicon(self) -> tuple[Lexicon, Array]:
        """All surfaces, those of one form together, and the new numbers of all by the old."""
        form_of = np.array(self._form_of)
        by_form = np.argsort(form_of, kind="stable")
        order = np.empty(len(by_form), np.int32)
        order[by_form] = np.arange(len(by_form))
        surfaces, forms = list(self._surfaces), list(self._forms)
        return Lexicon(
            [surfaces[number] for number in by_form.tolist()],
            [forms[number] for number in form_of[by_form].tolist()],
        ), order


def _renumbered(stream: PackedStream, numbers: Array) -> PackedStream:
    return PackedStream(numbers[stream.words], stream.joined, stream.lengths)


def _texts(ends: Array, places: Array) -> Array:
    """A mask over the texts that end there: those that have one of the places."""
    mask = np.zeros(len(ends), np.bool_)
    mask[np.searchsorted(ends, places)] = True
    return mask


def _joined(arrays: Sequence[Array], dtype: type[np.generic]) -> Array:
    return np.concatenate(arrays).astype(dtype) if arrays else np.zeros(0, dtype)
