"""The values of matching: what goes in, what comes out. Pure: no Django, no Celery, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Document:
    """What a paper offers to matching; texts are raw, so spans are offsets into what is stored."""

    id: int
    title: str
    abstract: str
    keywords: tuple[str, ...] = ()  # ai_keywords
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()  # handle and display name
    upvotes: int = 0
    comments: int = 0
    published_at: datetime | None = None


class Reason(NamedTuple):
    """One place where an atom of a query was found.

    `field` is "title", "abstract", "keywords", "authors", "organizations" or "categories"; `text`
    is the raw text found there, `start` and `end` its offsets: into the title or abstract, for the
    fields that are tuples into item `item`. `atom` is the atom as the reader typed it.
    """

    field: str
    text: str
    start: int
    end: int
    atom: str
    item: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """A query found in a document: its score before weight and popularity, and the reasons.

    `reasons` come in reading order: title, keywords, abstract, authors, organizations, categories;
    within a field by offset.
    """

    document_id: int
    score: float
    reasons: tuple[Reason, ...]


def mark(text: str) -> str:
    """A text that readers may see, to be translated where it is shown."""
    return text


class QueryError(ValueError):
    """A query that is refused when entered: `problem`, `position` (0-based offset), `mend`.

    Both are made of patterns with `values` in braces, which `patterns` keeps for other languages.
    """

    def __init__(self, problem: str, position: int, mend: str, **values: object) -> None:
        self.patterns = problem, mend
        self.values = values
        self.problem = problem.format(**values)
        self.position = position
        self.mend = mend.format(**values)
        super().__init__(f"{self.problem} (at character {position + 1}): {self.mend}")

    def at(self, position: int) -> QueryError:
        """The same refusal at another place."""
        return QueryError(self.patterns[0], position, self.patterns[1], **self.values)
