"""A letter as a given reader would get it, shown or sent to an operator: nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time
from email import message_from_bytes, policy

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter.deliveries import Claimed
from newsletter.digests import make_digest, make_envelope
from newsletter.editions import latest_matched_edition
from newsletter.mail.compose import bare_address, compose_message
from newsletter.mail.letter import Digest, Rendered, without_feedback
from newsletter.mail.message import Message, Outcome
from newsletter.mail.render import render_digest
from newsletter.matches import edition_synonyms, pack_hits
from newsletter.matching.index import Index
from newsletter.matching.query import parse_query
from newsletter.material import Material, read_material, read_papers
from newsletter.models import Delivery, Edition, Paper
from newsletter.papers import list_documents
from newsletter.sending import make_transport
from newsletter.shares import Share, pick_share
from subscribers.queries import Reader, ReaderInterest, read_readers
from subscribers.services import normalise_address


class PreviewError(ValueError):
    """Nothing to show; the text says why and the mend."""


@dataclass(frozen=True, slots=True)
class PreviewedLetter:
    """A letter not sent: its three parts, its headers, and how many papers it carries."""

    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    papers: int


def preview_letter(edition_id: int, subscriber_id: int) -> PreviewedLetter:
    """Return the letter this reader would get of this edition alone."""
    share, material = _share(_imagine(edition_id, subscriber_id))
    rendered = render_digest(make_digest(share, material))
    data = compose_message(rendered, make_envelope(share, timezone.now()))
    parsed = message_from_bytes(data, policy=policy.default)
    headers = tuple((name, str(value)) for name, value in parsed.items())
    return PreviewedLetter(rendered.subject, rendered.text, rendered.html, headers, share.count)


def preview_interests(
    interests: Sequence[str], papers_per_letter: int, zone: str, at: time, weekdays: int
) -> PreviewedLetter:
    """Return the newest edition's letter for interests that nobody has yet; nothing is kept.

    `PreviewError` where no edition is frozen yet, `QueryError` for an interest that is refused.
    """
    edition = latest_matched_edition()
    if edition is None:
        raise PreviewError(_("there is no edition yet: the first letter comes with it"))
    queries = {-n: (parse_query(text), True) for n, text in enumerate(interests, 1)}
    wanted = tuple(
        ReaderInterest(key, text, str(queries[key][0]), True, 1, -key)
        for key, text in zip(queries, interests, strict=True)
    )
    reader = Reader(
        id=0, email="you@example.org", status="confirmed", timezone=zone, send_time=at,
        weekdays=weekdays, papers_per_letter=papers_per_letter, confirmed_at=None, similar_up_to=0,
        language=get_language() or "en", empty_days="nothing", interests=wanted,
    )  # fmt: skip
    papers = Paper.objects.filter(edition=edition, hidden=False)
    found = Index(queries, edition_synonyms(edition)).match(list_documents(papers))
    material = Material(editions={edition.pk: edition}, announced={edition.pk: papers.count()})
    material.reasons.queries.update({one.query_id: (one.canonical, True) for one in wanted})
    for key in queries:
        hits = [(match.document_id, match.score) for match in found.get(key, ())]
        material.matches[edition.pk, key] = pack_hits(hits)
    read_papers(material, {match.document_id for some in found.values() for match in some})
    item = Claimed(0, edition.pk, 0, edition.date, timezone.now(), 0, [])
    share = pick_share(item, reader, material)
    rendered = render_digest(_without_feedback(make_digest(share, material)))
    return PreviewedLetter(rendered.subject, rendered.text, rendered.html, (), share.count)


def _without_feedback(digest: Digest) -> Digest:
    """Return a digest for nobody: there is nobody to save a paper for."""
    sections = tuple(
        replace(part, cards=tuple(without_feedback(card) for card in part.cards))
        for part in digest.sections
    )
    return replace(digest, sections=sections)


def send_test_letter(edition_id: int, subscriber_id: int, to: str) -> Outcome:
    """Send that letter to the operator's address `to`, marked as a test; the ledger stays as it is.

    `ReaderError` where `to` is no address.
    """
    share, material = _share(_imagine(edition_id, subscriber_id))
    # Reader 0 is nobody: the test letter's links cannot unsubscribe the reader it imitates.
    share = replace(share, reader=share.reader._replace(id=0))
    rendered = render_digest(make_digest(share, material))
    recipient = normalise_address(to)
    envelope = make_envelope(share, timezone.now())
    stamp = f"<test.{timezone.now():%Y%m%d%H%M%S%f}{envelope.message_id.removeprefix('<')}"
    envelope = replace(envelope, recipient=recipient, message_id=stamp, seed=stamp)
    rendered = replace(rendered, subject=f"[test] {rendered.subject}")
    data = compose_message(rendered, envelope)
    outcomes: list[Outcome] = []
    with make_transport() as transport:
        transport.send(
            [Message(0, bare_address(envelope.sender), recipient, data)],
            before=lambda message: True,
            handing=lambda message: None,
            done=outcomes.append,
        )
    return outcomes[0]


def read_delivery_letter(delivery_id: int, subscriber_id: int) -> Rendered:
    """Return the letter of a delivery as it was written, for reading online."""
    delivery = Delivery.objects.filter(pk=delivery_id, subscriber=subscriber_id).first()
    if delivery is None:
        raise PreviewError("there is no such letter")
    item = Claimed(
        delivery.pk,
        delivery.edition_id,
        subscriber_id,
        delivery.covers_from,
        delivery.planned_at,
        delivery.attempts,
        delivery.picks,
    )
    share, material = _share(item)
    if delivery.message_id and not delivery.picks:  # it said that nothing matched
        share = replace(share, picks=(), left_out=0, similar=())
    return render_digest(make_digest(share, material))


def _imagine(edition_id: int, subscriber_id: int) -> Claimed:
    """Return the delivery that would be: nothing of it is in the ledger."""
    edition = Edition.objects.get(pk=edition_id)
    if edition.matched_at is None:
        raise PreviewError(
            f"the edition of {edition.date} is open: it can be previewed once it is frozen"
        )
    return Claimed(0, edition_id, subscriber_id, edition.date, timezone.now(), 0, [])


def _share(item: Claimed) -> tuple[Share, Material]:
    readers = read_readers([item.subscriber_id])
    if item.subscriber_id not in readers:
        raise PreviewError("this reader is gone")
    material = Material()
    reader = readers[item.subscriber_id]
    read_material(material, [(item, reader)])
    return pick_share(item, reader, material), material
