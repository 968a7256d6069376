"""A paper as matching reads it: its fields in reading order, each normalised once."""

from __future__ import annotations

from functools import lru_cache

from newsletter.matching.base import Document
from newsletter.matching.text import NormalText, normalise

FIELDS = ("title", "keywords", "abstract", "authors", "organizations", "categories")
TITLE, KEYWORDS, ABSTRACT, AUTHORS, ORGANIZATIONS, CATEGORIES = range(len(FIELDS))


# Where an atom was found: field, item, first word, word after the last, spelling. The spelling is 0
# as typed, 2, 4, … for its synonyms; odd where the words of that spelling stand joined as fewer.
Hit = tuple[int, int, int, int, int]


class Reading:
    """The normalised `texts` of one document by field and item.

    Authors and categories are not among them: they are read whole, by their own rules.
    """

    __slots__ = ("document", "texts")

    def __init__(self, document: Document) -> None:
        self.document = document
        texts: dict[tuple[int, int], NormalText] = {(TITLE, 0): normalise(document.title)}
        for item, keyword in enumerate(document.keywords):
            texts[KEYWORDS, item] = _normalise_short(keyword)
        texts[ABSTRACT, 0] = normalise(document.abstract)
        for item, organization in enumerate(document.organizations):
            texts[ORGANIZATIONS, item] = _normalise_short(organization)
        self.texts = texts

    def raw(self, field: int, item: int) -> str:
        """The raw text of a field, or of its item."""
        document = self.document
        if field == TITLE:
            return document.title
        if field == ABSTRACT:
            return document.abstract
        items = {
            KEYWORDS: document.keywords,
            AUTHORS: document.authors,
            ORGANIZATIONS: document.organizations,
            CATEGORIES: document.categories,
        }
        return items[field][item]

    def place(self, hit: Hit) -> tuple[int, int, str, int, int]:
        """Field, item, raw text, start and end of a hit; an author or category is marked whole."""
        field, item, first, last, _ = hit
        raw = self.raw(field, item)
        if field in (AUTHORS, CATEGORIES):
            return field, item, raw, 0, len(raw)
        start, end = self.texts[field, item].span(first, last)
        return field, item, raw[start:end], start, end


# Keywords and organizations return in paper after paper.
_normalise_short = lru_cache(maxsize=20_000)(normalise)
