"""Papers in: store what sources listed, once each, and find them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from newsletter.matching.base import Document
from newsletter.matching.display import title_key
from newsletter.models import Listing, Paper
from newsletter.sources.base import FetchedPaper

STORE_BATCH = 1000
DAYS_LATE = 7  # so late a paper still joins the next edition; after that it is archive
# Serialises storing with freezing: a paper stored while an edition freezes joins the next one.
PAPERS_LOCK = 0x7061_7065  # "pape"
YEARS_APART = 1  # a paper with the same title a year later is the same, published at last

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
UNPRINTED = ("thumbnail_url", "ai_summary")
COUNTED = ("upvotes", "comments")


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What storing did: `papers` distinct ones, of them `new` and `updated`; `repeated` rows more.

    A row is repeated when an earlier row of the same storing was the same paper.
    """

    papers: int
    new: int
    updated: int
    repeated: int

    def __str__(self) -> str:
        return (
            f"{self.papers} papers: {self.new} new, {self.updated} updated, "
            f"{self.repeated} repeated"
        )


@dataclass
class _Shelf:
    """The stored papers a batch may be about, found by any of their identities."""

    by_arxiv: dict[str, Paper] = field(default_factory=dict)
    by_doi: dict[str, Paper] = field(default_factory=dict)
    by_title: dict[str, list[Paper]] = field(default_factory=dict)

    def put(self, paper: Paper) -> None:
        if paper.arxiv_id:
            self.by_arxiv[paper.arxiv_id] = paper
        if paper.doi:
            self.by_doi[paper.doi] = paper
        same_title = self.by_title.setdefault(paper.title_key, [])
        if all(paper is not other for other in same_title):
            same_title.append(paper)

    def find(self, fetched: FetchedPaper, key: str) -> Paper | None:
        """Return the stored paper that `fetched` is: by arXiv id, by DOI, else by title."""
        if found := self.by_arxiv.get(fetched.arxiv_id) or self.by_doi.get(fetched.doi):
            return found
        for paper in self.by_title.get(key, ()):
            if _may_be_same(paper, fetched):
                return paper
        return None


def _may_be_same(paper: Paper, fetched: FetchedPaper) -> bool:
    """Return whether nothing but the title speaks: no two arXiv ids, DOIs or far apart years."""
    for stored, given in ((paper.arxiv_id, fetched.arxiv_id), (paper.doi, fetched.doi)):
        if stored and given and stored != given:
            return False
    if paper.year and fetched.published_at:
        return abs(paper.year - fetched.published_at.year) <= YEARS_APART
    return True


def store_papers(papers: Iterable[FetchedPaper]) -> StoredCounts:
    """Store what sources listed and return the counts; storing the same again changes nothing.

    A paper is one whatever the number of its listings: merged by arXiv id without version, DOI, or
    normalised title. All of it is one transaction.
    """
    new: set[int] = set()
    updated: set[int] = set()
    seen: set[int] = set()
    rows = 0
    with transaction.atomic():
        lock_papers()
        for batch in _batches(papers, STORE_BATCH):
            rows += len(batch)
            _store_batch(batch, new, updated, seen)
    return StoredCounts(len(seen), len(new), len(updated - new), rows - len(seen))


