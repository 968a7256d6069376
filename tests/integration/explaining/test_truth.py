"""Five hundred explanations, each compared with what was gathered without the explainer.

What a reader got is read from the mails the relay took; what a letter carried from its row; what
matches from the slow reference implementation.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes, policy
from functools import cache

import pytest

from newsletter.explanations import Explanation, explain_pair
from newsletter.matching.base import Document
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.matching.rank import pick_papers, rank_papers
from newsletter.models import Delivery, Paper
from newsletter.outcomes import Outcome
from newsletter.papers import make_document
from newsletter.synonyms import read_synonyms
from subscribers.models import Interest, Subscriber
from subscribers.services import is_suppressed
from tests.factories import MORNING
from tests.integration.explaining.world import World, make_world
from tests.smtp import SmtpServer
from tests.unit.matching.reference import matching

# Committed for real: the ledger's clock is the database's, which stands still in a transaction.
pytestmark = pytest.mark.django_db(transaction=True)
PAIRS = 500
LINK = re.compile(r"arxiv\.org/abs/(2611\.\d{5})")


class Truth:
    """One pair's ground truth."""

    def __init__(self, world: World, mailed: set[tuple[str, str]], reader: int, paper: int) -> None:
        self.world = world
        self.reader = Subscriber.objects.get(pk=reader)
        self.paper = Paper.objects.select_related("edition").get(pk=paper)
        self.mailed = (self.reader.email, str(self.paper.arxiv_id)) in mailed
        rows = list(Delivery.objects.filter(subscriber=reader).select_related("edition"))
        self.carrying = [row for row in rows if any(p[0] == paper for p in row.picks)]
        day = self.paper.edition.date if self.paper.edition else None
        self.covering = [r for r in rows if day and r.covers_from <= day <= r.edition.date]
        self.document = make_document(self.paper)
        self.interests = list(
            Interest.objects.filter(subscriber=reader)
            .select_related("query")
            .order_by("position", "pk")
        )

    @property
    def letter(self) -> Delivery:
        """The one row about this paper; a reader has one at most."""
        [row] = self.covering
        assert not self.carrying or self.carrying == [row]
        return row

    def found_by(self) -> set[str]:
        return {one.text for one in self.interests if finds(one.query.text, self.document)}

    def rank(self) -> tuple[list[int], list[int]]:
        """The papers that compete for the letter, best first, and those that are picked."""
        row = self.letter
        days = {"edition__date__gte": row.covers_from, "edition__date__lte": row.edition.date}
        papers = Paper.objects.filter(hidden=False, **days)
        documents = {paper.pk: make_document(paper) for paper in papers}
        late = self.world.added if row.finished_at else set()
        mine = [one for one in self.interests if one.pk not in late]
        texts = {one.query_id: one.query.text for one in mine}
        weights = {one.query_id: one.weight for one in mine}
        matches = {
            key: match_query(parse_query(text, 400), documents.values(), read_synonyms())
            for key, text in texts.items()
        }
        for key, text in texts.items():
            slow = {one for one, document in documents.items() if finds(text, document)}
            assert slow == {match.document_id for match in matches[key]}
        given = (matches, weights, list(texts), documents)
        picked = pick_papers(*given, self.reader.papers_per_letter)
        ranked = [pick.document_id for pick in rank_papers(*given)]
        return ranked, [pick.document_id for pick in picked.picks]


@cache
def finds(query: str, document: Document) -> bool:
    return bool(matching(parse_query(query, 400), [document], read_synonyms()))


def read_mails(server: SmtpServer) -> set[tuple[str, str]]:
    """Who was sent a link to which paper, by the mails themselves."""
    pairs = set()
    for mail in server.accepted:
        parsed = message_from_bytes(mail.data, policy=policy.default)
        text = parsed.get_body(("html",)).get_content()  # type: ignore[union-attr]
        pairs |= {(mail.recipient, found) for found in LINK.findall(text)}
    return pairs


def is_left_out(truth: Truth, said: Explanation) -> bool:
    """It matched, by slow matching, and the letter had no room."""
    assert truth.found_by()
    row, cap = truth.letter, truth.reader.papers_per_letter
    ranked, picked = truth.rank()
    assert said.rank == ranked.index(truth.paper.pk) + 1
    assert said.matched == len(ranked) > cap
    assert truth.paper.pk not in picked
    if row.picks:
        assert [pick[0] for pick in row.picks] == picked
        assert said.carried == len(picked) == cap
    return not truth.carrying


