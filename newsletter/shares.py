"""A reader's share of the editions a letter covers: ranked, capped, filled up if wished."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from newsletter import neighbours
from newsletter.deliveries import Claimed
from newsletter.matches import unpack_hits
from newsletter.matching.rank import Pick, pick_papers
from newsletter.material import Material
from newsletter.models import Edition
from newsletter.neighbours import Similar
from newsletter.picking import Scores, pick_many
from subscribers.queries import Reader

logger = logging.getLogger(__name__)


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
        if not self.similar:
            return str(matched)  # of lists of numbers that is JSON, and takes half the time
        return json.dumps(matched + neighbours.pack_similar(self.similar))


def pick_shares(wanted: Sequence[tuple[Claimed, Reader]], material: Material) -> dict[int, Share]:
    """Return the shares of letters composed for the first time, by delivery: as `pick_share`.

    None where that fails: then each is picked alone, so that the one at fault harms no other.
    """
    groups: dict[tuple[int, date], list[tuple[Claimed, Reader]]] = {}
    for item, reader in wanted:
        if not item.picks:
            groups.setdefault((item.edition_id, item.covers_from), []).append((item, reader))
    try:
        shares = {}
        for (edition_id, covers_from), some in groups.items():
            editions = material.covered(edition_id, covers_from)
            shares.update(_pick_group(some, editions, edition_id, material))
    except Exception:
        logger.exception("letters are picked one by one")
        return {}
    return shares


def _pick_group(
    wanted: Sequence[tuple[Claimed, Reader]],
    editions: Sequence[Edition],
    edition_id: int,
    material: Material,
) -> dict[int, Share]:
    covered = tuple(edition.pk for edition in editions)
    scores = material.scores.setdefault(covered, Scores(covered))
    readers = [reader for _, reader in wanted]
    picked = pick_many(readers, scores, material.matches, material.documents, material.withdrawn)
    shares = {}
    for (item, reader), own in zip(wanted, picked, strict=True):
        similar: list[Similar] = []
        if reader.similar_up_to:
            matched = {
                match.document_id
                for edition in covered
                for i in reader.interests
                for match in unpack_hits(material.matches.get((edition, i.query_id)))
            }
            room = min(reader.similar_up_to, reader.papers_per_letter) - len(own.picks)
            similar = material.neighbours.pick(reader.id, covered, matched, room)
        shares[item.id] = Share(
            reader,
            item.id,
            material.editions[edition_id],
            editions,
            own.picks,
            own.left_out,
            similar,
        )
    return shares


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
            for match in unpack_hits(material.matches.get((edition.pk, query_id)))
            if (
                query_id in kept.get(match.document_id, ())
                if item.picks
                else match.document_id not in material.withdrawn
            )
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
