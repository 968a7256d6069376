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


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that could not be read, and why; the rest of its listing goes on."""

    where: str  # "line 12", "record 3 (2602.23229)"
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What one file or answer held: the papers in order, and the records refused."""

    papers: tuple[FetchedPaper, ...]
    refusals: tuple[Refusal, ...] = field(default=())


class SourceError(ValueError):
    """A file or answer cannot be understood: what was expected, and where it broke.

    The text is one line and does not name the file; the caller knows it.
    """
