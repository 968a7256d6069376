"""Whose papers they are: a name looked for in the authors of many papers, all papers at once."""

from __future__ import annotations

import numpy as np

from newsletter.matching.authors import Name
from newsletter.matching.hits import find_prefix
from newsletter.matching.packs import Array
from newsletter.matching.phrases import Prefix
from newsletter.matching.streams import Stream


def find_author(stream: Stream, name: Name) -> Array:
    """A mask over papers: those one of whose authors, the texts of `stream`, is meant.

    Who has all full parts of the name is looked at.
    """
    ends = stream.text_ends.astype(np.int64)
    starts = np.concatenate(([0], ends + 1))[:-1]
    sure, unsure = np.zeros((2, len(ends)), np.bool_)
    for reading in name.readings:
        maybe = np.ones(len(ends), np.bool_)
        for part in reading:
            if len(part) > 1:
                whole, begun = (_texts(ends, places) for places in _find_part(stream, part))
                maybe &= whole | begun
                if len(reading) == 1:
                    sure |= whole
        unsure |= maybe
    unsure &= ~sure
    pairs = zip(starts[unsure].tolist(), ends[unsure].tolist(), strict=True)
    sure[unsure] = [name.finds(stream.text(start, end)) for start, end in pairs]
    return stream.papers(starts[sure])


def _find_part(stream: Stream, part: str) -> tuple[Array, Array]:
    """Where a part of a name stands, and where a run begins that may be it without hyphens."""
    head = part.removesuffix("*")
    runs = find_prefix(stream, Prefix(head, tuple(range(len(part)))))
    begun = np.concatenate((stream.places(runs.numbers), runs.starts))
    whole = stream.lexicon.with_lower(part) if part == head else stream.lexicon.beginning(head)
    return stream.places(whole), begun[stream.joined(begun)]


def _texts(ends: Array, places: Array) -> Array:
    """A mask over the texts that end there: those that have one of the places."""
    mask = np.zeros(len(ends), np.bool_)
    mask[np.searchsorted(ends, places)] = True
    return mask
