"""The papers most like what a reader saved, to fill a thin letter; read only if wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from newsletter.matching.base import Document
from newsletter.matching.similar import TfIdf
from newsletter.models import Edition, Paper
from newsletter.saving import Liked, read_liked
from newsletter.withdrawals import LISTED

EDITIONS_READ = 30  # whose papers say how common a word is
MOST_PAPERS = 20_000


class Similar(NamedTuple):
    """A paper that fills a letter, the paper of the reader's it is nearest to, and how that is."""

    paper_id: int
    liked_id: int
    how: str  # "saved" or "opened"


@dataclass(slots=True)
class Neighbours:
    """What a run has read for similar papers: the words of papers, and what readers like."""

    model: TfIdf | None = None
    liked: dict[int, tuple[Liked, ...]] = field(default_factory=dict)  # of those read last
    members: dict[int, tuple[int, ...]] = field(default_factory=dict)  # edition id: papers shown

    def read(self, reader_ids: Collection[int], edition_ids: Collection[int]) -> set[int]:
        """Read what these readers like and what these editions hold; return the papers needed.

        Queries: two, whatever the number of readers; none where nobody wants similar papers.
        """
        self.liked = read_liked(reader_ids) if reader_ids else {}
        liked = {one.paper_id for some in self.liked.values() for one in some}
        if not liked:
            return set()
        fresh = [key for key in edition_ids if key not in self.members]
        held: dict[int, list[int]] = {key: [] for key in fresh}
        shown = Paper.objects.filter(LISTED, edition__in=fresh).order_by("pk")
        for edition_id, paper_id in shown.values_list("edition", "pk"):
            held[edition_id].append(paper_id)
        self.members.update((key, tuple(papers)) for key, papers in held.items())
        return liked.union(*(self.members[key] for key in edition_ids))

    def learn(self, documents: Iterable[Document]) -> None:
        """Take these papers in; the first time, the papers of the last 30 editions before them."""
        if self.model is None:
            self.model = TfIdf(read_recent())
        self.model.add(documents)

    def make_room(self) -> None:
        """Forget the papers learned since the first time."""
        if self.model is not None:
            self.model.drop_added()

    def pick(
        self, reader_id: int, edition_ids: Iterable[int], matched: Collection[int], room: int
    ) -> list[Similar]:
        """Return up to `room` papers of these editions, none `matched`, most alike first."""
        liked = {one.paper_id: one.how for one in self.liked.get(reader_id, ())}
        if room <= 0 or not liked or self.model is None:
            return []
        members = {key for edition in edition_ids for key in self.members.get(edition, ())}
        near = self.model.nearest(liked, members - set(matched), room)
        return [Similar(one.candidate, one.liked, liked[one.liked]) for one in near]


def read_recent() -> list[Document]:
    """Return the papers of the last 30 matched editions, at most 20,000, the newest."""
    editions = Edition.objects.filter(matched_at__isnull=False).order_by("-date")
    newest = list(editions.values_list("pk", flat=True)[:EDITIONS_READ])
    papers = Paper.objects.filter(edition__in=newest).order_by("-edition__date", "pk")
    rows = papers.values_list("pk", "title", "abstract")[:MOST_PAPERS]
    return [Document(key, title, abstract) for key, title, abstract in rows.iterator()]


def pack_similar(similar: Iterable[Similar]) -> list[list[object]]:
    """Return the picks as the ledger keeps them: no interests, then which paper and how."""
    return [[one.paper_id, [], one.liked_id, one.how] for one in similar]


def unpack_similar(picks: Iterable[Sequence[object]]) -> list[Similar]:
    """Return those of the ledger's picks that filled the letter up."""
    return [Similar(pick[0], pick[2], pick[3]) for pick in picks if not pick[1]]  # type: ignore[arg-type]


def unpack_matched(picks: Iterable[Sequence[object]]) -> Mapping[int, list[int]]:
    """Return {paper id: interest query ids} of those of the ledger's picks that matched."""
    return {pick[0]: pick[1] for pick in picks if pick[1]}  # type: ignore[misc]
