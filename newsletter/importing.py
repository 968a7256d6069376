"""Papers from files and named ids: each read as a whole or refused, all stored at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from newsletter.sources.base import Listing, Refusal, SourceError
from newsletter.storing import StoredCounts, store_papers

# What it is called in messages, and how it is read; reading raises SourceError.
Reader = tuple[str, Callable[[], Listing]]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What one file held; with an `error` nothing of it is stored.

    `undated` papers have no listing day: they are archive, found by search and not mailed.
    """

    name: str
    papers: int = 0
    undated: int = 0
    refusals: tuple[Refusal, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to: counts of papers, and each file in order."""

    counts: StoredCounts
    files: tuple[ReadFile, ...]

    @property
    def unread(self) -> int:
        """How many files could not be read at all."""
        return sum(bool(one.error) for one in self.files)


def import_listings(
    readers: Iterable[Reader], tell: Callable[[ReadFile], None] = lambda _: None
) -> Imported:
    """Read each, tell of it, and store what could be read, in one transaction."""
    listings: list[Listing] = []
    files: list[ReadFile] = []
    for name, read in readers:
        try:
            listing = read()
        except SourceError as error:
            files.append(ReadFile(name, error=str(error)))
        else:
            undated = sum(paper.listed_on is None for paper in listing.papers)
            files.append(ReadFile(name, len(listing.papers), undated, listing.refusals))
            listings.append(listing)
        tell(files[-1])
    counts = store_papers(
        [paper for listing in listings for paper in listing.papers],
        [gone for listing in listings for gone in listing.withdrawals],
    )
    return Imported(counts, tuple(files))
