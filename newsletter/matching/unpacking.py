"""The arrays of the postings of many packs: all their words and categories, numbered anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, compress, count

import numpy as np

from newsletter.matching.alike import compile_alike
from newsletter.matching.lexicon import Lexicon, compile_lexicon, join_strings
from newsletter.matching.packs import END, Array, Pack, PackedStream
from newsletter.matching.reading import ABSTRACT, CATEGORIES, TITLE
from newsletter.matching.spelling import compile_speller
from newsletter.matching.streams import Stream, compile_stream

_NOTHING = PackedStream(*[np.zeros(0, np.uint32)] * 3)


def compile_postings(packs: Iterable[Pack]) -> dict[str, Array]:
    """The arrays of `Postings` of packs, which are read one by one and not kept."""
    vocabulary = _Vocabulary()
    streams: list[list[PackedStream]] = []
    labels = _Labels()
    ids: list[Array] = []
    for pack in packs:  # the strings of all packs together take much memory
        numbers = vocabulary.add(pack)
        streams.append([_renumbered(stream, numbers) for stream in pack.streams[:CATEGORIES]])
        labels.add(pack)
        ids.append(pack.ids)
    surfaces, forms, order = vocabulary.ordered()
    arrays: dict[str, Array] = {
        "ids": _joined(ids, np.int64),
        "bounds": np.cumsum([0, *map(len, ids)]),
        **compile_lexicon(surfaces, forms),
        **labels.arrays(),
    }
    for field in range(CATEGORIES):
        codes = order[_joined([parts[field].words for parts in streams], np.int32)]
        codes = (codes << 1) | _joined([parts[field].joined for parts in streams], np.uint32)
        lengths = _joined([parts[field].lengths for parts in streams], np.int64)
        for parts in streams:  # not needed twice
            parts[field] = _NOTHING
        arrays |= compile_stream(field, codes, lengths, len(surfaces))
    arrays |= compile_speller(list(dict.fromkeys(forms)))
    lexicon = Lexicon(arrays)
    words = [(Stream.of_field(lexicon, arrays, field), field) for field in (TITLE, ABSTRACT)]
    return arrays | compile_alike(lexicon, words, len(arrays["ids"]))


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

    def ordered(self) -> tuple[list[str], list[str], Array]:
        """All surfaces, those of one form together, their forms, and the new numbers by the old."""
        form_of = np.array(self._form_of)
        by_form = np.argsort(form_of, kind="stable")
        order = np.empty(len(by_form), np.uint32)
        order[by_form] = np.arange(len(by_form))
        surfaces, forms = list(self._surfaces), list(self._forms)
        return (
            [surfaces[number] for number in by_form.tolist()],
            [forms[number] for number in form_of[by_form].tolist()],
            order,
        )


class _Labels:
    """The categories of all papers, each with its archive."""

    def __init__(self) -> None:
        self._papers: dict[str, set[int]] = {}
        self._numbers: dict[str, int] = {}
        self._words: list[Array] = []
        self._lengths: list[Array] = []
        self._count = 0

    def add(self, pack: Pack) -> None:
        stream = pack.streams[CATEGORIES]
        numbers = [self._numbers.setdefault(label, len(self._numbers)) for label in pack.labels]
        self._words.append(np.array(numbers, np.uint32)[stream.words])
        self._lengths.append(stream.lengths)
        papers = np.repeat(
            np.arange(self._count, self._count + len(stream.lengths)), stream.lengths
        )
        for paper, number in zip(papers.tolist(), stream.words.tolist(), strict=True):
            label = pack.labels[number]
            for key in {label, label.partition(".")[0]}:
                self._papers.setdefault(key, set()).add(paper)
        self._count += len(stream.lengths)

    def arrays(self) -> dict[str, Array]:
        papers = [sorted(found) for found in self._papers.values()]
        return {
            **join_strings("label", list(self._papers)),
            "label offsets": np.cumsum([0, *map(len, papers)]),
            "label papers": np.fromiter(chain.from_iterable(papers), np.uint32),
            **join_strings("raw label", list(self._numbers)),
            "label words": _joined(self._words, np.uint32),
            "label lengths": _joined(self._lengths, np.int64),
        }


def _renumbered(stream: PackedStream, numbers: Array) -> PackedStream:
    return PackedStream(numbers[stream.words], stream.joined, stream.lengths)


def _joined(arrays: Sequence[Array], dtype: type[np.generic]) -> Array:
    return np.concatenate(arrays).astype(dtype) if arrays else np.zeros(0, dtype)
