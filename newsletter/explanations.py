"""Why a reader got a paper, or did not: one true sentence, and what it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from newsletter.matching.display import readable
from newsletter.matching.verdicts import describe_place
from newsletter.models import Paper
from newsletter.outcomes import Outcome, decide_outcome
from newsletter.standing import WAITING, Facts, Judged, gather_facts
from subscribers.models import Subscriber

PLACES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class InterestVerdict:
    """One interest of now on this paper. `places` are where it was found, `why_not` why it was not.

    `since`: it was added after the letter was made, so it had no say.
    """

    text: str
    matches: bool
    score: float
    weight: int
    places: tuple[str, ...]
    why_not: tuple[str, ...]
    since: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reader, one paper. `sentence` says it all; the rest is for who wants to look.

    `place` is where the letter has it, from 1; `rank` its rank among the `matched` papers by the
    interests of now; each is 0 where there is none. `cap` is the reader's papers per letter,
    `carried` how many the letter had. `at` is when the letter was done, or when it is due.
    """

    reader_id: int
    email: str
    paper_id: int
    title: str
    outcome: Outcome
    sentence: str
    edition: date | None
    delivery_id: int | None
    state: str
    at: datetime | None
    code: int | None
    detail: str
    place: int
    rank: int
    score: float
    matched: int
    cap: int
    carried: int
    interests: tuple[InterestVerdict, ...]
    changed_since: bool

    def as_dict(self) -> dict[str, object]:
        values = asdict(self)
        values["edition"] = self.edition.isoformat() if self.edition else None
        values["at"] = self.at.isoformat() if self.at else None
        return values


class ExplanationError(ValueError):
    """There is nothing to explain; the text says why and the mend."""


def explain_pair(subscriber_id: int, paper_id: int, now: datetime) -> Explanation:
    """Return why this reader got, or did not get, this paper. Writes nothing."""
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    if reader is None:
        raise ExplanationError(f"no reader has the number {subscriber_id}: look it up in the admin")
    papers = Paper.objects.select_related("edition").defer("edition__matched_queries")
    paper = papers.filter(pk=paper_id).first()
    if paper is None:
        raise ExplanationError(f"no paper has the number {paper_id}: look it up in the admin")
    facts = gather_facts(reader, paper)
    outcome, sentence = decide_outcome(facts, now)
    return _make_explanation(facts, outcome, sentence)


def _make_explanation(facts: Facts, outcome: Outcome, sentence: str) -> Explanation:
    reader, paper, delivery, ranking = facts.reader, facts.paper, facts.delivery, facts.ranking
    place = next((n for n, pick in enumerate(facts.picks, 1) if pick[0] == paper.pk), 0)
    changed = any(one.since for one in facts.judged) or (
        facts.composed and ranking is not None and not facts.is_same
    )
    return Explanation(
        reader_id=reader.pk,
        email=reader.email,
        paper_id=paper.pk,
        title=readable(paper.title).text,
        outcome=outcome,
        sentence=sentence,
        edition=paper.edition.date if paper.edition else None,
        delivery_id=delivery.pk if delivery else None,
        state=delivery.state if delivery else "",
        at=_instant(facts),
        code=delivery.code if delivery else None,
        detail=delivery.detail if delivery else "",
        place=place,
        rank=ranking.rank if ranking else 0,
        score=ranking.score if ranking else 0.0,
        matched=ranking.matched if ranking else 0,
        cap=reader.papers_per_letter,
        carried=len(facts.picks),
        interests=tuple(_tell(one) for one in facts.judged),
        changed_since=changed,
    )


def _instant(facts: Facts) -> datetime | None:
    if facts.delivery is None:
        return facts.reader.next_send_at if facts.ranking else None
    waits = facts.delivery.state in WAITING
    return facts.delivery.next_at if waits else facts.delivery.finished_at


def _tell(one: Judged) -> InterestVerdict:
    places = tuple(dict.fromkeys(describe_place(reason) for reason in one.verdict.reasons))
    return InterestVerdict(
        one.text,
        one.verdict.matches,
        one.verdict.score,
        one.weight,
        places[:PLACES_SHOWN],
        one.verdict.why_not,
        one.since,
    )
