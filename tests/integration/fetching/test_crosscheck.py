"""arXiv's own list of the day, held against its feeds: politely, and only a witness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.models import FetchHost, Paper, SourceDay
from newsletter.watching import watch_sources
from tests.http_server import HttpServer, Reply, Seen
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    Arxiv,
    Item,
    add_arxiv,
    add_source,
    look,
    make_items,
    state_of,
)

pytestmark = pytest.mark.django_db

THURSDAY = FRIDAY - timedelta(days=1)
AFTER = MORNING.replace(hour=6, minute=30)  # past the time it is expected by


class Play:
    """arXiv with five papers on Thursday and on Friday, and what was asked of it."""

    def __init__(self) -> None:
        days = (THURSDAY, FRIDAY)
        self.arxiv = Arxiv({(day, "cs.LG"): make_items(day, "cs.LG", 5) for day in days})
        self.server = HttpServer(self.arxiv)

    @property
    def asked(self) -> list[Seen]:
        return [seen for seen in self.server.seen if seen.path.startswith("/list/")]


@pytest.fixture
def play(settings: Settings, traveller: Any) -> Iterator[Play]:
    played = Play()
    with played.server:
        settings.FETCH_ALLOW = [played.server.allowed]
        yield played


def row() -> SourceDay:
    return SourceDay.objects.get(day=FRIDAY)


def test_it_asks_once_whether_all_came(play: Play, traveller: Any) -> None:
    source = add_arxiv(play.server, "cs.LG")
    report = look(source, traveller)
    assert (report.requests, report.problem, report.states) == (2, "", {"cs.LG": "fresh"})
    assert (row().lacking, row().bulletin_day) == (0, FRIDAY)
    for _ in range(3):
        traveller.shift(timedelta(hours=3))
        look(source, traveller)
    assert len(play.asked) == 1
    (seen,) = play.asked
    assert (seen.path, seen.query) == ("/list/cs.LG/new", {"skip": "0", "show": "2000"})
    assert "PaperRound" in seen.headers["user-agent"]


def test_it_says_how_many_papers_the_feed_lacks(play: Play, traveller: Any) -> None:
    """A feed cut at its end, or a parse that broke, looks like a small day."""
    whole = play.arxiv.batches[FRIDAY, "cs.LG"]
    play.arxiv.listed[FRIDAY, "cs.LG"] = [*whole, Item("2611.90001", "Lost", "cross")]
    play.arxiv.batches[FRIDAY, "cs.LG"] = whole[:3]
    source = add_arxiv(play.server, "cs.LG")
    report = look(source, traveller)
    said = "arXiv cs.LG on 2026-11-20: the source's own list has 3 papers that never came"
    assert (report.problem, report.states, row().lacking) == (said, {"cs.LG": "fresh"}, 3)
    play.arxiv.batches[FRIDAY, "cs.LG"] = play.arxiv.listed[FRIDAY, "cs.LG"]
    traveller.shift(timedelta(hours=1))
    look(source, traveller)
    assert len(play.asked) == 1  # not so soon
    traveller.shift(timedelta(hours=1, minutes=1))
    look(source, traveller)
    assert (len(play.asked), row().lacking, Paper.objects.count()) == (2, 0, 6)


def test_replacements_and_papers_of_other_sources_are_not_lacking(
    play: Play, traveller: Any
) -> None:
    batch = play.arxiv.batches[FRIDAY, "cs.LG"]
    old = Item("2601.00001", "An old paper in its second version", "replace", 2)
    play.arxiv.listed[FRIDAY, "cs.LG"] = [*batch, old]
    look(add_arxiv(play.server, "cs.LG"), traveller)
    assert row().lacking == 0


def test_it_tells_an_old_feed_from_an_announcement_that_did_not_come(
    play: Play, traveller: Any
) -> None:
    traveller.move_to(MORNING - timedelta(days=1))
    source = add_arxiv(play.server, "cs.LG")
    look(source, traveller)
    traveller.move_to(AFTER)
    play.arxiv.stale_until[FRIDAY, "cs.LG"] = AFTER + timedelta(hours=9)
    assert "own list has 5 papers that never came" in look(source, traveller).problem
    assert state_of(source, part="cs.LG") == "stalled"
    gone = play.arxiv.batches.pop((FRIDAY, "cs.LG"))
    traveller.shift(timedelta(hours=3))
    report = look(source, traveller)
    assert "own list is still of 2026-11-19, so that nothing newer is announced" in report.problem
    play.arxiv.batches[FRIDAY, "cs.LG"] = gone
    traveller.shift(timedelta(hours=7))
    assert look(source, traveller).states == {"cs.LG": "fresh"}
    watch_sources(datetime.now(UTC))
    assert row().lacking == 0


def test_it_calls_a_day_quiet_on_which_the_list_is_empty_too(play: Play, traveller: Any) -> None:
    """A small category alone, with no sister that was fresh."""
    play.arxiv.batches[FRIDAY, "cs.LG"] = []
    traveller.move_to(AFTER)
    source = add_arxiv(play.server, "cs.LG")
    assert look(source, traveller).states == {"cs.LG": "quiet"}
    assert (row().bulletin_day, row().lacking) == (FRIDAY, 0)


def test_it_does_not_ask_on_a_holiday_or_before_the_feed(play: Play, traveller: Any) -> None:
    source = add_arxiv(play.server, "cs.LG")
    look(source, traveller, dry_run=True)
    source.parameters["holidays"] = str(THURSDAY)
    source.save()
    play.arxiv.quiet.add(FRIDAY)
    traveller.move_to(AFTER)
    assert look(source, traveller).states == {"cs.LG": "quiet"}
    play.server.answer = Reply(b"", 500)
    assert look(add_source("Other", "arxiv-rss", play.server, {"categories": "cs.AI"}), traveller)
    assert play.asked == []


def test_a_witness_that_is_away_proves_nothing(play: Play, traveller: Any) -> None:
    said: list[str] = []
    play.arxiv.fault = lambda seen, _: Reply(b"no", 404) if "/list/" in seen.path else None
    source = add_arxiv(play.server, "cs.LG")
    report = look(source, traveller, say=said.append)
    assert (report.state, report.problem, report.states) == ("done", "", {"cs.LG": "fresh"})
    assert "its own list could not be read: arXiv's list answered 404" in "\n".join(said)


def test_it_keeps_arxivs_manners_with_both(play: Play, traveller: Any) -> None:
    names = ("cs.LG", "cs.AI", "cs.RO")
    for name in names[1:]:
        play.arxiv.batches[FRIDAY, name] = make_items(FRIDAY, name, 2)
    play.arxiv.fault = lambda seen, name: (
        Reply(b"Rate exceeded.", 429) if "/list/cs.LG" in seen.path else None
    )
    report = look(add_arxiv(play.server, *names), traveller)
    times = [seen.at for seen in play.server.seen]
    assert min(b - a for a, b in pairwise(times)) >= timedelta(seconds=3)
    assert len(play.asked) == 1  # then it is left alone
    assert FetchHost.objects.get().held_until == times[-1] + timedelta(minutes=10)
    assert report.papers == 9
