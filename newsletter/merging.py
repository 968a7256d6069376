"""What a paper says, where several sources speak of it: whose word counts, by a stated table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from newsletter.matching.display import title_key
from newsletter.models import Paper
from newsletter.sources.base import FetchedPaper

# Written in the letter: fixed once the paper's edition is frozen, so that it composes the same.
PRINTED = (
    "title",
    "abstract",
    "url",
    "published_at",
    "authors",
    "author_count",
    "organization",
    "organization_handle",
    "categories",
    "project_url",
    "code_url",
    "ai_keywords",
)
UNPRINTED = ("thumbnail_url", "ai_summary", "journal", "note")
COUNTED = ("upvotes", "comments")
TEXTS = (*PRINTED, *UNPRINTED)

# Whose word counts, the first before the next: the operator's own table, then who has it from the
# authors, then who copies it. Kinds of the table of sources (newsletter/sources/registry.py).
_AUTHORITY = (
    "table",
    "arxiv-query",
    "arxiv-rss",
    "arxiv-oai",
    "biorxiv",
    "openreview",
    "crossref",
    "feed",
    "huggingface",
    "bibtex",
    "ris",
    "page",
)
# arXiv's feed has the day of the announcement, its OAI a day without time.
_DATES = (
    "table",
    "arxiv-query",
    "huggingface",
    "arxiv-oai",
    "biorxiv",
    "openreview",
    "crossref",
    "feed",
    "bibtex",
    "ris",
    "arxiv-rss",
    "page",
)
# What Hugging Face adds is its own: code, project page, summary, organisation.
_ADDED = ("table", "huggingface", "page")
# Where a paper appeared, the journal knows best; a preprint server names itself.
_JOURNAL = ("table", "crossref", "feed", "openreview", "arxiv-query", "arxiv-oai", "arxiv-rss")
_NAMES = ("table", "arxiv-query", "arxiv-oai", "crossref", "biorxiv", "openreview", "huggingface")

PRECEDENCE: Mapping[str, tuple[str, ...]] = {
    "title": _AUTHORITY,
    "abstract": _AUTHORITY,
    "url": _AUTHORITY,
    "published_at": _DATES,
    "authors": _NAMES,
    "author_count": _ADDED,
    "organization": _ADDED,
    "organization_handle": _ADDED,
    "categories": _AUTHORITY,
    "project_url": _ADDED,
    "code_url": _ADDED,
    "ai_keywords": _ADDED,
    "thumbnail_url": _ADDED,
    "ai_summary": _ADDED,
    "journal": _JOURNAL,
    "note": _AUTHORITY,
}
_RANKS = {
    name: {kind: rank for rank, kind in enumerate(kinds)} for name, kinds in PRECEDENCE.items()
}
_LAST = len(_AUTHORITY)  # of a kind the table does not name
REVISIONS = frozenset({"replace", "replace-cross"})

_WATCHED = (
    *TEXTS,
    *COUNTED,
    "arxiv_id",
    "doi",
    "version",
    "year",
    "newest_listing",
    "counted_on",
    "revised_on",
    "same_as_id",
)
# What an update of a merged paper writes.
WRITTEN = (
    *TEXTS,
    *COUNTED,
    *("arxiv_id", "doi", "version", "listed_version", "year", "title_key", "origins"),
    *("newest_listing", "counted_on", "revised_on", "same_as", "updated_at"),
)


def make_paper(fetched: FetchedPaper, key: str) -> Paper:
    """A new paper, not saved; `key` is the title's key."""
    paper = Paper(
        title_key=key,
        arxiv_id=fetched.arxiv_id or None,
        doi=fetched.doi or None,
        version=fetched.version,
        listed_version=fetched.version,
        year=fetched.published_at.year if fetched.published_at else None,
        newest_listing=fetched.listed_on,
        upvotes=fetched.upvotes or 0,
        comments=fetched.comments or 0,
        counted_on=fetched.listed_on if _counts(fetched) else None,
    )
    for name in TEXTS:
        value = plain(getattr(fetched, name))
        setattr(paper, name, value)
        if value:
            paper.origins[name] = fetched.kind
    return paper


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def merge_paper(paper: Paper, fetched: FetchedPaper) -> bool:
    """Take into `paper` what `fetched` knows better; return whether anything changed.

    For each text the source that stands higher in `PRECEDENCE` wins; of two that stand alike the
    newer listing; an older one, or an older version, only fills what is empty. What letters print
    stays as it is once the paper's edition is frozen. Counts are those of the newest listing that
    counts. A revision is noted by version and day, and lists the paper nowhere.
    """
    before = {name: getattr(paper, name) for name in _WATCHED}
    known, listed = paper.newest_listing, fetched.listed_on
    outdated = bool(fetched.version and paper.version and fetched.version < paper.version)
    newest = is_newest(listed, known) and not outdated
    newer = newest and listed != known
    frozen = paper.edition is not None and paper.edition.frozen_at is not None
    for name in UNPRINTED if frozen else TEXTS:
        _take_text(paper, fetched, name, newest, newer)
    _take_counts(paper, fetched)
    _take_identity(paper, fetched)
    if listed and is_newest(listed, known) and fetched.announced not in REVISIONS:
        paper.newest_listing = listed
    return before != {name: getattr(paper, name) for name in _WATCHED}


def is_newest(day: date | None, known: date | None) -> bool:
    return known is None or (day is not None and day >= known)


def _take_text(paper: Paper, fetched: FetchedPaper, name: str, newest: bool, newer: bool) -> None:
    """Take a text from who stands higher; from an equal of another kind only if it is newer."""
    given = plain(getattr(fetched, name))
    if not given:
        return
    ranks = _RANKS[name]
    stands = ranks.get(fetched.kind, _LAST)
    origin = paper.origins.get(name, "")
    stood = ranks.get(origin, _LAST)
    later = newest if origin in ("", fetched.kind) else newer
    if getattr(paper, name) and (stands > stood or (stands == stood and not later)):
        return
    setattr(paper, name, given)
    paper.origins[name] = fetched.kind


def _counts(fetched: FetchedPaper) -> bool:
    return fetched.upvotes is not None or fetched.comments is not None


def _take_counts(paper: Paper, fetched: FetchedPaper) -> None:
    if not _counts(fetched) or not is_newest(fetched.listed_on, paper.counted_on):
        return
    for name in COUNTED:
        if (given := getattr(fetched, name)) is not None:
            setattr(paper, name, given)
    paper.counted_on = fetched.listed_on or paper.counted_on


def _take_identity(paper: Paper, fetched: FetchedPaper) -> None:
    paper.title_key = title_key(paper.title)
    if fetched.published_at and not paper.year:
        paper.year = fetched.published_at.year
    if fetched.version:
        paper.listed_version = paper.listed_version or fetched.version
        if paper.version and fetched.version > paper.version:
            paper.revised_on = fetched.listed_on or paper.revised_on
        paper.version = max(paper.version or 0, fetched.version)
