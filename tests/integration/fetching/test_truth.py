"""What a source's answers say of its days, and what is caught up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.days import run_day
from newsletter.freshness import describe_day
from newsletter.models import (
    Delivery,
    Listing,
    Paper,
)
from newsletter.watching import watch_sources
from tests.factories import subscribe
from tests.http_server import HttpServer
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    Arxiv,
    HuggingFace,
    add_arxiv,
    add_huggingface,
    look,
    make_items,
    state_of,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def test_it_calls_yesterdays_batch_under_todays_date_no_news(
    settings: Settings, traveller: Any
) -> None:
    thursday = FRIDAY - timedelta(days=1)
    batches = {(thursday, "cs.LG"): make_items(thursday, "cs.LG", 3)}
    late = datetime(2026, 11, 20, 9, tzinfo=UTC)
    arxiv = Arxiv(batches, {(FRIDAY, "cs.LG"): late})
    with HttpServer(arxiv) as server:
        settings.FETCH_ALLOW = [server.allowed]
        traveller.move_to(MORNING - timedelta(days=1))
        source = add_arxiv(server, "cs.LG")
        assert look(source, traveller).unseen == 3
        traveller.move_to(MORNING)
        report = look(source, traveller)
        assert (report.papers, report.unseen) == (3, 0)
        assert report.states == {"cs.LG": "waiting"}
        source.refresh_from_db()
        assert source.next_at == datetime.now(UTC) + timedelta(minutes=10)
        traveller.move_to(MORNING.replace(hour=6, minute=30))
        watch_sources(datetime.now(UTC))
        assert state_of(source, part="cs.LG") == "stalled"
        batches[FRIDAY, "cs.LG"] = make_items(FRIDAY, "cs.LG", 2)
        traveller.move_to(late + timedelta(minutes=1))
        assert look(source, traveller).unseen == 2
    assert state_of(source, part="cs.LG") == "fresh"
    assert Listing.objects.filter(listed_on=FRIDAY).count() == 2  # Thursday's stay Thursday's


def test_it_calls_an_empty_category_quiet_beside_a_fresh_one(
    settings: Settings, traveller: Any
) -> None:
    """q-bio.NC had nothing that day; cs.LG proves that the day was announced."""
    batches = {(FRIDAY, "cs.LG"): make_items(FRIDAY, "cs.LG", 2), (FRIDAY, "q-bio.NC"): []}
    with HttpServer(Arxiv(batches)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        source = add_arxiv(server, "q-bio.NC", "cs.LG")
        assert look(source, traveller).states == {"cs.LG": "fresh", "q-bio.NC": "waiting"}
        traveller.move_to(MORNING.replace(hour=6, minute=1))
        watch_sources(datetime.now(UTC))
    assert state_of(source, part="q-bio.NC") == "quiet"


def test_it_catches_up_after_a_downtime_and_mails_nothing_twice(
    server: HttpServer, traveller: Any, settings: Settings
) -> None:
    """Up on Friday, away until Wednesday: Monday's and Tuesday's papers come late, once."""
    monday, wednesday = FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=5)
    lists = {
        FRIDAY + timedelta(days=n): [(f"2611.1000{n}", f"Reinforcement learning, part {n}", 1)]
        for n in (0, 3, 4, 5)
    }
    server.answer = HuggingFace(lists)
    source = add_huggingface(server)
    reader = subscribe("reinforcement learning", now=MORNING)
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        look(source, traveller)
        run_day(None, MORNING.replace(hour=8), everyone=True)
        traveller.move_to(MORNING + timedelta(days=5))
        watch_sources(datetime.now(UTC))
        assert state_of(source, monday) == "failed"
        assert describe_day(monday).case == "missing"
        look(source, traveller)
        traveller.move_to(MORNING.replace(hour=8) + timedelta(days=5))
        run_day(None, datetime.now(UTC), everyone=True)
        look(source, traveller)
        run_day(None, datetime.now(UTC), everyone=True)
    assert state_of(source, monday) == state_of(source, wednesday) == "fresh"
    letters = Delivery.objects.filter(subscriber=reader, state="sent").order_by("edition__date")
    assert [len(letter.picks) for letter in letters] == [1, 3]
    assert len(relay.accepted) == 2
    assert Paper.objects.filter(late=True, edition__date=wednesday).count() == 2
