"""What a run has read of editions for its letters: papers, matches and why, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Q

from newsletter import neighbours
from newsletter.cards import Found, explain_found, make_draft, make_similar_draft
from newsletter.deliveries import Claimed
from newsletter.editions import first_listing_days, match_newcomers
from newsletter.links import feedback_tail
from newsletter.mail.letter import Draft, Site, Slot
from newsletter.mail.lru import Recent
from newsletter.matches import PackedHits, Reasons, edition_synonyms, pack_hits
from newsletter.matching.base import Document, Reason
from newsletter.matching.display import Readable, readable
from newsletter.matching.synonyms import Synonyms
from newsletter.models import Edition, Paper, QueryMatches
from newsletter.neighbours import Neighbours, Similar
from newsletter.papers import make_document
from newsletter.picking import Scores
from newsletter.site import make_site
from subscribers.queries import Reader

FOUND_KEPT = 30_000  # (paper, interest) pairs, half a kilobyte each: what many letters share
STAMP_BITS = 64
PIECES_KEPT = 8_000  # titles and snippets
# What letters may have had read before it is read anew: some 50 MB.
MATCHES_KEPT = 30_000  # of a query in an edition, most of them a few papers
PAPERS_KEPT = 5_000


class Named:
    """An interest under the name a reader gave it; told by its identity, so it is found fast."""

    __slots__ = ("name", "query_id")

    def __init__(self, query_id: int, name: str) -> None:
        self.query_id, self.name = query_id, name


_NAMED: Recent[tuple[int, str], Named] = Recent(50_000)


def name_interest(query_id: int, name: str) -> Named:
    """Return the one object of an interest with this name."""
    return _NAMED.get((query_id, name), Named, query_id, name)


@dataclass(slots=True)
class Material:
    """What a run has read of editions: papers and matches, each read once."""

    editions: dict[int, Edition] = field(default_factory=dict)
    announced: dict[int, int] = field(default_factory=dict)  # edition id: papers
    papers: dict[int, Paper] = field(default_factory=dict)
    documents: dict[int, Document] = field(default_factory=dict)
    matches: dict[tuple[int, int], PackedHits] = field(default_factory=dict)  # edition, query
    late: dict[int, date] = field(default_factory=dict)  # paper id: the day it was listed
    withdrawn: set[int] = field(default_factory=set)  # papers
    neighbours: Neighbours = field(default_factory=Neighbours)
    reasons: Reasons = field(default_factory=Reasons)
    synonyms: dict[int, Synonyms] = field(default_factory=dict)  # by edition
    scores: dict[tuple[int, ...], Scores] = field(default_factory=dict)  # by editions covered
    stamps: dict[int, int] = field(default_factory=dict)  # by paper, see `_stamp`
    pieces: Recent[Any, Any] = field(default_factory=lambda: Recent(PIECES_KEPT))
    site: Site = field(default_factory=make_site)
    found: Recent[Any, Found] = field(default_factory=lambda: Recent(FOUND_KEPT))

    def explain(self, query_id: int, paper: Paper) -> tuple[Reason, ...]:
        """Return why a query found a paper of one of the editions."""
        edition_id = paper.edition_id or 0
        if edition_id not in self.synonyms:
            self.synonyms[edition_id] = edition_synonyms(self.editions[edition_id])
        document = self.documents[paper.pk]
        return self.reasons.find(query_id, document, self.synonyms[edition_id])

    def slot(self, paper_id: int, found: Sequence[Named], base: str) -> Slot:
        """Return the card of a paper found by these interests, with its own link."""
        return Slot((self.stamps[paper_id], *found), base, self._write_card)

    def _write_card(self, key: tuple[int, *tuple[Named, ...]], language: str) -> Draft:
        stamp, *named = key
        paper_id = stamp >> STAMP_BITS
        paper = self.papers[paper_id]
        found = [
            self.found.get(
                (paper_id, language, place > 0, one), self._explain_found, paper, one, place > 0
            )
            for place, one in enumerate(named)
        ]
        tail = feedback_tail(paper_id, [one.query_id for one in named])
        return make_draft(paper, found, self.late.get(paper_id), language, self.pieces, tail)

    def _explain_found(self, paper: Paper, named: Named, also: bool) -> Found:
        return explain_found(named.name, self.explain(named.query_id, paper), also=also)

    def similar_slot(self, one: Similar, base: str) -> Slot:
        """Return the card of a paper that no interest found, with its own link."""
        return Slot((one, self.stamps[one.paper_id]), base, self._write_similar_card)

    def _write_similar_card(self, key: tuple[Similar, int], _: str) -> Draft:
        one = key[0]
        paper, liked = self.papers[one.paper_id], self.papers[one.liked_id]
        draft = make_similar_draft(paper, liked, one.how, self.late.get(one.paper_id))
        return draft._replace(tail=feedback_tail(one.paper_id))

    def title(self, paper_id: int) -> str:
        """Return a paper's title as a reader sees it."""
        title = self.papers[paper_id].title
        shown: Readable = self.pieces.get(("title", title), readable, title)
        return shown.text

    def make_room(self) -> None:
        """Forget what was read of queries and papers, should it have become much.

        Nothing here grows with the number of readers.
        """
        if len(self.matches) <= MATCHES_KEPT and len(self.papers) <= PAPERS_KEPT:
            return
        for kept in (
            self.papers,
            self.documents,
            self.matches,
            self.late,
            self.scores,
            self.stamps,
        ):
            kept.clear()
        self.withdrawn.clear()
        # What is read anew may be another text by now.
        self.reasons, self.pieces, self.found = Reasons(), Recent(PIECES_KEPT), Recent(FOUND_KEPT)
        self.neighbours.make_room()

    def covered(self, edition_id: int, covers_from: date) -> list[Edition]:
        """Return the editions a letter covers, oldest first: its own, and those before it."""
        own = self.editions[edition_id]
        before = [
            edition
            for edition in self.editions.values()
            if covers_from <= edition.date < own.date and not edition.cancelled_at
        ]
        return [*sorted(before, key=lambda edition: edition.date), own]


