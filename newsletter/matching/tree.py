"""What a query is and how it prints; `query.parse_query` reads one.

    interest := all ( "OR" all )*            | for OR
    all      := item ( ["AND"] item )*       & for AND, optional between items
    item     := ["-" | "NOT "] ( atom | "(" interest ")" )
    atom     := [field ":"] ( word+ | "\"" words "\"" ["~" N] )     a word may end in *
    field    := title | ti | abs | author | au | cat | org

Adjacent words are one phrase. Every alternative needs something to look for, not only exclusions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cached_property

MAX_LENGTH = 200  # characters of a query
MAX_SLACK = 10  # words between the words of "…"~N
MIN_PREFIX = 4  # letters before *
FIELDS = {
    "title": "title",
    "ti": "title",
    "abs": "abs",
    "author": "author",
    "au": "author",
    "cat": "cat",
    "org": "org",
}


@dataclass(frozen=True, slots=True)
class Atom:
    """What is looked for in one place: words, where, and how closely together.

    `words` are in canonical spelling (lower case but for acronyms, single spaces), a prefix with
    its `*`; `field` is one of FIELDS' values or "" for title, abstract and keywords. `typed` is the
    atom as the reader typed it and makes no difference to equality.
    """

    words: str
    field: str = ""
    quoted: bool = False
    slack: int = 0
    typed: str = attribute(default="", compare=False)

    def __str__(self) -> str:
        head = f"{self.field}:" if self.field else ""
        if not self.quoted:
            return head + self.words
        return f'{head}"{self.words}"' + (f"~{self.slack}" if self.slack else "")


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be found; only ever an item of an And."""

    item: Atom | And | Or

    def __str__(self) -> str:
        return f"-{self.item}" if isinstance(self.item, Atom) else f"-({self.item})"


@dataclass(frozen=True, slots=True)
class And:
    """All of these; at least one is no exclusion. Exclusions come last."""

    items: tuple[Atom | Or | Not, ...]

    def __str__(self) -> str:
        wanted = [
            f"({item})" if isinstance(item, Or) else str(item)
            for item in self.items
            if not isinstance(item, Not)
        ]
        unwanted = [str(item) for item in self.items if isinstance(item, Not)]
        return " ".join([" AND ".join(wanted), *unwanted])


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these."""

    items: tuple[Atom | And, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.items))


Node = Atom | And | Or


@dataclass(frozen=True)
class Query:
    """A parsed query. Equal queries match equally; `text` is what was typed."""

    root: Node
    text: str = attribute(default="", compare=False)

    def __str__(self) -> str:
        return self.canonical

    @cached_property
    def canonical(self) -> str:
        """One spelling for all equal queries; parses to an equal query."""
        return str(self.root)

    def atoms(self) -> tuple[Atom, ...]:
        """What is looked for, in canonical order, each once; exclusions left out."""
        return tuple(dict.fromkeys(_atoms(self.root)))


def all_of(items: Iterable[Node | Not]) -> Node:
    """The conjunction in canonical form: flat, each item once, in order, exclusions last."""
    flat: dict[Atom | Or | Not, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, And) else (item,)))
    ordered = sorted(flat, key=lambda item: (isinstance(item, Not), str(item)))
    if len(ordered) == 1 and not isinstance(ordered[0], Not):
        return ordered[0]
    return And(tuple(ordered))


def any_of(items: Iterable[Node]) -> Node:
    """The disjunction in canonical form: flat, each item once, in order."""
    flat: dict[Atom | And, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, Or) else (item,)))
    ordered = sorted(flat, key=str)
    return ordered[0] if len(ordered) == 1 else Or(tuple(ordered))


def _atoms(node: Node) -> Iterator[Atom]:
    if isinstance(node, Atom):
        yield node
        return
    for item in node.items:
        if not isinstance(item, Not):
            yield from _atoms(item)
