"""Queries of operators, all of one shape at once, over the papers that have their atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from newsletter.matching.compiling import Shape, ShapeRows
from newsletter.matching.hashes import Floats, Ints, join, spread

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Postings:
    """The papers each atom is found in, atom after atom, and how it scores there.

    `starts`: by atom, where its papers begin. `documents` are places in the day's papers.
    """

    starts: Ints
    pairs: Ints  # atom * size + document
    atoms: Ints
    documents: Ints
    scores: Floats
    size: int  # of the day: papers

    @classmethod
    def of(
        cls,
        named: Sequence[tuple[int, int, float]],
        pairs: Ints,
        scores: Floats,
        size: int,
        atoms: int,
    ) -> Postings:
        """Of `pairs` (atom * size + document) in order, and (atom, document, score) in none."""
        if named:
            numbers, documents, more = (np.array(column) for column in zip(*named, strict=True))
            pairs = np.concatenate((pairs, numbers * size + documents))
            order = np.argsort(pairs, kind="stable")
            pairs, scores = pairs[order], np.concatenate((scores, more))[order]
        numbers, documents = np.divmod(pairs, size)
        starts = np.zeros(atoms + 1, np.int64)
        np.cumsum(np.bincount(numbers, minlength=atoms), out=starts[1:])
        return cls(starts, pairs, numbers, documents, scores, size)

    def look_up(self, atoms: Ints, documents: Ints) -> Floats:
        """How atoms score in documents, 0 where they are not found."""
        if not len(self.atoms):
            return np.zeros(len(atoms))
        wanted = atoms * self.size + documents
        at = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        found: Floats = np.where(self.pairs[at] == wanted, self.scores[at], 0.0)
        return found


def match_shape(shape: Shape, rows: ShapeRows, postings: Postings) -> tuple[Ints, Ints, Floats]:
    """Which of the queries match which papers, and how well."""
    ways = _watched(shape)
    counts = np.diff(postings.starts)[rows.atoms]
    cheapest = np.argmin(np.stack([counts[:, way].sum(axis=1) for way in ways]), axis=0)
    parts = [
        _match_by(shape, rows, postings, way, np.flatnonzero(cheapest == number))
        for number, way in enumerate(ways)
    ]
    queries, documents, scores = map(np.concatenate, zip(*parts, strict=True))
    return queries, documents, scores


def _match_by(
    shape: Shape, rows: ShapeRows, postings: Postings, way: Sequence[int], queries: Ints
) -> tuple[Ints, Ints, Floats]:
    """What matches of `queries`, looked for where one of the slots of `way` is found."""
    slots = rows.atoms.shape[1]
    found: list[Floats | None] = [None] * slots
    if len(way) == 1:
        at, listed = spread(postings.starts, rows.atoms[queries, way[0]])
        places, documents = queries[at], postings.documents[listed]
        found[way[0]] = postings.scores[listed]
    else:
        pairs = []
        for slot in way:
            at, listed = spread(postings.starts, rows.atoms[queries, slot])
            pairs.append(queries[at] * postings.size + postings.documents[listed])
        places, documents = np.divmod(np.unique(join(pairs)), max(1, postings.size))
    scores = [
        postings.look_up(rows.atoms[places, slot], documents) if known is None else known
        for slot, known in enumerate(found)
    ]
    ordered = [*scores[: rows.wanted], *reversed(scores[rows.wanted :])]  # unwanted: from the end
    holds = _holds(shape, ordered)
    score = np.sum(scores[: rows.wanted], axis=0)
    return rows.queries[places[holds]], documents[holds], score[holds]


def _watched(shape: Shape) -> list[list[int]]:
    """The ways to choose atoms of which one must occur for the shape to hold."""
    if isinstance(shape, int):
        return [[shape]]
    sign, *operands = shape
    if sign == "|":
        choices = [_watched(item) for item in operands]  # type: ignore[arg-type]
        return [sorted({slot for way in chosen for slot in way}) for chosen in product(*choices)]
    needed = [item for item in operands if isinstance(item, int) or item[0] != "-"]
    return [way for item in needed for way in _watched(item)]  # type: ignore[arg-type]


def _holds(shape: Shape, found: Sequence[Floats]) -> Mask:
    if isinstance(shape, int):
        here: Mask = found[shape] > 0
        return here
    sign, *operands = shape
    masks = [_holds(item, found) for item in operands]  # type: ignore[arg-type]
    if sign == "-":
        return ~masks[0]
    combine = np.logical_and if sign == "&" else np.logical_or
    result: Mask = combine.reduce(masks)
    return result
