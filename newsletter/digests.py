"""One reader's share of an edition: picked, written as a letter, composed into a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from newsletter import links, neighbours
from newsletter.cards import add_feedback, make_card, make_similar_card
from newsletter.deliveries import Claimed, Entry
from newsletter.editions import first_listing_days, match_newcomers
from newsletter.mail.compose import bare_address, compose_message
from newsletter.mail.letter import Digest, Envelope, Link, Section, Site
from newsletter.mail.message import Message
from newsletter.mail.render import render_digest
from newsletter.matches import Reasons, edition_synonyms, unpack_hits
from newsletter.matching.base import Document, Match, Reason
from newsletter.matching.display import readable
from newsletter.matching.rank import Pick, pick_papers
from newsletter.models import Delivery, Edition, Paper, QueryMatches
from newsletter.neighbours import Neighbours, Similar
from newsletter.papers import make_document
from newsletter.quietdays import wanting_a_line
from newsletter.schedules import format_schedule
from subscribers.queries import Reader, read_readers, suppressed_among

KIND = "digest"
SIMILAR = gettext_lazy("Similar to what you saved")
# One the reader has removed since the letter was first composed.
EARLIER = gettext_lazy("an earlier interest")


@dataclass(slots=True)
class Material:
    """What a run has read of editions: papers and matches, each read once."""

    editions: dict[int, Edition] = field(default_factory=dict)
    announced: dict[int, int] = field(default_factory=dict)  # edition id: papers
    papers: dict[int, Paper] = field(default_factory=dict)
    documents: dict[int, Document] = field(default_factory=dict)
    matches: dict[tuple[int, int], list[Match]] = field(default_factory=dict)  # edition, query
    late: dict[int, date] = field(default_factory=dict)  # paper id: the day it was listed
    neighbours: Neighbours = field(default_factory=Neighbours)
    reasons: Reasons = field(default_factory=Reasons)

    def explain(self, query_id: int, paper: Paper) -> tuple[Reason, ...]:
        """Return why a query found a paper of one of the editions."""
        edition = self.editions[paper.edition_id or 0]
        return self.reasons.find(query_id, self.documents[paper.pk], edition_synonyms(edition))

    def covered(self, edition_id: int, covers_from: date) -> list[Edition]:
        """Return the matched editions a letter covers, oldest first."""
        last = self.editions[edition_id].date
        return sorted(
            (e for e in self.editions.values() if covers_from <= e.date <= last),
            key=lambda e: e.date,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A letter to be: whose, which editions, what was picked of how many, what fills it up."""

    reader: Reader
    delivery_id: int
    edition: Edition
    editions: Sequence[Edition]
    picks: Sequence[Pick]
    left_out: int
    similar: Sequence[Similar] = ()
    message_id: str = ""  # as the ledger has it, "" before the letter was first composed

    @property
    def count(self) -> int:
        """How many papers the letter carries."""
        return len(self.picks) + len(self.similar)

    def picks_json(self) -> str:
        """Return the picks as the ledger keeps them: [[paper id, [query id, …]], …]."""
        matched = [[p.document_id, [p.interest_id, *p.also]] for p in self.picks]
        return json.dumps(matched + neighbours.pack_similar(self.similar))


@dataclass(slots=True)
class Composed:
    """A batch of claimed deliveries, ready: what to send, and what needs no sending."""

    messages: list[Message] = field(default_factory=list)
    letters: list[tuple[int, str, str]] = field(default_factory=list)  # id, Message-ID, picks
    entries: list[Entry] = field(default_factory=list)


def compose_batch(
    claimed: Sequence[Claimed],
    material: Material,
    begin: Callable[[int], None] = lambda _: None,
) -> Composed:
    """Compose the letters of claimed deliveries; one that cannot be is failed, the others go on.

    `begin` is told each delivery's id first: should this process end, it was at that one.
    Queries: a fixed number per batch, whatever the number of readers.
    """
    composed = Composed()
    readers = read_readers([item.subscriber_id for item in claimed])
    suppressed = suppressed_among([reader.email for reader in readers.values()])
    wanted = []
    for item in claimed:
        reader = readers.get(item.subscriber_id)
        if reader is None or reader.status != "confirmed" or reader.email in suppressed:
            reason = "suppressed" if reader and reader.email in suppressed else "not subscribed"
            composed.entries.append(Entry(item.id, Delivery.State.CANCELLED, detail=reason))
        else:
            wanted.append((item, reader))
    read_material(material, wanted)
    lines = wanting_a_line(reader for _, reader in wanted)
    for item, reader in wanted:
        try:
            begin(item.id)
            letter = compose_digest(item, reader, material, even_empty=reader.id in lines)
        except (DatabaseError, MemoryError, OSError):  # not the letter's doing, or not for sure
            raise
        except Exception as error:  # one poison letter never stops the others
            detail = f"could not be composed: {type(error).__name__}: {error}"
            composed.entries.append(Entry(item.id, Delivery.State.FAILED, detail=detail))
            continue
        if letter is None:
            entry = Entry(item.id, Delivery.State.EMPTY, detail="nothing matched")
            composed.entries.append(entry)
        else:
            composed.messages.append(letter[0])
            composed.letters.append(letter[1])
    return composed


