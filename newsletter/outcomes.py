"""What became of a paper for a reader, in one sentence that is true.

The ledger speaks first: what a letter carried stands in its row. What it did not carry is ranked
anew by the reader's interests as they are now; where that does not give the letter that went, the
reader's interests or settings were changed since, and the sentence says so rather than guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from django.conf import settings

from newsletter.editions import site_date
from newsletter.matching.display import readable
from newsletter.models import Delivery, Edition, Listing, Paper
from newsletter.papers import DAYS_LATE
from newsletter.remarks import tell_withdrawal
from newsletter.standing import WAITING, Facts
from subscribers.models import Query, Subscriber

State = Delivery.State
Status = Subscriber.Status


class Outcome(StrEnum):
    """What became of a paper for a reader."""

    GOT = "got"
    PLANNED = "planned"
    NO_MATCH = "no_match"
    NOT_PICKED = "not_picked"  # it matched, and the letter was full
    CHANGED = "changed_since"  # not carried; the interests were others when the letter was made
    HIDDEN = "hidden"
    WITHDRAWN = "withdrawn"
    EDITION_OPEN = "edition_open"
    NO_EDITION = "no_edition"
    SUBSCRIBED_LATER = "subscribed_later"
    NOT_COVERED = "not_covered"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    UNSUBSCRIBED = "unsubscribed"
    PAUSED = "paused"
    UNCONFIRMED = "unconfirmed"


def decide_outcome(facts: Facts, now: datetime) -> tuple[Outcome, str]:
    """Return what became of the pair, and the sentence that says why."""
    if facts.pick is not None:
        return _tell_carried(facts, facts.pick)
    paper = facts.paper
    if paper.hidden_as_withdrawn or (paper.withdrawn_at and not facts.composed):
        return _tell_withdrawn(paper)
    if paper.hidden:
        return Outcome.HIDDEN, "The editor hid this paper from its edition: no letter carries it."
    if paper.edition is None:
        return _tell_waiting_paper(paper, now)
    if paper.edition.matched_at is None:
        day = show_day(paper.edition.date)
        return Outcome.EDITION_OPEN, f"The edition of {day} is not matched yet: no letter is made."
    if facts.delivery is None:
        return _tell_without_letter(facts, paper.edition)
    if facts.composed:
        return _tell_left_out(facts, facts.delivery, paper.edition)
    return _tell_uncomposed(facts, facts.delivery)


def _tell_withdrawn(paper: Paper) -> tuple[Outcome, str]:
    return (
        Outcome.WITHDRAWN,
        f"{tell_withdrawal(paper)} No letter made since that was known has it.",
    )


def _tell_carried(facts: Facts, pick: Sequence[object]) -> tuple[Outcome, str]:
    delivery = facts.delivery
    assert delivery is not None  # noqa: S101 - a pick stands in a delivery
    letter = f"the letter of {show_day(delivery.edition.date)}"
    maybe = " It was in doubt before, so it may have arrived." if delivery.doubts else ""
    match delivery.state:
        case State.SENT:
            return Outcome.GOT, _tell_got(facts, pick, delivery, letter)
        case State.IN_DOUBT:
            again = settings.IN_DOUBT == "resend" and delivery.doubts == 1
            more = " It is sent once more." if again and not _gone(facts) else ""
            return Outcome.IN_DOUBT, (
                f"It was in {letter}, and whether the relay took that is unknown: "
                f"{delivery.detail}.{more}"
            )
        case State.FAILED:
            return Outcome.FAILED, f"It was in {letter}, which failed: {_reply(delivery)}.{maybe}"
        case State.CANCELLED:
            why = f"It was in {letter}, which was cancelled: {delivery.detail}.{maybe}"
            return Outcome.CANCELLED, why
    gone = _gone(facts)
    if gone and delivery.state in WAITING:
        return gone[0], f"It is in {letter}, which waits and will be cancelled: {gone[1]}.{maybe}"
    return Outcome.PLANNED, f"It is in {letter}, which {_way(delivery)}.{maybe}"


def _tell_got(facts: Facts, pick: Sequence[object], delivery: Delivery, letter: str) -> str:
    at = f" at {show_instant(delivery.finished_at)}" if delivery.finished_at else ""
    parts = [f"Got it: {letter} carried it{_because(facts, pick)}, and the relay took that{at}."]
    if delivery.bounced_at:
        parts.append(f"It bounced later, at {show_instant(delivery.bounced_at)}.")
    if delivery.complained_at:
        parts.append("The reader complained about it.")
    again = facts.paper.newest_listing
    if again and again > delivery.edition.date:
        parts.append(f"It was listed again on {show_day(again)}; a paper is sent once.")
    return " ".join(parts)


def _because(facts: Facts, pick: Sequence[object]) -> str:
    """Return the interests the ledger names, as the reader typed them."""
    keys = pick[1] if isinstance(pick[1], list) else []
    if not keys:
        liked = Paper.objects.filter(pk=pick[2]).first() if len(pick) > 2 else None  # type: ignore[misc]
        return f" as similar to “{readable(liked.title).text}”" if liked else ""
    typed = {one.query_id: one.text for one in facts.judged}
    stored = dict(Query.objects.filter(pk__in=keys).values_list("pk", "text"))
    names = [f"“{typed.get(key) or stored.get(key, 'an earlier interest')}”" for key in keys]
    return f" because of {', '.join(dict.fromkeys(names))}"


def _tell_waiting_paper(paper: Paper, now: datetime) -> tuple[Outcome, str]:
    today = site_date(now)
    frozen = Edition.objects.filter(date=today, frozen_at__isnull=False).exists()
    coming = today + timedelta(days=1) if frozen else today
    days = sorted(set(Listing.objects.filter(paper=paper).values_list("listed_on", flat=True)))
    if not days:
        return Outcome.NO_EDITION, "No source listed it on a day, so it is in no edition."
    listed = show_day(days[-1])
    still_open = Edition.objects.filter(date__in=days, frozen_at__isnull=True).exists()
    if days[-1] >= coming - timedelta(days=DAYS_LATE) or still_open:
        return Outcome.EDITION_OPEN, (
            f"It waits for an edition: it was listed on {listed}, and none has it yet."
            if days[-1] <= today
            else f"It waits for the edition of {listed}, the day it is listed on."
        )
    return Outcome.NO_EDITION, (
        f"It is archive: last listed on {listed}, more than {DAYS_LATE} days before an edition "
        "could take it."
    )


def _tell_without_letter(facts: Facts, edition: Edition) -> tuple[Outcome, str]:
    reader, day = facts.reader, show_day(edition.date)
    since = site_date(reader.confirmed_at) if reader.confirmed_at else None
    passed = reader.covered_until is not None and reader.covered_until >= edition.date
    if since and edition.date < since and (passed or reader.status != Status.CONFIRMED):
        return Outcome.SUBSCRIBED_LATER, (
            f"The reader was confirmed on {show_day(since)}; the edition of {day} was before."
        )
    if reader.status == Status.UNCONFIRMED:
        return Outcome.UNCONFIRMED, "The reader has not confirmed: no letter is made."
    if reader.status == Status.UNSUBSCRIBED:
        gone = (
            f" on {show_day(site_date(reader.unsubscribed_at))}" if reader.unsubscribed_at else ""
        )
        return Outcome.UNSUBSCRIBED, f"The reader unsubscribed{gone}; no letter covers {day}."
    if reader.status == Status.PAUSED:
        return Outcome.PAUSED, f"The reader’s letters are paused; none covers {day}."
    if facts.ranking is None:
        return Outcome.NOT_COVERED, f"No letter of this reader covered, or will, {day}."
    if facts.suppressed:
        return Outcome.SUPPRESSED, "The address is suppressed: nothing is mailed to it."
    due = reader.next_send_at
    when = f"due at {show_instant(due)}" if due else "for which no instant is set"
    return _predict(facts, f"The next letter, {when},")


def _tell_uncomposed(facts: Facts, delivery: Delivery) -> tuple[Outcome, str]:
    """Tell of a letter whose row has no picks: it waits, or it ended before it was put together."""
    letter = f"the letter of {show_day(delivery.edition.date)}"
    if delivery.state == State.CANCELLED:
        return (
            Outcome.CANCELLED,
            f"{letter[:1].upper()}{letter[1:]} was cancelled: {delivery.detail}.",
        )
    if delivery.state == State.FAILED:
        return Outcome.FAILED, f"{letter[:1].upper()}{letter[1:]} failed: {_reply(delivery)}."
    gone = _gone(facts)
    if gone and delivery.state in WAITING:
        return gone[0], f"{letter[:1].upper()}{letter[1:]} will be cancelled: {gone[1]}."
    return _predict(
        facts, f"The letter of {show_day(delivery.edition.date)}, which {_way(delivery)},"
    )


def _predict(facts: Facts, letter: str) -> tuple[Outcome, str]:
    """Tell what a letter still to be put together will do, as things stand."""
    ranking = facts.ranking
    if ranking is None or not ranking.rank:
        return Outcome.NO_MATCH, f"{letter} will not carry it: {_no_match(facts)}."
    rank = f"rank {ranking.rank} of {ranking.matched} that match"
    if facts.paper.pk in ranking.papers:
        return Outcome.PLANNED, f"{letter} will carry it as things stand: {rank}."
    return Outcome.NOT_PICKED, (
        f"{letter} will not carry it as things stand: {rank}, "
        f"and it has room for {len(ranking.chosen)}."
    )


def _tell_left_out(facts: Facts, delivery: Delivery, edition: Edition) -> tuple[Outcome, str]:
    """Tell why a letter that was put together did not carry the paper."""
    ranking = facts.ranking
    letter = f"the letter of {show_day(delivery.edition.date)}"
    if ranking is None or not ranking.rank:
        changed = "" if facts.is_same else "; they were changed since that letter"
        return Outcome.NO_MATCH, f"It was not in {letter}: {_no_match(facts)}{changed}."
    if (
        edition.matched_at
        and edition.matched_at > delivery.planned_at
        and not _used(facts, edition)
    ):
        return Outcome.NOT_COVERED, (
            f"The edition of {show_day(edition.date)} was matched after {letter}, which covers "
            f"that day, was planned: at {show_instant(edition.matched_at)}."
        )
    if facts.paper.withdrawn_at:
        return _tell_withdrawn(facts.paper)
    if not facts.is_same:
        return Outcome.CHANGED, (
            f"It was not in {letter}, and the reader’s interests, weights or papers per letter "
            f"were changed since that letter: as they are now it would rank {ranking.rank} of "
            f"{ranking.matched}."
        )
    return Outcome.NOT_PICKED, (
        f"It matches and did not fit: {letter} carried {len(facts.picks)}, the reader’s papers per "
        f"letter, and this one ranks {ranking.rank} of {ranking.matched}."
    )


def _used(facts: Facts, edition: Edition) -> bool:
    """Return whether the letter carried any paper of the edition."""
    carried = [pick[0] for pick in facts.picks]
    return Paper.objects.filter(pk__in=carried, edition=edition).exists()  # type: ignore[misc]


def _no_match(facts: Facts) -> str:
    if not facts.judged:
        return "the reader has no interests"
    muted = [f"“{one.text}”" for one in facts.judged if one.muted and one.verdict.matches]
    if muted:
        return f"only {', '.join(muted)} matches it, and the reader has muted that"
    later = [f"“{one.text}”" for one in facts.judged if one.since and one.verdict.matches]
    if later:
        return f"only {', '.join(later)} matches it, added after that letter was made"
    return "none of the reader’s interests matches it"


def _gone(facts: Facts) -> tuple[Outcome, str] | None:
    """Return why a waiting letter will be cancelled when its turn comes, if it will be."""
    match facts.reader.status:
        case Status.UNSUBSCRIBED:
            return Outcome.UNSUBSCRIBED, "the reader unsubscribed"
        case Status.PAUSED:
            return Outcome.PAUSED, "the reader’s letters are paused"
        case Status.UNCONFIRMED:
            return Outcome.UNCONFIRMED, "the reader has not confirmed"
    return (Outcome.SUPPRESSED, "the address is suppressed") if facts.suppressed else None


def _way(delivery: Delivery) -> str:
    if delivery.state == State.SENDING:
        return "is on its way to the relay now"
    waits = f"is {delivery.get_state_display()}, not before {show_instant(delivery.next_at)}"
    return f"{waits} ({_reply(delivery)})" if delivery.detail else waits


def _reply(delivery: Delivery) -> str:
    return f"{delivery.code or ''} {delivery.detail}".strip().rstrip(".")


def show_day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def show_instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
