"""A fortnight of Hugging Face, arXiv's feeds, its own lists and its nightly records, with all that
goes wrong there, minute by minute.

Each paper lands in the right edition exactly once, and each day's state is the true one.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from newsletter.days import advance_editions
from newsletter.fetching import fetch_source, list_due_sources
from newsletter.freshness import describe_day
from newsletter.models import Edition, Paper, SourceDay
from newsletter.watching import watch_sources
from tests.http_server import HttpServer, Reply, Seen, Writer
from tests.integration.fetching.world import (
    WEEKEND,
    Arxiv,
    HuggingFace,
    Item,
    Nightly,
    add_arxiv,
    add_huggingface,
    add_source,
    clock_of,
    make_items,
)

pytestmark = pytest.mark.django_db

CATEGORIES = ("cs.AI", "cs.LG", "cs.RO")
MONDAY = date(2026, 11, 16)
DAYS = [MONDAY + timedelta(days=n) for n in range(14)]
TUE17, WED18, THU19, FRI20 = (date(2026, 11, n) for n in (17, 18, 19, 20))
MON23, TUE24, WED25, THU26, FRI27 = (date(2026, 11, n) for n in (23, 24, 25, 26, 27))
HOLIDAY = FRI27  # no announcement on the evening of Thanksgiving


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def cut_body(link: socket.socket) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n<?xml version='1.0'?><rss>")


class Fortnight:
    """The services, what goes wrong on which day, and where each paper belongs."""

    def __init__(self) -> None:
        self.arxiv = Arxiv(quiet={HOLIDAY}, fault=self.break_arxiv)
        self.nightly = Nightly(self.arxiv, fault=self.break_nightly)
        self.hugging_face = HuggingFace(fault=self.break_hugging_face)
        self.belongs: dict[str, date] = {}  # arXiv id: the day of its edition
        self.storm: list[datetime] = []
        for day in DAYS:
            if day.weekday() not in WEEKEND:
                self.announce(day)
                self.submit(day)
        self.revise()
        self.delay()

    def announce(self, day: date) -> None:
        if day == HOLIDAY:
            return
        # More than a day has ever had: 2,300 in three categories.
        counts = (700, 1150, 450) if day == FRI20 else (4, 6, 3)
        for category, count in zip(CATEGORIES, counts, strict=True):
            items = make_items(day, category, count)
            self.arxiv.batches[day, category] = items
            self.belongs |= {item.arxiv_id: day for item in items}

    def submit(self, day: date) -> None:
        """The community lists papers of its own, and one that arXiv announced the day before."""
        count = 130 if day in (FRI20, THU26) else 12  # one page, or two
        own = [(f"2610.{day.day:02}{n:03}", f"Submitted {day:%d %B}, {n}", 5) for n in range(count)]
        self.belongs |= {arxiv_id: day for arxiv_id, _, _ in own}
        old = self.arxiv.batches.get((day - timedelta(days=1), "cs.LG"), [])
        self.hugging_face.lists[day] = own + [(i.arxiv_id, i.title, 9) for i in old[:1]]

    def revise(self) -> None:
        """A second version on Monday of what was announced the Monday before; a cross-list."""
        first = self.arxiv.batches[MONDAY, "cs.LG"][0]
        replaced = Item(first.arxiv_id, first.title, "replace", 2, ("cs.LG",))
        self.arxiv.batches[MON23, "cs.LG"].append(replaced)
        crossed = self.arxiv.batches[MON23, "cs.LG"][1]
        cross = Item(crossed.arxiv_id, crossed.title, "cross", 1, ("cs.LG", "cs.AI"))
        self.arxiv.batches[TUE24, "cs.AI"].append(cross)

    def delay(self) -> None:
        for category in ("cs.AI", "cs.LG"):
            self.arxiv.stale_until[TUE17, category] = at(TUE17, 3, 5)
        self.arxiv.stale_until[WED25, "cs.RO"] = at(WED25, 9)  # after the cut-off
        self.arxiv.stale_until[THU26, "cs.RO"] = at(THU26, 23, 59)  # all day: lost to the feed
        for item in self.arxiv.batches[WED25, "cs.RO"]:
            self.belongs[item.arxiv_id] = THU26
        for item in self.arxiv.batches[THU26, "cs.RO"]:
            self.belongs[item.arxiv_id] = FRI27  # by the nightly records, a day late
        self.arxiv.stale_until[MON23, "cs.RO"] = at(MON23, 23, 59)  # the nightly records have it
        for arxiv_id, _, _ in self.hugging_face.lists[THU26][:130]:
            self.belongs[arxiv_id] = FRI27  # Hugging Face was away

    def break_arxiv(self, seen: Seen, category: str) -> Reply | Writer | None:
        if at(WED18, 1) <= seen.at < at(WED18, 2, 30):
            self.storm.append(seen.at)
            return Reply(b"Rate exceeded.", 429)
        if seen.at < at(THU19, 1, 9) and seen.at.date() == THU19 and category == "cs.LG":
            return cut_body
        return None

    def break_nightly(self, seen: Seen, category: str) -> Reply | Writer | None:
        if at(WED25, 0) <= seen.at < at(WED25, 10) or seen.at.date() == THU26:
            return Reply(b"503 first byte timeout", 503)
        if seen.at < at(FRI20, 4) and "resumptionToken" in seen.query:
            return cut_body  # in the middle of the largest day
        return None

    def break_hugging_face(self, seen: Seen, day: str) -> Reply | None:
        if seen.at.date() == THU26:
            return Reply(b"<html>Internal Server Error</html>", 500)
        return None


@pytest.fixture
def fortnight(settings: Settings) -> Iterator[tuple[Fortnight, HttpServer, HttpServer]]:
    world = Fortnight()

    def answer(seen: Seen) -> Reply | Writer:
        return world.nightly(seen) if seen.path == "/oai" else world.arxiv(seen)

    with HttpServer(answer) as arxiv, HttpServer(world.hugging_face) as hugging_face:
        settings.FETCH_ALLOW = [arxiv.allowed, hugging_face.allowed]
        yield world, arxiv, hugging_face


def live(traveller: Any, until: datetime) -> None:
    """Do what beat and workers do: every ten minutes until seven, then hourly."""
    clock = clock_of(traveller)
    while (now := datetime.now(UTC)) < until:
        watch_sources(now)
        for source_id in list_due_sources(now):
            fetch_source(source_id, clock=clock)
        advance_editions(datetime.now(UTC))
        step = 10 if now.hour < 7 else 60
        minutes = step - now.minute % step
        traveller.move_to(now.replace(second=0) + timedelta(minutes=minutes))


def states() -> dict[tuple[str, date], str]:
    rows = SourceDay.objects.select_related("source")
    return {(f"{row.source.name} {row.part}".strip(), row.day): row.state for row in rows}


def expected_states() -> dict[tuple[str, date], str]:
    found: dict[tuple[str, date], str] = {}
    for day in DAYS:
        weekend = day.weekday() in WEEKEND
        found["Hugging Face", day] = "quiet" if weekend else "fresh"
        for category in CATEGORIES:
            quiet = weekend or day == HOLIDAY
            found[f"arXiv {category}", day] = "quiet" if quiet else "fresh"
            found[f"arXiv nightly {category}", day] = "quiet" if quiet else "fresh"
    found["arXiv cs.RO", MON23] = "quiet"  # its own list has nothing that is not stored
    found["arXiv cs.RO", THU26] = "stalled"
    return found


def test_it_lives_through_a_fortnight(
    fortnight: tuple[Fortnight, HttpServer, HttpServer],
) -> None:
    world, arxiv, hugging_face = fortnight
    with time_machine.travel(at(MONDAY, 0), tick=False) as traveller:
        add_arxiv(arxiv, *CATEGORIES)
        categories = {"categories": " ".join(CATEGORIES)}
        add_source("arXiv nightly", "arxiv-oai", arxiv, categories, every=1440)
        add_huggingface(hugging_face)
        live(traveller, at(DAYS[-1] + timedelta(days=1), 0))
    assert states() == expected_states()
    check_editions(world)
    check_manners(world, arxiv)
    check_stories()


def check_editions(world: Fortnight) -> None:
    rows = Paper.objects.values_list("arxiv_id", "edition__date")
    landed = dict(rows)
    assert len(landed) == rows.count()
    assert landed == world.belongs
    assert Counter(landed.values())[FRI20] == 2300 + 130
    late = Paper.objects.filter(late=True).values_list("edition__date", flat=True)
    assert Counter(late) == {THU26: 3, FRI27: 130 + 3}
    revised = Paper.objects.get(arxiv_id=world.arxiv.batches[MONDAY, "cs.LG"][0].arxiv_id)
    assert (revised.version, revised.listings.filter(source="arXiv cs.LG").count()) == (2, 1)
    crossed = Paper.objects.get(arxiv_id=world.arxiv.batches[MON23, "cs.LG"][1].arxiv_id)
    days = crossed.listings.filter(source__startswith="arXiv cs").values_list("source", "listed_on")
    assert set(days) == {("arXiv cs.LG", MON23), ("arXiv cs.AI", TUE24)}
    assert Edition.objects.filter(frozen_at__isnull=True).count() == 0


def check_manners(world: Fortnight, server: HttpServer) -> None:
    times = [seen.at for seen in server.seen]
    assert min(b - a for a, b in pairwise(times)) >= timedelta(seconds=3)
    assert not [when for when in times if when.hour == 0]
    assert len(world.storm) > 3
    for when in world.storm:
        after = [later for later in times if when < later < when + timedelta(minutes=10)]
        assert not after
    assert all("PaperRound" in seen.headers["user-agent"] for seen in server.seen)
    feeds = [seen for seen in server.seen if seen.path.startswith("/rss/")]
    assert sum("if-none-match" in seen.headers for seen in feeds) > len(feeds) / 2
    lists = Counter((seen.at.date(), seen.path) for seen in server.seen if "/list/" in seen.path)
    assert max(lists.values()) <= 12
    assert sum(lists.values()) < 60  # one a category on most days


def check_stories() -> None:
    frozen = {edition.date: edition for edition in Edition.objects.all()}
    assert frozen[MON23].absent == []  # what the feed had not, the nightly records brought
    assert frozen[WED25].absent == ["arXiv cs.RO", "arXiv nightly"]
    assert frozen[THU26].absent == ["Hugging Face", "arXiv cs.RO", "arXiv nightly"]
    assert all(not e.absent for day, e in frozen.items() if day not in (WED25, THU26))
    cases = {day: describe_day(day).case for day in DAYS}
    assert cases[DAYS[5]] == cases[DAYS[6]] == "quiet"
    assert cases[THU26] == "partial"
    assert cases[TUE17] == cases[WED18] == cases[HOLIDAY] == "complete"
    assert describe_day(WED25, frozen[WED25].frozen_at).case == "late"
