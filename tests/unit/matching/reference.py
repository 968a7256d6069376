"""Matching again, slow and obvious, to compare the index with: sets of atoms, window by window.

It reads plain ASCII text only (words, hyphens, breaks), which is what the tests generate.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

from newsletter.matching.base import Document
from newsletter.matching.plural import singular
from newsletter.matching.query import And, Atom, Node, Not, Query
from newsletter.matching.synonyms import Synonyms

APART = {"and", "any", "are", "but", "can", "for", "has", "how", "its", "may", "not", "one", "our"}
APART |= {"per", "that", "the", "this", "two", "via", "was", "who", "with", "you"}
Words = list[tuple[str, str, str]]  # surface, form, what stands before it


def read(text: str) -> Words:
    words: Words = []
    for before, surface in re.findall(r"([^A-Za-z0-9]*)([A-Za-z0-9]+)", text):
        plural = re.fullmatch(r"(\w*[A-Z]\w*[A-Z])s", surface)
        form = singular((plural[1] if plural else surface).lower())
        words.append((surface, form, before))
    return words


def breaks(before: str) -> bool:
    return bool(re.search(r"[.,;:!?()]", before))


def is_acronym(surface: str) -> bool:
    base = re.sub(r"(?<=[A-Z])s$", "", surface)
    return sum(char.isupper() for char in base) >= 2 and sum(char.isalpha() for char in base) <= 6


def phrase_in(wanted: Words, text: Words, capitals: bool) -> bool:
    return any(
        window_is(wanted, text[first:last], capitals)
        for first in range(len(text))
        for last in range(first + 1, len(text) + 1)
    )


def window_is(wanted: Words, window: Words, capitals: bool) -> bool:
    if "".join(form for _, form, _ in wanted) != "".join(form for _, form, _ in window):
        return False
    if any(breaks(before) for _, _, before in window[1:]):
        return False
    cuts = set(accumulate(len(form) for _, form, _ in wanted))
    at = 0
    for (_, form, _), (_, after, between) in pairwise(window):
        at += len(form)
        parts = {form, after}
        may_join = between == "-" or (min(map(len, parts)) >= 3 and not parts & APART)
        if at not in cuts and not may_join:
            return False
    if capitals and any(is_acronym(surface) for surface, _, _ in wanted):
        bare = [re.sub(r"(?<=[A-Z])s$", "", surface) for surface, _, _ in window]
        needed = [re.sub(r"(?<=[A-Z])s$", "", surface) for surface, _, _ in wanted]
        return len(bare) == len(needed) and all(
            have == need for have, need in zip(bare, needed, strict=True) if is_acronym(need)
        )
    return True


def slack_in(wanted: Words, text: Words, slack: int) -> bool:
    """Each wanted word in order, at most `slack` others among them, no break between."""

    def fits(at: int, left: int, rest: Words) -> bool:
        if not rest:
            return True
        for gap in range(left + 1):
            here = at + gap
            if here >= len(text) or any(breaks(text[n][2]) for n in range(at, here + 1)):
                return False
            if window_is(rest[:1], [text[here]], True) and fits(here + 1, left - gap, rest[1:]):
                return True
        return False

    return any(
        window_is(wanted[:1], [word], True) and fits(at + 1, slack, wanted[1:])
        for at, word in enumerate(text)
    )


def prefix_in(head: str, text: Words) -> bool:
    return any(surface.lower().startswith(head) for surface, _, _ in text)


def texts_of(document: Document, field: str) -> list[str]:
    return {
        "": [document.title, document.abstract, *document.keywords],
        "title": [document.title],
        "abs": [document.abstract],
        "org": list(document.organizations),
    }[field]


def atom_in(atom: Atom, document: Document, synonyms: Synonyms) -> bool:
    if atom.field == "cat":
        return any(
            category.lower() == atom.words or category.lower().startswith(atom.words + ".")
            for category in document.categories
        )
    spellings = [atom.words, *synonyms.expand(atom)]
    for text in map(read, texts_of(document, atom.field)):
        for spelling in spellings:
            if spelling.endswith("*"):
                if prefix_in(spelling[:-1], text):
                    return True
            elif phrase_in(read(spelling), text, atom.field != "org") or (
                atom.slack and slack_in(read(spelling), text, atom.slack)
            ):
                return True
    return False


def matches(node: Node | Not, documents: list[Document], synonyms: Synonyms) -> set[int]:
    """The ids of the documents a query matches: set algebra over its atoms."""
    if isinstance(node, Atom):
        return {one.id for one in documents if atom_in(node, one, synonyms)}
    if isinstance(node, Not):
        return {one.id for one in documents} - matches(node.item, documents, Synonyms())
    sets = [matches(item, documents, synonyms) for item in node.items]
    return set.intersection(*sets) if isinstance(node, And) else set.union(*sets)


def matching(query: Query, documents: list[Document], synonyms: Synonyms) -> set[int]:
    return matches(query.root, documents, synonyms)
