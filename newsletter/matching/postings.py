"""Which of many papers a query matches, without reading them again: exactly those of the index.

`index` matches many queries against the papers of a day; this matches one query against the papers
of many days. Papers come in packs, one for each day or block. What is made of them is arrays, which
may lie in a file that several processes map.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from newsletter.matching.authors import Name
from newsletter.matching.authorship import find_author
from newsletter.matching.hits import Hits, find_hits, papers_with
from newsletter.matching.lexicon import Arrays, Lexicon, Strings
from newsletter.matching.packs import Array, Pack, PackedStream
from newsletter.matching.phrases import Pattern, patterns
from newsletter.matching.reading import (
    ABSTRACT,
    AUTHORS,
    CATEGORIES,
    KEYWORDS,
    ORGANIZATIONS,
    TITLE,
)
from newsletter.matching.streams import Stream
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import And, Atom, Node, Not, Query
from newsletter.matching.unpacking import compile_postings

FIELDS = {
    "": (TITLE, KEYWORDS, ABSTRACT),
    "title": (TITLE,),
    "abs": (ABSTRACT,),
    "org": (ORGANIZATIONS,),
    "author": (AUTHORS,),
}


class Asked:
    """What was found for one question in some postings, so that it is looked for once."""

    def __init__(self, postings: Postings) -> None:
        self._postings = postings
        self._hits: dict[tuple[int, Pattern], Hits] = {}
        self._masks: dict[tuple[int, Pattern], Array] = {}

    def hits(self, field: int, way: Pattern) -> Hits:
        """Where a pattern stands in a field."""
        key = field, way
        if key not in self._hits:
            self._hits[key] = find_hits(self._postings.streams[field], way)
        return self._hits[key]

    def mask(self, field: int, way: Pattern) -> Array:
        """The papers that have the pattern in a field; not to be changed."""
        key = field, way
        if key not in self._masks:
            self._masks[key] = papers_with(self._postings.streams[field], self.hits(field, way))
        return self._masks[key]


class Postings:
    """The papers of packs, in their order; `ids` are theirs, `bounds` where each pack begins.

    `arrays` are all there is of them: `Postings.of_arrays` has the same postings again.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self._open(compile_postings(packs))

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Postings:
        """The postings whose arrays these are, wherever they lie."""
        postings = cls.__new__(cls)
        postings._open(arrays)
        return postings

    def _open(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.ids = arrays["ids"]
        self.bounds = arrays["bounds"]
        self.lexicon = Lexicon(arrays)
        self.streams = tuple(
            Stream.of_field(self.lexicon, arrays, field) for field in range(CATEGORIES)
        )
        self._labels = Strings(arrays["label letters"], arrays["label ends"])
        self._form_counts: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def find(
        self,
        query: Query,
        synonyms: Synonyms = DEFAULT_SYNONYMS,
        expand: bool = True,
        asked: Asked | None = None,
    ) -> Array:
        """A mask over the papers: those that `match_query` matches."""
        asked = asked or Asked(self)
        return self._evaluate(query.root, synonyms if expand else Synonyms(), asked)

    def count_by_pack(self, mask: Array) -> list[int]:
        """How many papers of the mask each pack has."""
        sums = np.concatenate(([0], np.cumsum(mask)))
        return np.diff(sums[self.bounds]).tolist()  # type: ignore[no-any-return]

    def titled(self, query: Query, synonyms: Synonyms = DEFAULT_SYNONYMS) -> Array:
        """A mask over the papers: those whose title has something that the query looks for."""
        asked = Asked(self)
        masks = [
            asked.mask(TITLE, way)
            for atom in query.atoms()
            if atom.field in ("", "title")
            for way in _ways(atom, synonyms.expand(atom))
        ]
        found: Array = np.logical_or.reduce([np.zeros(len(self.ids), np.bool_), *masks])
        return found

    def form_counts(self, field: str) -> Array:
        """How often each form stands in a field of queries."""
        if field not in self._form_counts:
            counts = np.add.reduce([self.streams[number].counts() for number in FIELDS[field]])
            firsts = self.lexicon.firsts[:-1]
            self._form_counts[field] = np.add.reduceat(counts, firsts) if len(firsts) else counts
        return self._form_counts[field]

    def categories(self) -> dict[str, int]:
        """The categories and archives of the papers, and how many papers each has."""
        sizes = np.diff(self.arrays["label offsets"]).tolist()
        return dict(zip(self._numbers_of_labels, sizes, strict=True))

    def pack(self, kept: Array) -> Pack:
        """The papers of a mask as they were packed."""
        rows = np.flatnonzero(kept)
        streams = [self._pack_stream(stream, rows) for stream in self.streams]
        used = np.unique(np.concatenate([[0], *(stream.words for stream in streams)]))
        number = np.zeros(len(self.lexicon), np.uint32)
        number[used] = np.arange(len(used))
        form_of = self.lexicon.form_of()[used].tolist()
        forms = {one: self.lexicon.form(one) for one in set(form_of)}
        whole = PackedStream(
            self.arrays["label words"], np.zeros(0, np.bool_), self.arrays["label lengths"]
        )
        ends = np.cumsum(whole.lengths, dtype=np.int64)
        labels = _spread(ends - whole.lengths, ends, rows)
        return Pack(
            self.ids[rows],
            tuple(map(self.lexicon.surface, used.tolist())),
            tuple(forms[one] for one in form_of),
            tuple(self._raw_labels()),
            (
                *(
                    PackedStream(number[stream.words], stream.joined, stream.lengths)
                    for stream in streams
                ),
                PackedStream(
                    whole.words[labels], np.zeros(len(labels), np.bool_), whole.lengths[rows]
                ),
            ),
        )

    def _pack_stream(self, stream: Stream, rows: Array) -> PackedStream:
        starts = stream.starts.astype(np.int64)
        places = _spread(starts[:-1], starts[1:], rows)
        lengths = (starts[1:] - starts[:-1])[rows]
        return PackedStream(stream.words(places), stream.joined(places), lengths)

    def _raw_labels(self) -> list[str]:
        raw = Strings(self.arrays["raw label letters"], self.arrays["raw label ends"])
        return [raw.text(at) for at in range(len(raw))]

    @cached_property
    def _numbers_of_labels(self) -> dict[str, int]:
        return {self._labels.text(at): at for at in range(len(self._labels))}

    def _evaluate(self, node: Node | Not, synonyms: Synonyms, asked: Asked) -> Array:
        if isinstance(node, Atom):
            return self._find_atom(node, synonyms.expand(node), asked)
        if isinstance(node, Not):  # exclusions never expand
            return ~self._evaluate(node.item, Synonyms(), asked)
        masks = [self._evaluate(item, synonyms, asked) for item in node.items]
        join = np.logical_and if isinstance(node, And) else np.logical_or
        return join.reduce(masks)  # type: ignore[no-any-return]

    def _find_atom(self, atom: Atom, others: Sequence[str], asked: Asked) -> Array:
        mask = np.zeros(len(self.ids), np.bool_)
        if atom.field == "cat":
            number = self._numbers_of_labels.get(atom.words)
            if number is not None:
                first, last = self.arrays["label offsets"][number : number + 2]
                mask[self.arrays["label papers"][first:last]] = True
        elif atom.field == "author":
            mask |= find_author(self.streams[AUTHORS], Name.wanted(atom.words))
        else:
            for way in _ways(atom, others):
                for field in FIELDS[atom.field]:
                    mask |= asked.mask(field, way)
        return mask


def _ways(atom: Atom, others: Sequence[str]) -> tuple[Pattern, ...]:
    ways = patterns(atom.words, atom.slack, atom.field != "org")
    return (*ways, *chain.from_iterable(map(patterns, others)))


def _spread(starts: Array, ends: Array, rows: Array) -> Array:
    """Every number from starts[row] to ends[row]-1, row after row."""
    sizes = (ends - starts)[rows]
    before = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts[rows] - before, sizes)  # type: ignore[no-any-return]
