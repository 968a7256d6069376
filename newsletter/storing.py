"""Papers in: store what sources listed, once each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from django.db import transaction
from django.utils import timezone

from newsletter.identity import Shelf, find_candidates, own_identifiers
from newsletter.matching.display import title_key
from newsletter.merging import REVISIONS, WRITTEN, make_paper, merge_paper
from newsletter.models import Listing, Paper, PaperIdentifier
from newsletter.papers import lock_papers
from newsletter.sources.base import FetchedPaper, Withdrawal
from newsletter.sources.identifiers import ARXIV, DOI, identifiers
from newsletter.withdrawals import mark_withdrawn

STORE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What storing did: `papers` distinct ones, of them `new` and `updated`; `repeated` rows more.

    A row is repeated when an earlier row of the same storing was the same paper. `unseen` papers
    were never listed before by the source that lists them now: a batch without any is an old one.
    `revised` rows announced a new version of a paper, which is noted and not sent again;
    `withdrawn` papers were withdrawn now.
    """

    papers: int
    new: int
    updated: int
    repeated: int
    unseen: int = 0
    revised: int = 0
    withdrawn: int = 0

    def __str__(self) -> str:
        text = (
            f"{self.papers} papers: {self.new} new, {self.updated} updated, "
            f"{self.repeated} repeated"
        )
        if self.revised:
            text += f", {self.revised} revision{'s' * (self.revised > 1)}"
        return text + (f", {self.withdrawn} withdrawn" if self.withdrawn else "")


@dataclass(slots=True)
class _Tally:
    """What a storing has done so far, by id of paper."""

    new: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    unseen: set[int] = field(default_factory=set)
    rows: int = 0
    revised: int = 0


@dataclass(slots=True)
class _Batch:
    """What a batch comes to, before it is written."""

    shelf: Shelf
    created: list[Paper] = field(default_factory=list)
    changed: dict[int, Paper] = field(default_factory=dict)  # by id() of the object
    joined: list[tuple[Paper, Paper]] = field(default_factory=list)  # a paper, and the one it is
    listed: list[tuple[Paper, FetchedPaper]] = field(default_factory=list)
    named: dict[str, Paper] = field(default_factory=dict)


def store_papers(
    papers: Iterable[FetchedPaper], withdrawals: Iterable[Withdrawal] = ()
) -> StoredCounts:
    """Store what sources listed and return the counts; storing the same again changes nothing.

    A paper is one whatever the number of its listings and versions: found by arXiv id without
    version, DOI, another identifier, or normalised title (`newsletter.identity`), and merged by a
    table of precedence (`newsletter.merging`). A revision of a paper that is not stored is not
    stored either. All of it is one transaction.
    """
    tally = _Tally()
    with transaction.atomic():
        lock_papers()
        for batch in _batches(papers, STORE_BATCH):
            tally.rows += len(batch)
            _store_batch(batch, tally)
        withdrawn = mark_withdrawn(list(withdrawals))
    return StoredCounts(
        papers=len(tally.seen),
        new=len(tally.new),
        updated=len(tally.updated - tally.new),
        repeated=tally.rows - tally.revised - len(tally.seen),
        unseen=len(tally.unseen),
        revised=tally.revised,
        withdrawn=withdrawn,
    )


