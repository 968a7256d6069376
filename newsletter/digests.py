"""One reader's share of an edition: picked, written as a letter, composed into a message."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import get_language, gettext, gettext_lazy

from newsletter import links
from newsletter.deliveries import Claimed, Entry
from newsletter.mail.compose import bare_address
from newsletter.mail.letter import Digest, Envelope, Link, Section
from newsletter.mail.letters import LETTERS
from newsletter.mail.message import Message
from newsletter.matching.memory import uncollected
from newsletter.material import Material, name_interest, read_material
from newsletter.models import Delivery
from newsletter.quietdays import wanting_a_line
from newsletter.schedules import format_schedule
from newsletter.shares import Share, pick_share, pick_shares
from subscribers.queries import Reader, read_readers, suppressed_among

logger = logging.getLogger(__name__)

KIND = "digest"
NOT_ITS_DOING = (DatabaseError, MemoryError, OSError)  # a letter's, or not for sure
SIMILAR = gettext_lazy("Similar to what you saved")
# One the reader has removed since the letter was first composed.
EARLIER = gettext_lazy("an earlier interest")


@dataclass(slots=True)
class Composed:
    """A batch of claimed deliveries, ready: what to send, and what needs no sending."""

    messages: list[Message] = field(default_factory=list)
    letters: list[tuple[int, str, str]] = field(default_factory=list)  # id, Message-ID, picks
    entries: list[Entry] = field(default_factory=list)

    def add(self, further: Composed) -> None:
        self.messages += further.messages
        self.letters += further.letters
        self.entries += further.entries


class Composer:
    """Composes the letters of a batch of claimed deliveries, some at a time.

    One that cannot be composed is failed, the others go on. Queries: a fixed number per batch,
    whatever the number of readers, when the first is composed.
    """

    def __init__(self, claimed: Sequence[Claimed], material: Material) -> None:
        self._claimed = claimed
        self._material = material
        self._wanted: deque[tuple[Claimed, Reader]] = deque()
        self._picked: dict[int, Share] = {}
        self._lines: Collection[int] = ()
        self._has_begun = False

    @property
    def is_done(self) -> bool:
        """Whether all are composed."""
        return self._has_begun and not self._wanted

    def compose(self, number: int, begin: Callable[[int], None] = lambda _: None) -> Composed:
        """Compose the next `number` letters, or what is left.

        `begin` is told each delivery's id first: should this process end, it was at that one.
        """
        composed = Composed()
        with uncollected(), translation.override(get_language()):
            if not self._has_begun:
                self._has_begun = True
                composed.entries += self._read()
            for _ in range(min(number, len(self._wanted))):
                self._compose(*self._wanted.popleft(), composed, begin)
        return composed

    def _read(self) -> list[Entry]:
        """Read what the batch needs; return what is said of letters that nobody wants any more."""
        entries = []
        readers = read_readers([item.subscriber_id for item in self._claimed])
        suppressed = suppressed_among([reader.email for reader in readers.values()])
        wanted = []
        for item in self._claimed:
            reader = readers.get(item.subscriber_id)
            if reader is None or reader.status != "confirmed" or reader.email in suppressed:
                reason = "suppressed" if reader and reader.email in suppressed else "not subscribed"
                entries.append(Entry(item.id, Delivery.State.CANCELLED, detail=reason))
            else:
                wanted.append((item, reader))
        wanted = self._read_material(wanted, entries)
        self._lines = wanting_a_line(reader for _, reader in wanted)
        self._picked = pick_shares(wanted, self._material)
        self._wanted = deque(wanted)
        return entries

    def _read_material(
        self, wanted: list[tuple[Claimed, Reader]], entries: list[Entry]
    ) -> list[tuple[Claimed, Reader]]:
        """Read what these letters need; return them without those of which that fails, failed."""
        try:
            read_material(self._material, wanted)
        except NOT_ITS_DOING:
            raise
        except Exception:
            logger.exception("what letters need is read one by one")
        else:
            return wanted
        fine = []
        for item, reader in wanted:
            try:
                read_material(self._material, [(item, reader)])
            except NOT_ITS_DOING:
                raise
            except Exception as error:  # one poison row never stops the others
                entries.append(_fail(item, error))
            else:
                fine.append((item, reader))
        read_material(self._material, fine)  # at once: one may have made room, at another's cost
        return fine

    def _compose(
        self, item: Claimed, reader: Reader, composed: Composed, begin: Callable[[int], None]
    ) -> None:
        try:
            begin(item.id)
            share = self._picked.get(item.id) or pick_share(item, reader, self._material)
            even_empty = reader.id in self._lines
            letter = compose_share(item, share, self._material, even_empty=even_empty)
        except NOT_ITS_DOING:
            raise
        except Exception as error:  # one poison letter never stops the others
            composed.entries.append(_fail(item, error))
            return
        if letter is None:
            entry = Entry(item.id, Delivery.State.EMPTY, detail="nothing matched")
            composed.entries.append(entry)
        else:
            composed.messages.append(letter[0])
            composed.letters.append(letter[1])


def _fail(item: Claimed, error: Exception) -> Entry:
    detail = f"could not be composed: {type(error).__name__}: {error}"
    return Entry(item.id, Delivery.State.FAILED, detail=detail)


def compose_batch(claimed: Sequence[Claimed], material: Material) -> Composed:
    """Compose all letters of a batch."""
    return Composer(claimed, material).compose(len(claimed))


def compose_share(
    item: Claimed, share: Share, material: Material, *, even_empty: bool
) -> tuple[Message, tuple[int, str, str]] | None:
    """Return a reader's letter and what the ledger keeps of it.

    None where nothing matched, unless it is to say so (`even_empty`).
    """
    if not share.count and not even_empty:
        return None
    if get_language() != share.reader.language:
        translation.activate(share.reader.language)
    digest = _write_digest(share, material)
    envelope = make_envelope(share, item.planned_at, digest.unsubscribe_url)
    data, joined = LETTERS.compose(digest, envelope)
    sender = _sender_address(envelope.sender)
    message = Message(item.id, sender, envelope.recipient, data, is_checked=joined)
    return message, (item.id, envelope.message_id, share.picks_json())


def make_digest(share: Share, material: Material) -> Digest:
    """Return what the letter says, in the reader's language."""
    if get_language() == share.reader.language:
        return _write_digest(share, material)
    with translation.override(share.reader.language):
        return _write_digest(share, material)


