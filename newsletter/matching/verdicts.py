"""Why a query does, or does not, match one document: said of its parts, each statement checked.

A near miss ("found as “sam”, but “SAM” needs its capitals") is only said where the looser query
was tried on the same document and found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from newsletter.matching.base import Document, Reason
from newsletter.matching.display import readable
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.text import BREAK, is_acronym, normalise
from newsletter.matching.tree import Atom, Node, Not, Query

MOST_CHARACTERS = 400  # of a canonical query
PLACES = {
    "": "the title, the abstract or the keywords",
    "title": "the title",
    "abs": "the abstract",
    "org": "the organisation",
}
FOUND_IN = {
    "title": "in the title",
    "keywords": "in the keywords",
    "abstract": "in the abstract",
    "authors": "among the authors",
    "organizations": "as the organisation",
    "categories": "as its category",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A query on a document: found with a score at places, or not found and why not.

    `why_not` are statements each true of the document; together they say why nothing matched.
    """

    matches: bool
    score: float
    reasons: tuple[Reason, ...]
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """What a part of a query is tried on."""

    document: Document
    synonyms: Synonyms
    expand: bool

    def find(self, node: Node) -> tuple[float, tuple[Reason, ...]] | None:
        found = match_query(Query(node), [self.document], self.synonyms, self.expand)
        return (found[0].score, found[0].reasons) if found else None

    def literally(self) -> _Case:
        """The same without synonyms: an exclusion hides exactly what was typed."""
        return replace(self, expand=False)


def judge_query(
    text: str, document: Document, expand: bool = True, synonyms: Synonyms = DEFAULT_SYNONYMS
) -> Verdict:
    """Return the verdict of the query `text`, typed or canonical, on one document.

    `QueryError` where the text is refused; a stored interest never is.
    """
    query = parse_query(text, MOST_CHARACTERS)
    case = _Case(document, synonyms, expand)
    found = case.find(query.root)
    if found:
        return Verdict(True, found[0], found[1], ())
    return Verdict(False, 0.0, (), tuple(dict.fromkeys(_misses(query.root, case))))


def _misses(node: Node | Not, case: _Case) -> Iterator[str]:
    """Yield why `node` does not hold; nothing where it does."""
    if isinstance(node, Not):
        found = case.literally().find(node.item)
        if found:
            yield _excluded(node, found[1])
    elif case.find(node):
        return
    elif isinstance(node, Atom):
        yield _missing(node, case)
    else:
        for item in node.items:
            yield from _misses(item, case)


def _excluded(node: Not, reasons: tuple[Reason, ...]) -> str:
    typed = f"-{node.item.typed or node.item}" if isinstance(node.item, Atom) else str(node)
    where = f": {describe_place(reasons[0])}" if reasons else ""
    return f"excluded by {typed}{where}"


def describe_place(reason: Reason) -> str:
    """Return "“surveys” in the title"."""
    return f"“{readable(reason.text).text}” {FOUND_IN[reason.field]}"


def _missing(atom: Atom, case: _Case) -> str:
    shown = _show(atom)
    match atom.field:
        case "author":
            known = (
                "none of its authors is" if case.document.authors else "its authors are unknown:"
            )
            return f"{known} {shown}"
        case "cat":
            have = ", ".join(case.document.categories)
            return f"its categories are {have}, not {shown}" if have else f"no category: {shown}"
        case _:
            return _near_miss(atom, shown, case) or _plainly_missing(atom, shown, case)


def _near_miss(atom: Atom, shown: str, case: _Case) -> str:
    """Return what would have found it, were the query less strict; "" where nothing near would."""
    acronyms = _acronyms(atom.words)
    if acronyms and atom.field != "org":
        loose = case.literally().find(replace(atom, words=atom.words.casefold(), typed=""))
        if loose:
            needed = " and ".join(acronyms)
            return f"found as {describe_place(loose[1][0])}, but {needed} must have its capitals"
    if atom.quoted and not atom.slack and case.expand:
        loose = case.find(replace(atom, quoted=False, typed=""))
        if loose:
            return f"found as {describe_place(loose[1][0])}, but quotes find only what they hold"
    if not case.expand and not atom.quoted:
        loose = replace(case, expand=True).find(replace(atom, typed=""))
        if loose:
            return f"found as {describe_place(loose[1][0])}, but its synonyms are switched off"
    if atom.field in ("title", "abs"):
        loose = case.find(replace(atom, field="", typed=""))
        if loose:
            return f"{shown} is not in {PLACES[atom.field]}: it is {_where(loose[1])}"
    return ""


def _where(reasons: tuple[Reason, ...]) -> str:
    return " and ".join(dict.fromkeys(FOUND_IN[reason.field] for reason in reasons))


def _plainly_missing(atom: Atom, shown: str, case: _Case) -> str:
    said = f"{shown} does not occur in {PLACES[atom.field]}"
    words = atom.words.split()
    if len(words) < 2:
        return said
    one, literal = replace(atom, slack=0, typed=""), case.literally()
    absent = [w for w in words if _is_word(w) and not literal.find(replace(one, words=w))]
    if absent:
        names = (
            f"“{readable(word).text}”" + " with its capitals" * bool(_acronyms(word))
            for word in dict.fromkeys(absent)
        )
        return f"{said}: there is no {' and no '.join(names)}"
    together = "so close together" if atom.slack else "as one phrase"
    return f"{said} {together}, though each of its words does"


def _show(atom: Atom) -> str:
    """Return the atom as typed, in quotes, without its field."""
    typed = atom.typed or str(atom)
    bare = typed.partition(":")[2].strip() if atom.field else typed
    return bare if bare[:1] in '"“”„‟″＂' else f"“{bare}”"


def _is_word(word: str) -> bool:
    return any(part.form != BREAK for part in normalise(word.replace("*", " ")).words)


def _acronyms(words: str) -> list[str]:
    read = normalise(words.replace("*", " ")).words
    return list(dict.fromkeys(word.surface for word in read if is_acronym(word)))
