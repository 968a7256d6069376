"""The words of some papers, normalised once and packed, so that they are never normalised again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.base import Document
from newsletter.matching.reading import AUTHORS, CATEGORIES, Reading
from newsletter.matching.text import BREAK, NormalText, normalise

Array = NDArray[Any]

END = ""  # stands after every text of a stream, so that nothing is found across two
_SEPARATOR = "\x1f"
_READERS = ("latex", "lexer", "markup", "packs", "plural", "reading", "text", "words")


def _rules() -> str:
    """A name for how texts are read: packs made by other rules are made anew."""
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in _READERS)
    return hashlib.sha256(b"".join(sources)).hexdigest()[:16]


RULES = _rules()


@dataclass(frozen=True, slots=True)
class PackedStream:
    """One field of all papers: `words` are numbers of surfaces, 0 after every text.

    `joined` says of each word whether the next is part of the same hyphen or slash run; `lengths`
    is the number of words of each paper.
    """

    words: Array
    joined: Array
    lengths: Array


@dataclass(frozen=True, slots=True)
class Pack:
    """Papers in order by id, their surfaces with their forms, and a stream for each field.

    The words of the stream of categories are numbers of `labels`.
    """

    ids: Array
    surfaces: tuple[str, ...]
    forms: tuple[str, ...]
    labels: tuple[str, ...]
    streams: tuple[PackedStream, ...]  # by field

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Pack:
        """Reads and packs papers."""
        builder = _Builder()
        ids = [builder.add(document) for document in documents]
        surfaces = tuple(builder.surfaces)
        return cls(
            np.array(ids, np.int64),
            surfaces,
            tuple(builder.surfaces.values()),
            tuple(builder.labels),
            tuple(stream.packed() for stream in builder.streams),
        )

    def to_bytes(self) -> bytes:
        """The pack as `from_bytes` reads it: a header in JSON, then the arrays."""
        arrays = [self.ids]
        for stream in self.streams:
            arrays += [stream.words, np.packbits(stream.joined), stream.lengths]
        texts = [_SEPARATOR.join(t).encode() for t in (self.surfaces, self.forms, self.labels)]
        header = json.dumps(
            {"arrays": [(a.dtype.str, len(a)) for a in arrays], "texts": [len(t) for t in texts]}
        ).encode()
        parts = [len(header).to_bytes(4, "little"), header, *(a.tobytes() for a in arrays), *texts]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Pack:
        """What `to_bytes` wrote."""
        at = 4 + int.from_bytes(packed[:4], "little")
        header = json.loads(packed[4:at])
        arrays: list[Array] = []
        for dtype, count in header["arrays"]:
            arrays.append(np.frombuffer(packed, dtype, count, at))
            at += arrays[-1].nbytes
        texts: list[tuple[str, ...]] = []
        for size in header["texts"]:
            text = packed[at : at + size].decode()
            texts.append(tuple(text.split(_SEPARATOR)))
            at += size
        streams = tuple(
            PackedStream(words, np.unpackbits(joined, count=len(words)).view(np.bool_), lengths)
            for words, joined, lengths in zip(arrays[1::3], arrays[2::3], arrays[3::3], strict=True)
        )
        return cls(arrays[0], texts[0], texts[1], texts[2], streams)


class _StreamBuilder:
    def __init__(self) -> None:
        self.words: list[int] = []
        self.joined: list[int] = []  # places
        self.lengths: list[int] = []

    def packed(self) -> PackedStream:
        words = np.array(self.words, np.uint32)
        if not len(words) or words.max() < 1 << 16:
            words = words.astype(np.uint16)
        joined = np.zeros(len(words), np.bool_)
        joined[self.joined] = True
        return PackedStream(words, joined, np.array(self.lengths, np.uint32))


class _Builder:
    def __init__(self) -> None:
        self.surfaces: dict[str, str] = {END: END}  # and their forms
        self.labels: dict[str, int] = {END: 0}
        self._numbers: dict[str, int] = {END: 0}
        self.streams = tuple(_StreamBuilder() for _ in range(CATEGORIES + 1))

    def add(self, document: Document) -> int:
        reading = Reading(document)
        before = [len(stream.words) for stream in self.streams]
        for (field, _), text in reading.texts.items():
            self._add_text(self.streams[field], text)
        for author in document.authors:
            self._add_text(self.streams[AUTHORS], normalise(author))
        for category in document.categories:
            label = category_label(category)
            self.streams[CATEGORIES].words.append(self.labels.setdefault(label, len(self.labels)))
        for stream, size in zip(self.streams, before, strict=True):
            stream.lengths.append(len(stream.words) - size)
        return document.id

    def _add_text(self, stream: _StreamBuilder, text: NormalText) -> None:
        start = len(stream.words)
        numbers, surfaces = self._numbers, self.surfaces
        for surface, form in zip(text.surfaces, text.forms, strict=True):
            number = numbers.get(surface)
            if number is None:
                number = numbers[surface] = len(numbers)
                surfaces[surface] = form
            stream.words.append(number)
        stream.words.append(0)
        last = len(text.surfaces) - 1
        stream.joined.extend(start + at for at in range(last) if text.joined(at))


def category_label(category: str) -> str:
    """A category as it is compared; the separator of packs cannot stand in it."""
    return " ".join(category.casefold().split())


def lowers_of(surfaces: Sequence[str]) -> list[str]:
    """The casefolded words of surfaces, as prefixes and names are compared."""
    lowers = _SEPARATOR.join(surfaces).casefold().split(_SEPARATOR)
    for number, surface in enumerate(surfaces):
        if surface and (surface[0] in ".,;:!?()" or "'" in surface or surface[-1] in "+#"):
            words = normalise(surface).words
            lowers[number] = words[0].lower if words else BREAK
    return lowers
