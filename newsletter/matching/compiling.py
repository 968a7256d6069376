"""Very many queries compiled for `scores`: their atoms numbered, the queries sorted by shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from newsletter.matching.chains import FiledChain
from newsletter.matching.filing import Files
from newsletter.matching.hashes import Ints
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.tree import And, Atom, Node, Not, Query
from newsletter.matching.ways import AtomList, Ways, make_ways

Slot = int  # from 0: an atom that is wanted; from -1 down: one that must not be there
Shape = Slot | tuple["str | Shape", ...]  # or an operator & | - and its operands


@dataclass(frozen=True, slots=True)
class ShapeRows:
    """Queries of one shape: their ids, and for each a row of atoms, those wanted first."""

    queries: Ints
    atoms: Ints  # queries x slots
    wanted: int  # slots


@dataclass(frozen=True, slots=True)
class Compiled:
    """Queries by what they are made of: those that are one atom by that atom, others by shape."""

    atoms: int  # how many
    ways: Ways
    chains: tuple[FiledChain, ...]
    names: Files  # authors and categories
    single: Ints  # queries that are one atom: of the first atoms, in order
    shapes: Mapping[Shape, ShapeRows]


def compile_queries(queries: Mapping[int, tuple[Query, bool]], synonyms: Synonyms) -> Compiled:
    """Compile queries by id, each with whether synonyms count."""
    compiler = _Compiler()
    for query_id, (query, expand) in queries.items():
        if isinstance(query.root, Atom):
            compiler.single.append(query_id)
            compiler.atoms.add(query.root, expand)
    for query_id, (query, expand) in queries.items():
        if not isinstance(query.root, Atom):
            compiler.add(query_id, query.root, expand)
    return compiler.finish(synonyms)


@dataclass(slots=True)
class _Compiler:
    atoms: AtomList = field(default_factory=AtomList)
    single: list[int] = field(default_factory=list)  # added before all others
    shapes: dict[tuple[Shape, int], list[int]] = field(default_factory=dict)

    def add(self, query_id: int, root: Node, expand: bool) -> None:
        wanted: dict[int, Slot] = {}
        unwanted: dict[int, Slot] = {}
        shape = self._shape(root, expand, wanted, unwanted)
        rows = self.shapes.setdefault((shape, len(wanted)), [])
        rows.append(query_id)
        rows.extend(wanted)
        rows.extend(unwanted)

    def _shape(
        self, node: Node | Not, expand: bool, wanted: dict[int, Slot], unwanted: dict[int, Slot]
    ) -> Shape:
        if isinstance(node, Atom):
            return wanted.setdefault(self.atoms.number(node, expand), len(wanted))
        if isinstance(node, Not):
            return "-", self._unwanted(node.item, unwanted)
        sign = "&" if isinstance(node, And) else "|"
        return sign, *[self._shape(item, expand, wanted, unwanted) for item in node.items]

    def _unwanted(self, node: Node | Not, slots: dict[int, Slot]) -> Shape:
        """The shape of what is excluded, where synonyms never count."""
        if isinstance(node, Atom):
            return slots.setdefault(self.atoms.number(node, False), -1 - len(slots))
        if isinstance(node, Not):
            return "-", self._unwanted(node.item, slots)
        sign = "&" if isinstance(node, And) else "|"
        return sign, *[self._unwanted(item, slots) for item in node.items]

    def finish(self, synonyms: Synonyms) -> Compiled:
        ways, chains, names = make_ways(self.atoms, synonyms)
        shapes: dict[Shape, ShapeRows] = {}
        for (shape, wanted), rows in self.shapes.items():
            table = np.array(rows, np.int64).reshape(-1, 1 + _count_slots(shape))
            shapes[shape] = ShapeRows(table[:, 0], table[:, 1:], wanted)
        return Compiled(
            len(self.atoms),
            ways,
            tuple(chains),
            names,
            np.array(self.single, np.int64),
            shapes,
        )


def _count_slots(shape: Shape) -> int:
    return len(set(slots_of(shape)))


def slots_of(shape: Shape) -> list[Slot]:
    """Every slot of a shape, in order, as often as it is used."""
    if isinstance(shape, int):
        return [shape]
    return [slot for item in shape[1:] for slot in slots_of(item)]  # type: ignore[arg-type]
