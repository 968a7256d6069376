"""Many queries compiled into one index, matched against papers in one pass.

A paper's words are looked up in one dictionary of phrases, so the cost of a paper hardly grows with
the number of queries; a query of several atoms is looked at only when one of them occurred that it
cannot match without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from newsletter.matching.base import Document, Match, Reason
from newsletter.matching.filing import Files, Found
from newsletter.matching.memory import uncollected
from newsletter.matching.phrases import plain_phrase
from newsletter.matching.rank import FIELD_SCORES, document_order, popularity, score_atom
from newsletter.matching.reading import FIELDS, Reading
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.tree import And, Atom, Node, Not, Query

# An atom, and whether it finds its synonyms too; of a plain phrase without any the words alone.
AtomKey = tuple[Atom, bool] | str


@dataclass(frozen=True, slots=True)
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
_Watchers = int | list[int]  # the only query, of this one atom; or the ids of all


class Index:
    """Queries by id, each with whether synonyms count; may be changed in place.

    `queries` maps an id to (query, expand). Equal atoms of different queries are compiled once. Of
    a query that is one plain phrase only the atom is kept.
    """

    def __init__(
        self,
        queries: Mapping[int, tuple[Query, bool]] | None = None,
        synonyms: Synonyms = DEFAULT_SYNONYMS,
    ) -> None:
        self._synonyms = synonyms
        self._files = Files()
        self._numbers: dict[AtomKey, int] = {}
        self._keys: dict[int, AtomKey] = {}  # of the numbers of all but plain atoms
        self._further: dict[int, int] = {}  # uses of an atom after the first
        self._watchers: dict[int, _Watchers] = {}
        self._queries: dict[int, Atom | _Compiled] = {}
        self._next = 0
        if queries:
            with uncollected():
                for query_id, (query, expand) in queries.items():
                    self.add(query_id, query, expand)

    def __len__(self) -> int:
        return len(self._queries)

    def __contains__(self, query_id: int) -> bool:
        return query_id in self._queries

    def add(self, query_id: int, query: Query, expand: bool = True) -> None:
        """Adds a query, or puts it in the place of the one that had this id."""
        if query_id in self._queries:
            self.discard(query_id)
        if isinstance(query.root, Atom):
            self._add_atom(query_id, query.root, expand)
            return
        numbers: list[int] = []
        wanted: dict[int, Atom] = {}
        root = self._compile(query.root, expand, True, numbers, wanted)
        watched = _watched(root, wanted)
        self._queries[query_id] = _Compiled(root, tuple(wanted.items()), watched, tuple(numbers))
        for number in watched:
            watchers = self._watchers.setdefault(number, [])
            if isinstance(watchers, list):
                watchers.append(query_id)
            else:
                self._watchers[number] = [watchers, query_id]

    def discard(self, query_id: int) -> None:
        """Removes a query; an id that is not there is no error."""
        kept = self._queries.pop(query_id, None)
        if kept is None:
            return
        watched: tuple[int, ...]
        numbers: tuple[int, ...]
        if isinstance(kept, Atom):
            number = self._numbers[kept.words]
            watched, numbers = (number,), (number,)
        else:
            watched, numbers = kept.watched, kept.numbers
        for number in watched:
            watchers = self._watchers[number]
            if isinstance(watchers, list) and len(watchers) > 1:
                watchers.remove(query_id)
            else:
                del self._watchers[number]
        for number in numbers:
            self._release(number)

    def match(self, documents: Iterable[Document]) -> dict[int, list[Match]]:
        """The matches of every query that has one, by query id, best first by the total order."""
        matches: dict[int, list[Match]] = {}
        extra: dict[int, float] = {}
        with uncollected():
            for document in sorted(documents, key=document_order):
                extra[document.id] = popularity(document.upvotes)
                for query_id, score, reasons in self._explained(Reading(document)):
                    matches.setdefault(query_id, []).append(Match(document.id, score, reasons))
        for found_matches in matches.values():
            if len(found_matches) > 1:  # stable: equal scores stay in the order of documents
                found_matches.sort(key=lambda match: -match.score - extra[match.document_id])
        return matches

    def explain(self, reading: Reading) -> dict[int, tuple[Reason, ...]]:
        """Why each query that matches a paper does: the reasons `match` gives."""
        return {query_id: reasons for query_id, _, reasons in self._explained(reading)}

    def _explained(self, reading: Reading) -> Iterator[tuple[int, float, tuple[Reason, ...]]]:
        found = self._files.find(reading)
        places: dict[int, tuple[_Place, ...]] = {}
        for query_id, score in self._matching(found):
            yield query_id, score, _reasons(self._wanted(query_id), found, places, reading)

    def _matching(self, found: Found) -> list[tuple[int, float]]:
        matching: list[tuple[int, float]] = []
        seen: set[int] = set()
        queries, watchers_of = self._queries, self._watchers
        for number, hits in found.items():
            watchers = watchers_of.get(number, ())
            if isinstance(watchers, int):
                score = FIELD_SCORES[hits[0][0]] if len(hits) == 1 else score_atom(hits)
                matching.append((watchers, score))
                continue
            for query_id in watchers:
                kept = queries[query_id]
                if isinstance(kept, Atom) or kept.root == number:
                    matching.append((query_id, score_atom(hits)))
                elif query_id not in seen:
                    seen.add(query_id)
                    if _holds(kept.root, found):
                        matching.append((query_id, _score(kept, found)))
        return matching

    def _add_atom(self, query_id: int, atom: Atom, expand: bool) -> None:
        number = self._number(atom, expand)
        if number in self._keys:
            self._queries[query_id] = _Compiled(number, ((number, atom),), (number,), (number,))
        else:
            self._queries[query_id] = atom
        watchers = self._watchers.setdefault(number, query_id)
        if isinstance(watchers, list):
            watchers.append(query_id)
        elif watchers != query_id:
            self._watchers[number] = [watchers, query_id]

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
        """The number of an atom, which is filed if it is new; counts one more use of it."""
        plain = None if atom.quoted or atom.field else plain_phrase(atom.words)
        others: tuple[str, ...] = ()
        if expand and (plain is None or plain[0] in self._synonyms.keys):
            others = self._synonyms.expand(atom)
        is_plain = plain is not None and not others
        key: AtomKey = atom.words if is_plain else (atom, bool(others))
        number = self._numbers.setdefault(key, self._next)
        if number != self._next:
            self._further[number] = self._further.get(number, 0) + 1
            return number
        self._next += 1
        if plain is not None and not others:
            self._files.add_plain(number, atom.words, *plain)
        else:
            self._keys[number] = key
            self._files.add(number, atom, others)
        return number

    def _release(self, number: int) -> None:
        """Counts one use less; an atom that nothing uses is forgotten."""
        further = self._further.pop(number, 0)
        if further:
            if further > 1:
                self._further[number] = further - 1
            return
        words = self._files.remove(number)
        del self._numbers[self._keys.pop(number, words)]

    def _wanted(self, query_id: int) -> tuple[tuple[int, Atom], ...]:
        """What scores in a query."""
        kept = self._queries[query_id]
        if isinstance(kept, _Compiled):
            return kept.wanted
        return ((self._numbers[kept.words], kept),)


def match_query(
    query: Query,
    documents: Iterable[Document],
    synonyms: Synonyms = DEFAULT_SYNONYMS,
    expand: bool = True,
) -> list[Match]:
    """The matches of one query, best first by the total order."""
    return Index({0: (query, expand)}, synonyms).match(documents).get(0, [])


def _watched(term: _Term, wanted: Mapping[int, Atom]) -> tuple[int, ...]:
    """The fewest atoms of which one must occur for `term` to hold; of as many the longest."""
    if isinstance(term, int):
        return (term,)
    if term.sign == "|":
        return tuple(dict.fromkeys(one for item in term.operands for one in _watched(item, wanted)))
    needed = (item for item in term.operands if isinstance(item, int) or item.sign != "-")
    return min(
        (_watched(item, wanted) for item in needed),
        key=lambda numbers: (len(numbers), -min(len(wanted[one].words) for one in numbers)),
    )


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
    wanted: Sequence[tuple[int, Atom]],
    found: Found,
    places: dict[int, tuple[_Place, ...]],
    reading: Reading,
) -> tuple[Reason, ...]:
    reasons: list[tuple[_Place, str]] = []
    for number, atom in wanted:
        hits = found.get(number)
        if hits is None:
            continue
        if number not in places:
            places[number] = tuple(dict.fromkeys([reading.place(hit) for hit in sorted(hits)]))
        typed = atom.typed or str(atom)
        reasons += [(place, typed) for place in places[number]]
    if len(wanted) > 1:
        reasons.sort(key=lambda reason: (reason[0][:2], reason[0][3:], reason[1]))
    return tuple(
        [
            Reason(FIELDS[field], text, start, end, atom, item)
            for (field, item, text, start, end), atom in reasons
        ]
    )
