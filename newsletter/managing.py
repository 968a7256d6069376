"""What readers see and ask for without an account: their round, their letters, links by mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from newsletter.estimates import Verdict, describe_rate, judge
from newsletter.matching.base import QueryError
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import Synonyms
from newsletter.models import Delivery, Notice
from newsletter.notices import queue_notice
from newsletter.synonyms import MOST_CHARACTERS, describe_reach, read_synonyms
from newsletter.wordbook import Wordbook, current_wordbook
from subscribers.addresses import AddressStep, confirm_address, propose_address
from subscribers.fields import normalise_address
from subscribers.grants import use_grant
from subscribers.interests import lock_reader
from subscribers.limits import take
from subscribers.models import ConsentEvent, Grant, Interest, Query, Subscriber
from subscribers.pausing import begin_again
from subscribers.services import ReaderError, is_suppressed, record_consent, unsubscribe

Kind = Notice.Kind
LETTERS_SHOWN = 30
LINKS_AN_HOUR = 3  # to one address, whoever asks
LINKS_A_DAY = 6
NEW_ADDRESSES_A_DAY = 3  # that one reader can have mailed


@dataclass(frozen=True, slots=True)
class OwnInterest:
    """An interest as its reader manages it; `also_finds` counts unless `expand` is off."""

    id: int
    text: str
    canonical: str
    starred: bool
    muted: bool
    expand: bool
    also_finds: tuple[str, ...]
    rate: str  # "2.4 a day", "" where no papers are stored yet
    mark: str  # "broad" for more than anybody reads, "none" for nothing, else ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A line of the ledger for its reader: `shown` where there is a letter to read online."""

    delivery_id: int
    date: date
    state: str
    papers: int
    at: datetime | None
    shown: bool


def list_interests(subscriber_id: int, now: datetime) -> tuple[OwnInterest, ...]:
    """Return the reader's interests in the letter's order, muted ones too, in three queries."""
    rows = Interest.objects.filter(subscriber=subscriber_id).select_related("query")
    synonyms, book = read_synonyms(), current_wordbook(now)
    return tuple(
        OwnInterest(
            row.pk,
            row.text,
            row.query.text,
            row.weight == Interest.STARRED,
            row.muted,
            row.query.expand,
            describe_reach(row.query.text, synonyms),
            *_describe_rate(row.query, book, synonyms),
        )
        for row in rows.order_by("position", "pk")
    )


def _describe_rate(query: Query, book: Wordbook, synonyms: Synonyms) -> tuple[str, str]:
    """Return how many papers the query finds, as the estimates say it, and what mark that gets."""
    if not len(book.postings):
        return "", ""
    try:
        parsed = parse_query(query.text, MOST_CHARACTERS)
    except QueryError:  # stored before the language changed: no page breaks over it
        return "", ""
    hits = int(book.postings.find(parsed, synonyms if query.expand else Synonyms()).sum())
    verdict = judge(len(book.days), len(book.postings), hits)
    marks = {Verdict.NONE: "none", Verdict.BROAD: "broad", Verdict.REFUSED: "broad"}
    return describe_rate(hits / len(book.days)), marks.get(verdict, "")


def list_letters(subscriber_id: int, limit: int = LETTERS_SHOWN) -> tuple[Letter, ...]:
    """Return the reader's last letters, newest first, with what became of each."""
    rows = Delivery.objects.filter(subscriber=subscriber_id).order_by("-edition__date", "-pk")
    fields = ("pk", "edition__date", "state", "picks", "finished_at", "message_id")
    return tuple(
        Letter(pk, day, state, len(picks), at, bool(message_id))
        for pk, day, state, picks, at, message_id in rows.values_list(*fields)[:limit]
    )


