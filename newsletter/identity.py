"""Which stored paper a fetched one is: by identifier, else by title, year and authors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from newsletter.matching.display import title_key
from newsletter.models import Paper, PaperIdentifier
from newsletter.sources.base import FetchedPaper
from newsletter.sources.identifiers import ARXIV, DOI, identifiers

YEARS_APART = 1  # a paper with the same title a year later is the same, published at last

# Registrants of preprint servers: a paper's preprint has another DOI than the paper.
_PREPRINTS = (
    "10.1101/",
    "10.2139/",
    "10.20944/",
    "10.21203/",
    "10.26434/",
    "10.31219/",
    "10.31234/",
    "10.36227/",
    "10.48550/",
)

# A bitmap of up to 100 kB an edition, which would come along with every paper.
_HEAVY = ("edition__matched_queries", "same_as__edition__matched_queries")


@dataclass(slots=True)
class Shelf:
    """The stored papers a batch may be about, found by any of their identities.

    Of papers known to be the same only the one that is kept stands on it.
    """

    by_identifier: dict[str, Paper] = field(default_factory=dict)
    by_title: dict[str, list[Paper]] = field(default_factory=dict)

    def put(self, paper: Paper, others: Iterable[str] = (), key: str | None = None) -> None:
        """Have the paper found by its own identifiers and by `others`, by its title or `key`."""
        for identifier in (*own_identifiers(paper), *others):
            self.by_identifier.setdefault(identifier, paper)
        same_title = self.by_title.setdefault(paper.title_key if key is None else key, [])
        if all(paper is not other for other in same_title):
            same_title.append(paper)

    def find(self, fetched: FetchedPaper, key: str) -> list[Paper]:
        """The stored papers that `fetched` is, the one to keep first; several where it joins them.

        Those with one of its identifiers; without any, the first that title, year and authors say
        is the same.
        """
        known = (self.by_identifier.get(identifier) for identifier in identifiers(fetched))
        found = {id(paper): paper for paper in known if paper is not None}
        if found:
            return sorted(found.values(), key=_standing)
        same = (paper for paper in self.by_title.get(key, ()) if may_be_same(paper, fetched))
        return [paper] if (paper := next(same, None)) is not None else []

    def join(self, paper: Paper, kept: Paper) -> None:
        """From now on find `kept` wherever `paper` was found."""
        for identifier, one in self.by_identifier.items():
            if one is paper:
                self.by_identifier[identifier] = kept
        same_title = self.by_title.get(paper.title_key, [])
        same_title[:] = [one for one in same_title if one is not paper and one is not kept]
        same_title.append(kept)


def _standing(paper: Paper) -> tuple[bool, bool, int]:
    """A paper with an edition before others, a stored one before a new one, then the oldest."""
    return (paper.edition_id is None, paper.pk is None, paper.pk or 0)


def own_identifiers(paper: Paper) -> list[str]:
    """The identifiers in the paper's own columns."""
    own = [f"{ARXIV}:{paper.arxiv_id}"] if paper.arxiv_id else []
    return [*own, f"{DOI}:{paper.doi}"] if paper.doi else own


def may_be_same(paper: Paper, fetched: FetchedPaper) -> bool:
    """Whether a paper of the same title is the same paper.

    Not with two arXiv ids, two DOIs of which neither or both are a preprint's, years further apart
    than one, or authors of whom none is the same.
    """
    if paper.arxiv_id and fetched.arxiv_id and paper.arxiv_id != fetched.arxiv_id:
        return False
    if paper.doi and fetched.doi and paper.doi != fetched.doi:
        if is_preprint(paper.doi) == is_preprint(fetched.doi):
            return False
        if not (paper.authors and fetched.authors):
            return False
    if (paper.arxiv_id or paper.doi or fetched.arxiv_id or fetched.doi) and not share_author(
        paper.authors, fetched.authors
    ):
        return False
    if paper.year and fetched.published_at:
        return abs(paper.year - fetched.published_at.year) <= YEARS_APART
    return True


def is_preprint(doi: str) -> bool:
    """Whether a DOI is of a preprint server."""
    return doi.startswith(_PREPRINTS)


def share_author(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a family name occurs in both lists, or one of them is empty and cannot tell."""
    if not first or not second:
        return True
    return not _words(first).isdisjoint(_words(second))


def _words(names: Iterable[str]) -> set[str]:
    """The words of the names that are no initials, normalised as titles are."""
    return {word for name in names for word in title_key(name).split() if len(word) > 1}


def find_candidates(batch: Sequence[FetchedPaper], keys: Sequence[str]) -> Shelf:
    """The stored papers that any of the batch may be. Queries: two, whatever its size."""
    wanted = {identifier for fetched in batch for identifier in identifiers(fetched)}
    values: dict[str, set[str]] = {ARXIV: set(), DOI: set()}
    for identifier in wanted:
        scheme, _, value = identifier.partition(":")
        values.setdefault(scheme, set()).add(value)
    rows = PaperIdentifier.objects.filter(identifier__in=wanted)
    others = dict(rows.values_list("identifier", "paper"))
    meant = Q(title_key__in=set(keys)) | Q(arxiv_id__in=values[ARXIV]) | Q(doi__in=values[DOI])
    meant |= Q(pk__in=set(others.values()))
    found = Paper.objects.filter(meant).order_by("id")
    papers = {
        paper.pk: paper
        for paper in found.select_related("edition", "same_as__edition").defer(*_HEAVY)
    }
    kept = {
        key: papers.get(paper.same_as_id or key, paper.same_as or paper)
        for key, paper in papers.items()
    }
    shelf = Shelf()
    for key, paper in papers.items():
        shelf.put(kept[key], own_identifiers(paper), paper.title_key)
    for identifier, key in others.items():
        shelf.put(kept[key], [identifier])
    return shelf