def compose_digest(
    item: Claimed, reader: Reader, material: Material, *, even_empty: bool = False
) -> tuple[Message, tuple[int, str, str]] | None:
    """Return a reader's letter and what the ledger keeps of it.

    None where nothing matched, unless it is to say so (`even_empty`).
    """
    share = pick_share(item, reader, material)
    if not share.count and not even_empty:
        return None
    rendered = render_digest(make_digest(share, material))
    envelope = make_envelope(share, item.planned_at)
    data = compose_message(rendered, envelope)
    message = Message(item.id, bare_address(envelope.sender), envelope.recipient, data)
    return message, (item.id, envelope.message_id, share.picks_json())


def read_material(material: Material, wanted: Sequence[tuple[Claimed, Reader]]) -> None:
    """Read the editions, matches and papers that these letters need and `material` lacks."""
    first = min((item.covers_from for item, _ in wanted), default=None)
    if first is None:
        return
    fresh = Edition.objects.filter(
        matched_at__isnull=False, cancelled_at__isnull=True, date__gte=first
    )
    for edition in fresh.exclude(pk__in=material.editions).defer("matched_queries"):
        material.editions[edition.pk] = edition
        material.announced[edition.pk] = edition.papers.filter(hidden=False).count()
    needed: dict[int, set[int]] = {}
    for item, reader in wanted:
        for edition in material.covered(item.edition_id, item.covers_from):
            queries = {interest.query_id for interest in reader.interests}
            queries |= {
                query for some in neighbours.unpack_matched(item.picks).values() for query in some
            }
            needed.setdefault(edition.pk, set()).update(
                q for q in queries if (edition.pk, q) not in material.matches
            )
    for edition_id, query_ids in needed.items():
        if query_ids:
            read_matches(material, edition_id, query_ids)
    found = {m.document_id for some in material.matches.values() for m in some}
    found |= read_likenesses(material, wanted)
    read_papers(material, found - material.papers.keys())
    if any(material.neighbours.liked.values()):
        material.neighbours.learn(material.documents.values())


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


def read_matches(material: Material, edition_id: int, query_ids: set[int]) -> None:
    match_newcomers(edition_id, query_ids)
    rows = QueryMatches.objects.filter(edition=edition_id, query__in=query_ids)
    hits = dict(rows.values_list("query_id", "hits"))
    material.reasons.learn(query_ids)
    for query_id in query_ids:
        material.matches[edition_id, query_id] = unpack_hits(hits.get(query_id, []))


def read_papers(material: Material, paper_ids: Iterable[int]) -> None:
    for paper in Paper.objects.filter(pk__in=list(paper_ids)).select_related("edition"):
        material.papers[paper.pk] = paper
        material.documents[paper.pk] = make_document(paper)
    late = [paper_id for paper_id in paper_ids if material.papers[paper_id].late]
    material.late.update(first_listing_days(late))


def pick_share(item: Claimed, reader: Reader, material: Material) -> Share:
    """Return the reader's share: ranked, capped; a retry picks what the ledger says it carried."""
    editions = material.covered(item.edition_id, item.covers_from)
    # What was muted since a letter was made stays in it, under its name.
    known = reader.interests + reader.muted if item.picks else reader.interests
    weights = {interest.query_id: interest.weight for interest in known}
    order = [interest.query_id for interest in known]
    kept = {paper_id: set(some) for paper_id, some in neighbours.unpack_matched(item.picks).items()}
    order += sorted({q for some in kept.values() for q in some} - weights.keys())
    matches = {
        query_id: [
            match
            for edition in editions
            for match in material.matches.get((edition.pk, query_id), ())
            if not item.picks or query_id in kept.get(match.document_id, ())
        ]
        for query_id in order
    }
    limit = len(kept) if item.picks else reader.papers_per_letter
    weights = {query_id: weights.get(query_id, 1) for query_id in order}
    picked = pick_papers(matches, weights, order, material.documents, limit)
    edition = material.editions[item.edition_id]
    similar = neighbours.unpack_similar(item.picks)
    if not item.picks and reader.similar_up_to:
        room = min(reader.similar_up_to, reader.papers_per_letter) - len(picked.picks)
        matched = {match.document_id for some in matches.values() for match in some}
        covered = [edition.pk for edition in editions]
        similar = material.neighbours.pick(reader.id, covered, matched, room)
    return Share(
        reader,
        item.id,
        edition,
        editions,
        picked.picks,
        picked.left_out,
        similar,
        item.message_id,
    )


