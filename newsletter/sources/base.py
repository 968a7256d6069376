"""What every source yields, whatever its wire format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class FetchedPaper:
    """One paper as a source listed it; texts are raw, as the source wrote them (LaTeX stays).

    `published_at` is when the paper appeared (aware, UTC). `listed_on` is the day the source listed
    it, None where the source does not say. `upvotes` and `comments` are None where the source does
    not count them, so that they do not overwrite what another source counted.
    """

    source: str
    title: str
    abstract: str
    arxiv_id: str = ""  # without version: "2602.23229" or "hep-th/9901001"
    version: int | None = None
    doi: str = ""  # lower case, without resolver: "10.1000/xyz"
    url: str = ""
    published_at: datetime | None = None
    listed_on: date | None = None
    authors: tuple[str, ...] = ()
    author_count: int | None = None  # where the names are not given ("• 32 authors")
    organization: str = ""  # display name
    organization_handle: str = ""
    categories: tuple[str, ...] = ()
    upvotes: int | None = None
    comments: int | None = None
    thumbnail_url: str = ""
    project_url: str = ""
    code_url: str = ""
    ai_summary: str = ""
    ai_keywords: tuple[str, ...] = ()
    announced: str = ""  # what arXiv announces: "new", "cross", "replace" or "replace-cross"
    also_known_as: tuple[str, ...] = ()  # other identifiers: "doi:10.1/x", "arxiv:2602.23229"
    note: str = ""  # the authors' comment: "12 pages, accepted at …"
    journal: str = ""  # where it appeared, as printed: "Nature", "ICLR 2026 poster"
    # A paper such a source listed before is not listed again on a later day: the day is when the
    # paper was first seen, or the source serves an old batch under a new date.
    listed_once: bool = False
    origin: str = ""  # the kind of source, where `source` is a name the operator gave

    @property
    def kind(self) -> str:
        """The kind of source it comes from: what decides whose word counts."""
        return self.origin or self.source


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that could not be read, and why; the rest of its listing goes on."""

    where: str  # "line 12", "record 3 (2602.23229)"
    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A source says that a paper is withdrawn: "arxiv:2602.23229", "doi:10.1000/xyz".

    `by` is who took it back: "authors", "source" (the archive itself), "journal" (a retraction).
    """

    source: str
    identifier: str
    at: datetime | None = None  # aware, UTC; None where the source does not say
    reason: str = ""
    by: str = "authors"


@dataclass(frozen=True, slots=True)
class Listing:
    """What one file or answer held: papers in order, records refused, papers withdrawn."""

    papers: tuple[FetchedPaper, ...]
    refusals: tuple[Refusal, ...] = field(default=())
    withdrawals: tuple[Withdrawal, ...] = field(default=())


class SourceError(ValueError):
    """A file or answer cannot be understood: what was expected, and where it broke.

    The text is one line and does not name the file; the caller knows it.
    """


class SourceBusyError(SourceError):
    """The source is overloaded or asks for patience: the same request may succeed later."""


class NotYetError(SourceError):
    """The source has no such day yet: asking again later is right, and nothing is wrong."""