def read_material(material: Material, wanted: Sequence[tuple[Claimed, Reader]]) -> None:
    """Read the editions, matches and papers that these letters need and `material` lacks."""
    first = min((item.covers_from for item, _ in wanted), default=None)
    if first is None:
        return
    material.make_room()
    # Their own whatever became of it: of one cancelled by now the last look lets no letter go.
    fresh = Edition.objects.filter(
        Q(matched_at__isnull=False, cancelled_at__isnull=True, date__gte=first)
        | Q(pk__in={item.edition_id for item, _ in wanted})
    )
    for edition in fresh.exclude(pk__in=material.editions).defer("matched_queries"):
        material.editions[edition.pk] = edition
        material.announced[edition.pk] = edition.papers.filter(hidden=False).count()
    matches: dict[tuple[int, int], PackedHits] = {}
    unread = _list_unread(material, wanted)
    fresh_queries = set().union(*unread.values())
    material.reasons.queries.update(
        (interest.query_id, (interest.canonical, interest.expand))
        for _, reader in wanted
        for interest in reader.interests
        if interest.query_id in fresh_queries
    )
    for edition_id, query_ids in unread.items():
        matches.update(read_matches(material, edition_id, query_ids))
    found = {int(paper) for hits in matches.values() for paper, _ in hits.tolist()}
    found |= read_likenesses(material, wanted)
    read_papers(material, found - material.papers.keys())
    material.matches.update(matches)  # last: what has matches has its papers read too
    if any(material.neighbours.liked.values()):
        material.neighbours.learn(material.documents.values())


def _list_unread(
    material: Material, wanted: Sequence[tuple[Claimed, Reader]]
) -> dict[int, set[int]]:
    """Return by edition the queries of these letters whose matches were not read yet."""
    queries: dict[tuple[int, date], set[int]] = {}
    for item, reader in wanted:
        some = queries.setdefault((item.edition_id, item.covers_from), set())
        some.update([interest.query_id for interest in reader.interests])
        if item.picks:
            some.update(*neighbours.unpack_matched(item.picks).values())
    unread: dict[int, set[int]] = {}
    for (edition_id, covers_from), asked in queries.items():
        for edition in material.covered(edition_id, covers_from):
            fresh = {query for query in asked if (edition.pk, query) not in material.matches}
            if fresh:
                unread.setdefault(edition.pk, set()).update(fresh)
    return unread


def read_likenesses(material: Material, wanted: Sequence[tuple[Claimed, Reader]]) -> set[int]:
    """Read what fills thin letters and return the papers that takes; none where nobody wants it."""
    kept = {
        key
        for item, _ in wanted
        for one in neighbours.unpack_similar(item.picks)
        for key in one[:2]
    }
    filling = [(item, reader) for item, reader in wanted if reader.similar_up_to and not item.picks]
    editions = {
        edition.pk
        for item, _ in filling
        for edition in material.covered(item.edition_id, item.covers_from)
    }
    return kept | material.neighbours.read({reader.id for _, reader in filling}, editions)


def read_matches(
    material: Material, edition_id: int, query_ids: set[int]
) -> dict[tuple[int, int], PackedHits]:
    """Return what these queries match in an edition, and have their reasons at hand."""
    match_newcomers(edition_id, query_ids)
    rows = QueryMatches.objects.filter(edition=edition_id, query__in=query_ids)
    hits = dict(rows.values_list("query_id", "hits"))
    material.reasons.learn(query_ids)
    return {(edition_id, query_id): pack_hits(hits.get(query_id, ())) for query_id in query_ids}


def read_papers(material: Material, paper_ids: Iterable[int]) -> None:
    for paper in Paper.objects.filter(pk__in=list(paper_ids)).select_related("edition"):
        material.papers[paper.pk] = paper
        material.documents[paper.pk] = make_document(paper)
        if paper.withdrawn_at is not None:  # since the freeze: letters to come go without it
            material.withdrawn.add(paper.pk)
    late = [paper_id for paper_id in paper_ids if material.papers[paper_id].late]
    material.late.update(first_listing_days(late))
    for paper_id in paper_ids:
        material.stamps[paper_id] = _stamp(material.papers[paper_id], material.late.get(paper_id))


def _stamp(paper: Paper, listed_on: date | None) -> int:
    """Return a number for a paper and all that a card says of it by itself."""
    day = paper.edition.date if paper.edition else None
    texts = paper.title, paper.abstract, tuple(paper.authors), paper.author_count
    where = paper.organization, tuple(paper.categories), paper.frozen_upvotes, paper.published_at
    ways = paper.arxiv_id, paper.doi, paper.url, paper.code_url, paper.project_url
    said = hash((texts, where, ways, day, listed_on, settings.SITE_URL))
    return paper.pk << STAMP_BITS | said & (1 << STAMP_BITS) - 1