def make_digest(share: Share, material: Material) -> Digest:
    """Return what the letter says, in the reader's language."""
    with translation.override(share.reader.language):
        return _write_digest(share, material)


def _write_digest(share: Share, material: Material) -> Digest:
    papers, late = material.papers, material.late
    known = share.reader.interests + share.reader.muted
    names = {interest.query_id: interest.text for interest in known}
    sections: dict[int, list[Any]] = {query_id: [] for query_id in names}
    for pick in share.picks:
        paper = papers[pick.document_id]
        found = [
            (names.get(query_id) or str(EARLIER), material.explain(query_id, paper))
            for query_id in (pick.interest_id, *pick.also)
        ]
        card = make_card(paper, found, late.get(paper.pk))
        queries = (pick.interest_id, *pick.also)
        card = add_feedback(card, share.reader.id, paper.pk, queries)
        sections.setdefault(pick.interest_id, []).append(card)
    extra = [
        add_feedback(
            make_similar_card(
                papers[one.paper_id], papers[one.liked_id], one.how, late.get(one.paper_id)
            ),
            share.reader.id,
            one.paper_id,
        )
        for one in share.similar
    ]
    with_papers = [edition for edition in share.editions if material.announced[edition.pk]]
    subscriber_id = share.reader.id
    return Digest(
        site=make_site(),
        date=share.edition.date,
        first_date=with_papers[0].date if with_papers else share.edition.date,
        days=len(with_papers),
        announced=sum(material.announced[edition.pk] for edition in with_papers),
        sections=tuple(
            Section(names.get(query_id) or str(EARLIER), f"i{query_id}", tuple(cards))
            for query_id, cards in sections.items()
            if cards
        )
        + ((Section(str(SIMILAR), "similar", tuple(extra), extra=True),) if extra else ()),
        left_out=share.left_out,
        more_url=links.read_online_url(subscriber_id, share.delivery_id),
        note=share.edition.note.strip(),
        schedule=format_schedule(share.reader),
        unsubscribe_url=links.unsubscribe_url(subscriber_id),
        links=(
            Link(gettext("Change what you get"), links.manage_url(subscriber_id)),
            Link(gettext("Read online"), links.read_online_url(subscriber_id, share.delivery_id)),
            Link(gettext("Unsubscribe"), links.unsubscribe_url(subscriber_id)),
        ),
        absent=tuple(dict.fromkeys(name for edition in share.editions for name in edition.absent)),
        best=_best_title(share, material),
        language=share.reader.language,
    )


def _best_title(share: Share, material: Material) -> str:
    """Return the title of the paper ranked first, "" where nothing was picked."""
    if not share.picks:
        return ""
    return readable(material.papers[share.picks[0].document_id].title).text


def make_site() -> Site:
    return Site(
        settings.SITE_NAME,
        settings.SITE_URL,
        settings.SITE_TAGLINE,
        settings.POSTAL_ADDRESS,
        settings.SITE_ACCENT,
        settings.SITE_ACCENT_DARK,
    )


def make_envelope(share: Share, planned_at: datetime) -> Envelope:
    """Return the letter's headers; all are fixed for a delivery, so it composes the same again."""
    domain = bare_address(settings.FROM_EMAIL).rpartition("@")[2]
    message_id = share.message_id or links.make_message_id(
        share.edition.date, share.reader.id, KIND, domain
    )
    return Envelope(
        sender=settings.FROM_EMAIL,
        recipient=share.reader.email,
        message_id=message_id,
        list_id=settings.LIST_ID or f"papers.{domain}",
        list_name=settings.SITE_NAME,
        one_click_url=links.unsubscribe_url(share.reader.id),
        seed=message_id,
        sent_at=planned_at.timestamp(),
    )
