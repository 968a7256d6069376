"""Many queries compiled into one index, matched against papers in one pass.

A paper's words are looked up in one dictionary of phrases, so the cost of a paper hardly grows with
the number of queries; a query of several atoms is looked at only when one of them occurred that it
cannot match without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from newsletter.matching.base import Document, Match, Reason
from newsletter.matching.filing import Files, Found
from newsletter.matching.rank import document_order, popularity, score_atom
from newsletter.matching.reading import FIELDS, Reading
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import And, Atom, Node, Not, Query

AtomKey = tuple[Atom, bool]  # an atom, and whether it finds its synonyms too


class Score(NamedTuple):
    """A query found in a document, without the reasons."""

    query_id: int
    document_id: int
    score: float


@dataclass(slots=True)
class _Compiled:
    """A query: its atoms numbered. `root` is a number, or an operator with its operands."""

    root: _Term
    wanted: tuple[tuple[int, Atom], ...]  # what scores, in canonical order
    watched: tuple[int, ...]  # without one of these it cannot match
    numbers: tuple[int, ...]  # every atom it uses, once per use


@dataclass(frozen=True, slots=True)
class _Operator:
    sign: str  # & | -
    operands: tuple[_Term, ...]


_Term = int | _Operator


@dataclass(slots=True)
class _Shared:
    """An atom shared by all queries that use it."""

    key: AtomKey
    uses: int = 0
    watchers: list[int] = field(default_factory=list)


class Index:
    """Queries by id, each with whether synonyms count; may be changed in place.

    `queries` maps an id to (query, expand). Equal atoms of different queries are compiled once.
    """

    def __init__(
        self,
        queries: Mapping[int, tuple[Query, bool]] | None = None,
        synonyms: Synonyms = DEFAULT_SYNONYMS,
    ) -> None:
        self._synonyms = synonyms
        self._files = Files()
        self._numbers: dict[AtomKey, int] = {}
        self._atoms: dict[int, _Shared] = {}
        self._queries: dict[int, _Compiled] = {}
        self._next = 0
        for query_id, (query, expand) in (queries or {}).items():
            self.add(query_id, query, expand)

    def __len__(self) -> int:
        return len(self._queries)

    def __contains__(self, query_id: int) -> bool:
        return query_id in self._queries

    def add(self, query_id: int, query: Query, expand: bool = True) -> None:
        """Adds a query, or puts it in the place of the one that had this id."""
        self.discard(query_id)
        numbers: list[int] = []
        wanted: dict[int, Atom] = {}
        root = self._compile(query.root, expand, True, numbers, wanted)
        compiled = _Compiled(root, tuple(wanted.items()), _watched(root), tuple(numbers))
        self._queries[query_id] = compiled
        for number in compiled.watched:
            self._atoms[number].watchers.append(query_id)

    def discard(self, query_id: int) -> None:
        """Removes a query; an id that is not there is no error."""
        compiled = self._queries.pop(query_id, None)
        if compiled is None:
            return
        for number in compiled.watched:
            self._atoms[number].watchers.remove(query_id)
        for number in compiled.numbers:
            shared = self._atoms[number]
            shared.uses -= 1
            if not shared.uses:
                self._files.remove(number)
                del self._numbers[shared.key], self._atoms[number]

    def match(self, documents: Iterable[Document]) -> dict[int, list[Match]]:
        """The matches of every query that has one, by query id, best first by the total order."""
        matches: dict[int, list[Match]] = {}
        extra: dict[int, float] = {}
        for document in sorted(documents, key=document_order):
            extra[document.id] = popularity(document.upvotes)
            reading = Reading(document)
            found = self._files.find(reading)
            places: dict[int, tuple[_Place, ...]] = {}
            for query_id, compiled, score in self._matching(found):
                reasons = _reasons(compiled, found, places, reading)
                match = Match(document.id, score, reasons)
                matches.setdefault(query_id, []).append(match)
        for found_matches in matches.values():
            if len(found_matches) > 1:  # stable: equal scores stay in the order of documents
                found_matches.sort(key=lambda match: -match.score - extra[match.document_id])
        return matches

    def scores(self, documents: Iterable[Document]) -> Iterator[Score]:
        """Which queries match which documents and how well, without reasons and in no order."""
        for document in documents:
            found = self._files.find(Reading(document))
            for query_id, _, score in self._matching(found):
                yield Score(query_id, document.id, score)

    def _matching(self, found: Found) -> Iterator[tuple[int, _Compiled, float]]:
        seen: set[int] = set()
        scores: dict[int, float] = {}
        for number, hits in found.items():
            watchers = self._atoms[number].watchers
            if not watchers:
                continue
            scores[number] = score_atom(hits)
            for query_id in watchers:
                compiled = self._queries[query_id]
                if compiled.root == number:
                    yield query_id, compiled, scores[number]
                elif query_id not in seen:
                    seen.add(query_id)
                    if _holds(compiled.root, found):
                        yield query_id, compiled, _score(compiled, found)

    def _compile(
        self,
        node: Node | Not,
        expand: bool,
        wanted: bool,
        numbers: list[int],
        atoms: dict[int, Atom],
    ) -> _Term:
        if isinstance(node, Atom):
            number = self._number(node, expand and wanted)
            numbers.append(number)
            if wanted:
                atoms.setdefault(number, node)
            return number
        if isinstance(node, Not):
            return _Operator("-", (self._compile(node.item, expand, False, numbers, atoms),))
        sign = "&" if isinstance(node, And) else "|"
        return _Operator(
            sign,
            tuple(self._compile(item, expand, wanted, numbers, atoms) for item in node.items),
        )

    def _number(self, atom: Atom, expand: bool) -> int:
        others = self._synonyms.expand(atom) if expand else ()
        key = (atom, bool(others))
        number = self._numbers.get(key)
        if number is None:
            number = self._next
            self._next += 1
            self._numbers[key] = number
            self._atoms[number] = _Shared(key)
            self._files.add(number, atom, others)
        self._atoms[number].uses += 1
        return number


def match_query(
    query: Query,
    documents: Iterable[Document],
    synonyms: Synonyms = DEFAULT_SYNONYMS,
    expand: bool = True,
) -> list[Match]:
    """The matches of one query, best first by the total order."""
    return Index({0: (query, expand)}, synonyms).match(documents).get(0, [])


def _watched(term: _Term) -> tuple[int, ...]:
    """The fewest atoms of which one must occur for `term` to hold."""
    if isinstance(term, int):
        return (term,)
    if term.sign == "|":
        return tuple(dict.fromkeys(one for item in term.operands for one in _watched(item)))
    needed = (item for item in term.operands if isinstance(item, int) or item.sign != "-")
    return min(map(_watched, needed), key=len)


def _holds(term: _Term, found: Found) -> bool:
    if isinstance(term, int):
        return term in found
    if term.sign == "-":
        return not _holds(term.operands[0], found)
    if term.sign == "&":
        return all(_holds(item, found) for item in term.operands)
    return any(_holds(item, found) for item in term.operands)


def _score(compiled: _Compiled, found: Found) -> float:
    return sum(score_atom(found[number]) for number, _ in compiled.wanted if number in found)


_Place = tuple[int, int, str, int, int]  # field, item, text, start, end


def _reasons(
    compiled: _Compiled, found: Found, places: dict[int, tuple[_Place, ...]], reading: Reading
) -> tuple[Reason, ...]:
    reasons: list[tuple[_Place, str]] = []
    for number, atom in compiled.wanted:
        hits = found.get(number)
        if hits is None:
            continue
        if number not in places:
            places[number] = tuple(dict.fromkeys(map(reading.place, sorted(hits))))
        reasons.extend((place, atom.typed or str(atom)) for place in places[number])
    if len(compiled.wanted) > 1:
        reasons.sort(key=lambda reason: (reason[0][:2], reason[0][3:], reason[1]))
    return tuple(
        Reason(FIELDS[place[0]], place[2], place[3], place[4], atom, place[1])
        for place, atom in reasons
    )