def is_planned(truth: Truth, said: Explanation) -> bool:
    row = truth.letter
    assert row.state in ("queued", "deferred")
    assert truth.reader.status == "confirmed"
    return bool(truth.carrying) or bool(truth.found_by())


def is_no_match(truth: Truth, said: Explanation) -> bool:
    since = {one.text for one in said.interests if one.since}
    assert not (truth.found_by() - since)
    return bool(truth.covering)


def came_later(truth: Truth, said: Explanation) -> bool:
    confirmed, edition = truth.reader.confirmed_at, truth.paper.edition
    assert confirmed
    assert edition
    return edition.date < confirmed.date() and not truth.covering


CHECKS: dict[Outcome, Callable[[Truth, Explanation], bool]] = {
    Outcome.GOT: lambda t, said: t.mailed and t.letter.state == "sent" and bool(t.carrying),
    Outcome.IN_DOUBT: lambda t, said: t.letter.state == "in_doubt" and bool(t.carrying),
    Outcome.FAILED: lambda t, said: t.letter.state == "failed" and said.code == t.letter.code,
    Outcome.CANCELLED: lambda t, said: t.letter.state == "cancelled",
    Outcome.PLANNED: is_planned,
    Outcome.NO_MATCH: is_no_match,
    Outcome.NOT_PICKED: is_left_out,
    Outcome.CHANGED: lambda t, said: t.reader.pk in t.world.changed and not t.carrying,
    Outcome.HIDDEN: lambda t, said: t.paper.hidden,
    Outcome.EDITION_OPEN: lambda t, said: t.paper.edition is None and said.edition is None,
    Outcome.NO_EDITION: lambda t, said: (
        t.paper.edition is None and (MORNING.date() - t.paper.newest_listing).days > 7  # type: ignore[operator]
    ),
    Outcome.SUBSCRIBED_LATER: came_later,
    Outcome.UNSUBSCRIBED: lambda t, said: t.reader.status == "unsubscribed",
    Outcome.SUPPRESSED: lambda t, said: is_suppressed(t.reader.email),
}
MAY_BE_MAILED = {Outcome.GOT, Outcome.IN_DOUBT}


def check(truth: Truth, said: Explanation) -> None:
    assert CHECKS[said.outcome](truth, said), said.sentence
    if said.outcome not in MAY_BE_MAILED:
        assert not truth.mailed or truth.letter.doubts, said.sentence
    if truth.mailed:
        assert said.outcome in MAY_BE_MAILED or "may have arrived" in said.sentence
    if said.changed_since:
        assert truth.reader.pk in truth.world.changed, said.sentence
    assert said.edition == (truth.paper.edition.date if truth.paper.edition else None)
    matched = {one.text for one in said.interests if one.matches}
    assert matched == truth.found_by()
    for one in said.interests:
        assert bool(one.places) == one.matches == (not one.why_not)


def test_it_answers_truly_for_every_pair(server: SmtpServer) -> None:
    world = make_world(server, int(os.environ.get("WORLD_SEED", "1")))
    mailed = read_mails(server)
    seen: Counter[Outcome] = Counter()
    for _ in range(PAIRS):
        reader, paper = world.chance.choice(world.readers), world.chance.choice(world.papers)
        said = explain_pair(reader, paper, MORNING)
        check(Truth(world, mailed, reader, paper), said)
        seen[said.outcome] += 1
    assert len(seen) >= 10, seen
    if os.environ.get("WORLD_SEED"):
        print(seen)  # noqa: T201
    assert seen[Outcome.NOT_PICKED] >= 5, seen
    # Every mailed pair is told as such, not only the sampled ones.
    ids = dict(Paper.objects.values_list("arxiv_id", "pk"))
    people = dict(Subscriber.objects.values_list("email", "pk"))
    for email, arxiv_id in sorted(mailed)[:100]:
        said = explain_pair(people[email], ids[arxiv_id], MORNING)
        assert said.outcome in MAY_BE_MAILED or "may have arrived" in said.sentence
