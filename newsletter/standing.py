"""What the ledger and matching say of one reader and one paper: the facts of an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max

from newsletter.matching.base import Document, QueryError
from newsletter.matching.index import Index
from newsletter.matching.query import parse_query
from newsletter.matching.rank import pick_papers, rank_papers
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.verdicts import MOST_CHARACTERS, Verdict, judge_query
from newsletter.models import Delivery, Edition, Paper
from newsletter.papers import list_documents, make_document
from newsletter.synonyms import read_synonyms
from subscribers.models import Interest, Subscriber
from subscribers.queries import suppressed_among

State = Delivery.State
WAITING = (State.QUEUED, State.DEFERRED)
# Where several rows carry a paper (there should be one), the one that says most comes first.
TELLING = (State.SENT, State.IN_DOUBT, State.SENDING, State.DEFERRED, State.QUEUED, State.FAILED,
           State.CANCELLED, State.EMPTY)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """An interest as it is now, and its verdict; `since` if it came after the letter was done.

    A `muted` one has no say in letters still to be made.
    """

    query_id: int
    text: str
    weight: int
    verdict: Verdict
    since: bool
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where the paper stands by the interests of now: `rank` 0 where it does not match.

    `matched` papers compete; `chosen` would be picked, each with its interests, as in the ledger.
    """

    rank: int
    score: float
    matched: int
    chosen: tuple[tuple[int, tuple[int, ...]], ...]

    @property
    def papers(self) -> frozenset[int]:
        return frozenset(paper for paper, _ in self.chosen)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the explanation is made of. `ranking` is None where no letter can be thought of.

    `picks` are what the letter carried by the ledger, `composed` whether it ever was put together.
    """

    reader: Subscriber
    paper: Paper
    delivery: Delivery | None
    judged: Sequence[Judged]
    ranking: Ranking | None
    suppressed: bool

    @property
    def picks(self) -> list[list[object]]:
        return list(self.delivery.picks) if self.delivery else []

    @property
    def pick(self) -> list[object] | None:
        """What the ledger says of the paper in the letter, None where the letter lacks it."""
        return next((pick for pick in self.picks if pick[0] == self.paper.pk), None)

    @property
    def composed(self) -> bool:
        row = self.delivery
        # A letter that only says that nothing matched has a Message-ID and no picks.
        return bool(self.picks) or bool(row and (row.state == State.EMPTY or row.message_id))

    @property
    def is_same(self) -> bool:
        """Whether picking anew gives what the letter carried, so nothing relevant was changed."""
        carried = [[pick[0], pick[1]] for pick in self.picks if pick[1]]
        chosen = self.ranking.chosen if self.ranking else ()
        return [[paper, list(interests)] for paper, interests in chosen] == carried


def gather_facts(reader: Subscriber, paper: Paper) -> Facts:
    """Read what is known of the pair. Nothing is written."""
    delivery = _find_delivery(reader, paper)
    # When a letter still on its way was put together is not known: then nothing is called newer.
    done_at = delivery.finished_at if delivery else None
    interests = list(reader.interests.select_related("query").order_by("position", "pk"))
    document, synonyms = make_document(paper), read_synonyms()
    judged = [
        Judged(
            interest.query_id,
            interest.text,
            interest.weight,
            _judge(interest, document, synonyms),
            since=done_at is not None and interest.created_at > done_at,
            muted=interest.muted,
        )
        for interest in interests
    ]
    fresh = {one.query_id for one in judged if one.since}
    eligible = [
        interest for interest in interests if interest.query_id not in fresh and not interest.muted
    ]
    days = _days(reader, paper, delivery)
    ranking = _rank(reader, paper, eligible, *days) if days else None
    suppressed = bool(suppressed_among([reader.email]))
    return Facts(reader, paper, delivery, judged, ranking, suppressed)


def _find_delivery(reader: Subscriber, paper: Paper) -> Delivery | None:
    """Return the reader's letter that carried the paper, else the one that covered its edition."""
    rows = Delivery.objects.filter(subscriber=reader).select_related("edition")
    rows = rows.defer("edition__matched_queries")
    carried = [row for row in rows.filter(picks__contains=[[paper.pk]]) if _carries(row, paper)]
    covering: list[Delivery] = []
    if not carried and paper.edition:
        day = paper.edition.date
        covering = list(rows.filter(covers_from__lte=day, edition__date__gte=day))
    order = {state: place for place, state in enumerate(TELLING)}
    found = sorted(carried or covering, key=lambda row: (order[State(row.state)], -row.pk))
    return found[0] if found else None


def _carries(delivery: Delivery, paper: Paper) -> bool:
    return any(pick[0] == paper.pk for pick in delivery.picks)


def _judge(interest: Interest, document: Document, synonyms: Synonyms) -> Verdict:
    """Judge the text as typed, whose words the reader knows, where it means what is matched."""
    query, text = interest.query, interest.query.text
    with suppress(QueryError):
        if parse_query(interest.text).canonical == query.text:
            text = interest.text
    return judge_query(text, document, query.expand, synonyms)


def _days(reader: Subscriber, paper: Paper, delivery: Delivery | None) -> tuple[date, date] | None:
    """Return the first and last day of the letter the paper was, or would be, considered for."""
    if paper.edition is None or paper.hidden or paper.edition.matched_at is None:
        return None
    if delivery is not None:
        return delivery.covers_from, delivery.edition.date
    if reader.status != Subscriber.Status.CONFIRMED:
        return None
    newest: date | None = Edition.objects.filter(matched_at__isnull=False).aggregate(
        newest=Max("date")
    )["newest"]
    if newest is None:
        return None
    first = reader.covered_until + timedelta(days=1) if reader.covered_until else newest
    return (first, newest) if first <= paper.edition.date <= newest else None


def _rank(
    reader: Subscriber, paper: Paper, interests: Sequence[Interest], first: date, last: date
) -> Ranking:
    """Rank the papers of these days' editions by these interests, as a letter is filled."""
    index = Index(
        {
            interest.query_id: (
                parse_query(interest.query.text, MOST_CHARACTERS),
                interest.query.expand,
            )
            for interest in interests
        },
        read_synonyms(),
    )
    considered = Paper.objects.filter(
        edition__date__gte=first,
        edition__date__lte=last,
        edition__matched_at__isnull=False,
        hidden=False,
    )
    matches = index.match(list_documents(considered))
    found = {match.document_id for some in matches.values() for match in some}
    documents = {one.pk: make_document(one) for one in Paper.objects.filter(pk__in=found)}
    weights = {interest.query_id: interest.weight for interest in interests}
    order = [interest.query_id for interest in interests]
    ranked = rank_papers(matches, weights, order, documents)
    picked = pick_papers(matches, weights, order, documents, reader.papers_per_letter)
    mine = next((pick for pick in ranked if pick.document_id == paper.pk), None)
    return Ranking(
        rank=mine.rank if mine else 0,
        score=mine.score if mine else 0.0,
        matched=len(ranked),
        chosen=tuple((p.document_id, (p.interest_id, *p.also)) for p in picked.picks),
    )