def _write_digest(share: Share, material: Material) -> Digest:
    subscriber_id = share.reader.id
    known = share.reader.interests + share.reader.muted
    names = {interest.query_id: name_interest(*interest[:2]) for interest in known}
    sections: dict[int, list[Any]] = {query_id: [] for query_id in names}
    base = links.feedback_base(subscriber_id)
    for pick in share.picks:
        queries = pick.interest_id, *pick.also
        for query_id in queries:
            if query_id not in names:
                names[query_id] = name_interest(query_id, str(EARLIER))
        slot = material.slot(pick.document_id, [names[query_id] for query_id in queries], base)
        sections.setdefault(queries[0], []).append(slot)
    extra = [material.similar_slot(one, base) for one in share.similar]
    with_papers = [edition for edition in share.editions if material.announced[edition.pk]]
    change, online, leave = _labels(share.reader.language)
    out = links.unsubscribe_url(subscriber_id)
    read_online = links.read_online_url(subscriber_id, share.delivery_id)
    return Digest(
        site=material.site,
        date=share.edition.date,
        first_date=with_papers[0].date if with_papers else share.edition.date,
        days=len(with_papers),
        announced=sum(material.announced[edition.pk] for edition in with_papers),
        sections=tuple(
            Section(names[query_id].name, f"i{query_id}", tuple(cards))
            for query_id, cards in sections.items()
            if cards
        )
        + ((Section(str(SIMILAR), "similar", tuple(extra), extra=True),) if extra else ()),
        left_out=share.left_out,
        more_url=read_online,
        note=share.edition.note.strip(),
        schedule=format_schedule(share.reader),
        unsubscribe_url=out,
        links=(
            Link(change, links.manage_url(subscriber_id)),
            Link(online, read_online),
            Link(leave, out),
        ),
        absent=tuple(dict.fromkeys(name for edition in share.editions for name in edition.absent)),
        best=_best_title(share, material),
        language=share.reader.language,
    )


@lru_cache(maxsize=100)
def _labels(language: str) -> tuple[str, str, str]:
    """Return the labels of the foot's links; `language` is the active one."""
    return gettext("Change what you get"), gettext("Read online"), gettext("Unsubscribe")


def _best_title(share: Share, material: Material) -> str:
    """Return the title of the paper ranked first, "" where nothing was picked."""
    if not share.picks:
        return ""
    return material.title(share.picks[0].document_id)


@lru_cache(maxsize=10)
def _sender_address(sender: str) -> str:
    return bare_address(sender)


def make_envelope(share: Share, planned_at: datetime, out: str = "") -> Envelope:
    """Return the letter's headers; all are fixed for a delivery, so it composes the same again.

    `out` is the reader's `links.unsubscribe_url`, if it is at hand.
    """
    domain = _sender_address(settings.FROM_EMAIL).rpartition("@")[2]
    message_id = share.message_id or links.make_message_id(
        share.edition.date, share.reader.id, KIND, domain
    )
    return Envelope(
        sender=settings.FROM_EMAIL,
        recipient=share.reader.email,
        message_id=message_id,
        list_id=settings.LIST_ID or f"papers.{domain}",
        list_name=settings.SITE_NAME,
        one_click_url=out or links.unsubscribe_url(share.reader.id),
        seed=message_id,
        sent_at=planned_at.timestamp(),
    )