def _batches(items: Iterable[FetchedPaper], size: int) -> Iterator[list[FetchedPaper]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _store_batch(rows: Sequence[FetchedPaper], tally: _Tally) -> None:
    keys = [title_key(fetched.title) for fetched in rows]
    batch = _Batch(find_candidates(rows, keys))
    for fetched, key in zip(rows, keys, strict=True):
        if fetched.announced in REVISIONS:
            tally.revised += 1
            if paper := next(iter(batch.shelf.find(fetched, key)), None):
                _merge(batch, paper, fetched)
        else:
            _take(batch, fetched, key)
    _write(batch)
    _list_papers(batch, tally)
    tally.new.update(paper.pk for paper in batch.created)
    tally.updated.update(paper.pk for paper in batch.changed.values())
    tally.seen.update(paper.pk for paper, _ in batch.listed)


def _take(batch: _Batch, fetched: FetchedPaper, key: str) -> None:
    """Find or make the paper that is listed."""
    found = batch.shelf.find(fetched, key)
    if found:
        paper = found[0]
        for other in found[1:]:
            _join(batch, other, paper)
        _merge(batch, paper, fetched)
    else:
        paper = make_paper(fetched, key)
        batch.created.append(paper)
        batch.shelf.put(paper)
        _name(batch, paper, fetched)
    batch.listed.append((paper, fetched))


def _join(batch: _Batch, paper: Paper, kept: Paper) -> None:
    """Note that two stored papers are one, and keep the first; both may have been sent already."""
    if paper.edition_id is None:
        batch.joined.append((paper, kept))
        batch.shelf.join(paper, kept)
        batch.listed = [(kept if one is paper else one, fetched) for one, fetched in batch.listed]


def _merge(batch: _Batch, paper: Paper, fetched: FetchedPaper) -> None:
    changed = merge_paper(paper, fetched)
    changed |= _name(batch, paper, fetched)
    if changed and paper.pk:
        batch.changed[id(paper)] = paper
    batch.shelf.put(paper)


def _name(batch: _Batch, paper: Paper, fetched: FetchedPaper) -> bool:
    """Give the paper the identifiers it is fetched with that no paper has; whether it changed."""
    changed = False
    own = own_identifiers(paper)
    for identifier in identifiers(fetched):
        if identifier in batch.shelf.by_identifier:  # its own, or another paper's
            continue
        scheme, _, value = identifier.partition(":")
        if scheme == ARXIV and not paper.arxiv_id:
            paper.arxiv_id, changed = value, True
        elif scheme == DOI and not paper.doi:
            paper.doi, changed = value, True
        elif identifier not in own:
            batch.named[identifier] = paper
        batch.shelf.by_identifier[identifier] = paper
    return changed


def _write(batch: _Batch) -> None:
    """Write the papers of a batch. Queries: three, one more where stored papers were joined."""
    Paper.objects.bulk_create(batch.created)
    for paper, kept in batch.joined:
        paper.same_as = kept
        batch.changed[id(paper)] = paper
    if batch.changed:
        now = timezone.now()
        for paper in batch.changed.values():
            paper.updated_at = now
        # An insert that finds its row updates it: bulk_update would take seconds for a thousand.
        Paper.objects.bulk_create(
            sorted(batch.changed.values(), key=lambda paper: paper.pk),
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=WRITTEN,
        )
    if batch.joined:  # nor are they shown
        Paper.objects.filter(pk__in=[paper.pk for paper, _ in batch.joined]).update(hidden=True)
    if batch.named:
        PaperIdentifier.objects.bulk_create(
            [
                PaperIdentifier(paper=paper, identifier=identifier)
                for identifier, paper in batch.named.items()
            ],
            ignore_conflicts=True,
        )


def _list_papers(batch: _Batch, tally: _Tally) -> None:
    """Write the listings. Queries: two at most, two more where stored papers were joined."""
    _copy_listings({paper.pk: kept for paper, kept in batch.joined})
    known = _listed_before(paper.pk for paper, _ in batch.listed)
    fresh: dict[tuple[int, str, date], Listing] = {}
    for paper, fetched in batch.listed:
        before = (paper.pk, fetched.source) in known
        if not before:
            tally.unseen.add(paper.pk)
        if fetched.listed_on and not (before and fetched.listed_once):
            row = Listing(paper=paper, source=fetched.source, listed_on=fetched.listed_on)
            fresh[paper.pk, fetched.source, fetched.listed_on] = row
    Listing.objects.bulk_create(fresh.values(), ignore_conflicts=True)


def _copy_listings(joined: Mapping[int, Paper]) -> None:
    """List the papers that are kept wherever those were listed that they turned out to be."""
    if joined:
        rows = Listing.objects.filter(paper__in=joined)
        copies = [
            Listing(paper=joined[row.paper_id], source=row.source, listed_on=row.listed_on)
            for row in rows
        ]
        Listing.objects.bulk_create(copies, ignore_conflicts=True)


def _listed_before(paper_ids: Iterable[int]) -> set[tuple[int, str]]:
    rows = Listing.objects.filter(paper__in=set(paper_ids))
    return set(rows.values_list("paper", "source").distinct())


def find_unseen(papers: Iterable[FetchedPaper]) -> int:
    """Return how many of the papers their own source never listed before; nothing is stored.

    None of some is an old batch served again, whatever date it bears. Revisions do not count.
    """
    unseen = 0
    for batch in _batches((one for one in papers if one.announced not in REVISIONS), STORE_BATCH):
        keys = [title_key(fetched.title) for fetched in batch]
        shelf = find_candidates(batch, keys)
        found = [shelf.find(fetched, key) for fetched, key in zip(batch, keys, strict=True)]
        known = _listed_before(papers[0].pk for papers in found if papers)
        unseen += sum(
            not stored or (stored[0].pk, fetched.source) not in known
            for fetched, stored in zip(batch, found, strict=True)
        )
    return unseen