def lock_papers() -> None:
    """Take the papers' lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PAPERS_LOCK])


def _batches(items: Iterable[FetchedPaper], size: int) -> Iterator[list[FetchedPaper]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _store_batch(
    batch: Sequence[FetchedPaper], new: set[int], updated: set[int], seen: set[int]
) -> None:
    keys = [title_key(fetched.title) for fetched in batch]
    shelf = _find_candidates(batch, keys)
    created: list[Paper] = []
    changed: dict[int, Paper] = {}
    listings: list[tuple[Paper, FetchedPaper]] = []
    for fetched, key in zip(batch, keys, strict=True):
        paper = shelf.find(fetched, key)
        if paper is None:
            paper = _make_paper(fetched, key)
            created.append(paper)
        elif _merge(paper, fetched) and paper.pk:
            changed[paper.pk] = paper
        shelf.put(paper)
        listings.append((paper, fetched))
    Paper.objects.bulk_create(created)
    if changed:
        names = [*PRINTED, *UNPRINTED, *COUNTED, "arxiv_id", "version", "doi", "year", "title_key"]
        Paper.objects.bulk_update(changed.values(), [*names, "newest_listing", "updated_at"])
    Listing.objects.bulk_create(
        [
            Listing(paper=paper, source=fetched.source, listed_on=fetched.listed_on)
            for paper, fetched in listings
            if fetched.listed_on
        ],
        ignore_conflicts=True,
    )
    new.update(paper.pk for paper in created)
    updated.update(changed)
    seen.update(paper.pk for paper, _ in listings)


def _find_candidates(batch: Sequence[FetchedPaper], keys: Sequence[str]) -> _Shelf:
    shelf = _Shelf()
    arxiv_ids = {fetched.arxiv_id for fetched in batch if fetched.arxiv_id}
    dois = {fetched.doi for fetched in batch if fetched.doi}
    wanted = Q(title_key__in=set(keys)) | Q(arxiv_id__in=arxiv_ids) | Q(doi__in=dois)
    for paper in Paper.objects.filter(wanted).order_by("id").select_related("edition"):
        shelf.put(paper)
    return shelf


def _make_paper(fetched: FetchedPaper, key: str) -> Paper:
    paper = Paper(
        title_key=key,
        arxiv_id=fetched.arxiv_id or None,
        doi=fetched.doi or None,
        version=fetched.version,
        year=fetched.published_at.year if fetched.published_at else None,
        newest_listing=fetched.listed_on,
        upvotes=fetched.upvotes or 0,
        comments=fetched.comments or 0,
    )
    for name in (*PRINTED, *UNPRINTED):
        setattr(paper, name, _plain(getattr(fetched, name)))
    return paper


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _merge(paper: Paper, fetched: FetchedPaper) -> bool:
    """Take into `paper` what `fetched` knows better; return whether anything changed.

    The newest listing wins, an older one only fills what is empty. What letters print stays as it
    is once the paper's edition is frozen.
    """
    newest = not paper.newest_listing or bool(
        fetched.listed_on and fetched.listed_on >= paper.newest_listing
    )
    frozen = paper.edition is not None and paper.edition.frozen_at is not None
    before = _values(paper)
    for name in UNPRINTED if frozen else (*PRINTED, *UNPRINTED):
        given = _plain(getattr(fetched, name))
        if given and (newest or not getattr(paper, name)):
            setattr(paper, name, given)
    for name in COUNTED:
        given = getattr(fetched, name)
        if given is not None and newest:
            setattr(paper, name, given)
    paper.title_key = title_key(paper.title)
    paper.arxiv_id = paper.arxiv_id or fetched.arxiv_id or None
    paper.doi = paper.doi or fetched.doi or None
    paper.version = max(paper.version or 0, fetched.version or 0) or None
    if fetched.published_at and not paper.year:
        paper.year = fetched.published_at.year
    changed = before != _values(paper)
    if newest and fetched.listed_on:
        paper.newest_listing, moved = fetched.listed_on, paper.newest_listing != fetched.listed_on
        return changed or moved
    return changed


def _values(paper: Paper) -> tuple[Any, ...]:
    names = (*PRINTED, *UNPRINTED, *COUNTED, "arxiv_id", "doi", "version", "year")
    return tuple(getattr(paper, name) for name in names)


def list_documents(papers: QuerySet[Paper]) -> Iterator[Document]:
    """Yield what matching reads of each paper; streams, so any number costs little memory."""
    for paper in papers.iterator(chunk_size=500):
        yield make_document(paper)


def make_document(paper: Paper) -> Document:
    frozen = paper.edition_id is not None
    organizations = (paper.organization_handle, paper.organization)
    return Document(
        id=paper.pk,
        title=paper.title,
        abstract=paper.abstract,
        keywords=tuple(paper.ai_keywords),
        authors=tuple(paper.authors),
        categories=tuple(paper.categories),
        organizations=tuple(name for name in organizations if name),
        upvotes=paper.frozen_upvotes if frozen else paper.upvotes,
        comments=paper.frozen_comments if frozen else paper.comments,
        published_at=paper.published_at,
    )


def waiting_papers(day: date, days_late: int = 0) -> QuerySet[Paper]:
    """Papers without an edition that were listed on `day`, or up to `days_late` days before."""
    first = date.fromordinal(day.toordinal() - days_late)
    listed = Listing.objects.filter(listed_on__gte=first, listed_on__lte=day)
    return Paper.objects.filter(edition__isnull=True, pk__in=listed.values("paper"))