def request_link(text: str, now: datetime) -> None:
    """Have a link to manage mailed to whoever reads at this address, if anybody does.

    Every address is written down alike and looked up when the mail is made, so neither the answer
    nor its speed says whether it is known. `ReaderError` for what is no address at all.
    """
    address = normalise_address(text)
    if _may_mail(address, now):
        queue_notice(Kind.MANAGE_LINK, None, address=address, now=now)


def mail_link(subscriber_id: int, now: datetime, add: Sequence[str] = ()) -> bool:
    """Have a link to manage mailed to the reader; False where enough went out already.

    `add` are interests the link offers to add once it is used.
    """
    address = Subscriber.objects.filter(pk=subscriber_id).values_list("email", flat=True).first()
    if address is None or not _may_mail(address, now):
        return False
    payload = {"grant": {"add": list(add)}} if add else {}
    queue_notice(Kind.MANAGE_LINK, subscriber_id, now=now, payload=payload)
    return True


def _may_mail(address: str, now: datetime) -> bool:
    hourly = take("manage link, hour", address, LINKS_AN_HOUR, timedelta(hours=1), now)
    return take("manage link, day", address, LINKS_A_DAY, timedelta(days=1), now) and hourly


def change_address(subscriber_id: int, text: str, now: datetime) -> str:
    """Ask both addresses whether the reader's letters shall go to `text`; return it normalised.

    The page says the same whether the address is free or not; only a free one is mailed.
    `ReaderError` for no address, the present one, or too many tries in a day.
    """
    proposal = propose_address(subscriber_id, text)
    if not take("new address", str(subscriber_id), NEW_ADDRESSES_A_DAY, timedelta(days=1), now):
        raise ReaderError("email", "enough addresses were tried today", "try again tomorrow")
    if proposal.free and take("mailed address", proposal.address, 1, timedelta(days=1), now):
        payload = {"grant": proposal.payload}
        words = {"words": {"address": proposal.address}}
        queue_notice(Kind.ADDRESS_OLD, subscriber_id, now=now, payload={**payload, **words})
        queue_notice(
            Kind.ADDRESS_NEW, subscriber_id, address=proposal.address, now=now, payload=payload
        )
    return proposal.address


def settle_address(token: str, purpose: str, now: datetime) -> AddressStep:
    """Take a yes to a new address; once both are in, tell the old one. Raises as `use_grant`."""
    step = confirm_address(token, purpose, now)
    if step.done:
        queue_notice(
            Kind.ADDRESS_CHANGED,
            step.subscriber_id,
            address=step.old,
            now=now,
            payload={"words": {"masked": mask_address(step.new)}},
        )
    return step


def leave_letters(subscriber_id: int, source: str, now: datetime, wording: str = "") -> bool:
    """Unsubscribe, and mail the way back to the reader; False for who had left before."""
    with transaction.atomic():
        if not unsubscribe(subscriber_id, source, now, wording):
            return False
        queue_notice(Kind.UNSUBSCRIBED, subscriber_id, now=now)
    return True


def undo_leaving(token: str, now: datetime, wording: str = "") -> int:
    """Take an unsubscribe back by the link that was mailed; return the reader's id.

    Raises as `use_grant`; `ReaderError` where nothing may be mailed there any more.
    """
    with transaction.atomic():
        grant = use_grant(token, Grant.Purpose.UNDO, now=now)
        assert grant.subscriber_id is not None  # noqa: S101 - the right is a reader's
        row = lock_reader(grant.subscriber_id)
        if is_suppressed(row.email):
            raise ReaderError("email", "nothing may be mailed to this address", "write to us")
        if row.status == Subscriber.Status.UNSUBSCRIBED and row.confirmed_at is not None:
            begin_again(row, now)
            record_consent(
                row.pk, ConsentEvent.Kind.RETURNED, "undo link, by mail", wording,
                grant_id=grant.id,
            )  # fmt: skip
    return row.pk


def mask_address(address: str) -> str:
    """Return "a•••@example.org": enough for its owner, nothing for whom a letter was sent on to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
