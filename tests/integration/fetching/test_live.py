"""The demo's real papers, or its sample; and the ways a fetch is started."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from newsletter import tasks
from newsletter.days import prepare_edition, run_day
from newsletter.fetching import fetch_source
from newsletter.freshness import describe_day
from newsletter.models import Delivery, Edition, FetchRun, Paper, Source
from newsletter.sample.live import load_live_run
from newsletter.sources.asking import ParameterError
from subscribers.models import Subscriber
from tests.factories import subscribe
from tests.http_server import HttpServer, Reply, Seen, Writer
from tests.integration.fetching.world import (
    Arxiv,
    HuggingFace,
    add_arxiv,
    add_huggingface,
    add_source,
    clock_of,
    make_items,
    render_daily,
    render_oai,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
MORNING = datetime(2026, 11, 20, 4, tzinfo=UTC)
RL = "Reinforcement learning with half the labels"


@pytest.fixture
def traveller() -> Iterator[Any]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def services(settings: Settings, traveller: Any) -> Iterator[HttpServer]:
    """Hugging Face and arXiv at one address, with papers on Thursday and Friday."""
    lists = {day: [(f"2611.000{day.day}", f"{RL} {day.day}", 7)] for day in (THURSDAY, FRIDAY)}
    batches = {(day, "cs.LG"): make_items(day, "cs.LG", 5) for day in (THURSDAY, FRIDAY)}
    hugging_face, arxiv = HuggingFace(lists), Arxiv(batches)

    def answer(seen: Seen) -> Reply | Writer:
        return hugging_face(seen) if seen.path.startswith("/api/") else arxiv(seen)

    with HttpServer(answer) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def test_it_begins_with_todays_real_papers(services: HttpServer, traveller: Any) -> None:
    live = load_live_run(MORNING, ["cs.LG"], services.url, clock_of(traveller))
    assert (live.papers, live.note) == (7, "")
    thursday = Edition.objects.get(date=THURSDAY)
    assert thursday.papers.count() == 1  # an edition of its own, as if the site had run
    assert Subscriber.objects.count() > 10
    prepare_edition(FRIDAY, MORNING)
    today = Edition.objects.get(date=FRIDAY)
    assert (today.papers.count(), today.papers.filter(late=True).count()) == (6, 0)
    assert set(Source.objects.filter(enabled=True).values_list("name", flat=True)) == {
        "Hugging Face",
        "arXiv",
    }


def test_it_begins_with_fridays_papers_on_a_saturday(services: HttpServer, traveller: Any) -> None:
    traveller.shift(timedelta(days=1))
    live = load_live_run(datetime.now(UTC), ["cs.LG"], services.url, clock_of(traveller))
    assert (live.papers, live.note) == (2, "")
    prepare_edition(FRIDAY + timedelta(days=1), datetime.now(UTC))
    assert Edition.objects.get(date=FRIDAY + timedelta(days=1)).papers.count() == 1
    assert Source.objects.get(name="arXiv").enabled


def test_it_falls_back_to_the_sample(settings: Settings, traveller: Any) -> None:
    with HttpServer(Reply()) as server:
        settings.FETCH_ALLOW = [server.allowed]
    live = load_live_run(MORNING, ["cs.LG"], server.url, clock_of(traveller))
    assert live.papers == 0
    assert live.note.startswith("no source answered")
    assert "Connection refused" in live.note
    assert "\n" not in live.note
    assert Paper.objects.filter(listings__source="sample").exists()
    assert not Source.objects.filter(enabled=True).exists()


def test_it_refuses_a_category_before_anything_is_stored(traveller: Any) -> None:
    with pytest.raises(ParameterError, match="no arXiv category"):
        load_live_run(MORNING, ["cs.LG", "biology"], "", clock_of(traveller))
    assert not Source.objects.exists()


def test_it_catches_up_what_a_feed_no_longer_shows(settings: Settings, traveller: Any) -> None:
    """Away on Thursday: the feed shows Friday alone, the nightly records have Thursday too."""
    batches = {(day, "cs.LG"): make_items(day, "cs.LG", 4) for day in (THURSDAY, FRIDAY)}
    arxiv = Arxiv(batches)

    def answer(seen: Seen) -> Reply | Writer:
        if seen.path != "/oai":
            return arxiv(seen)
        day = date.fromisoformat(seen.query["from"])
        return Reply(render_oai(day, batches.get((day, "cs.LG"), []), "cs:cs:LG"))

    with HttpServer(answer) as server:
        settings.FETCH_ALLOW = [server.allowed]
        feed = add_arxiv(server, "cs.LG", first_day=THURSDAY)
        parameters = {"categories": "cs.LG"}
        nightly = add_source("arXiv nightly", "arxiv-oai", server, parameters, first_day=THURSDAY)
        for source in (feed, nightly):
            fetch_source(source.pk, clock=clock_of(traveller))
    prepare_edition(FRIDAY, MORNING)
    papers = Edition.objects.get(date=FRIDAY).papers
    assert papers.filter(late=False).count() == papers.filter(late=True).count() == 4
    assert Paper.objects.count() == 8
    states = {story.name: story.state for story in describe_day(THURSDAY).sources}
    assert states == {"arXiv": "failed", "arXiv nightly": "fresh"}  # the feed was never asked


def test_it_says_in_the_letter_what_is_missing(settings: Settings, traveller: Any) -> None:
    """Hugging Face is there, cs.LG is not: the letter goes, and says so."""
    lists = {FRIDAY: [("2611.00001", RL, 7)]}
    batches = {(FRIDAY, "cs.LG"): make_items(FRIDAY, "cs.LG", 2)}
    batches[THURSDAY, "cs.LG"] = []
    late = MORNING.replace(hour=9)
    arxiv, reader = Arxiv(batches, {(FRIDAY, "cs.LG"): late}), subscribe("reinforcement learning")
    with (
        HttpServer(HuggingFace(lists)) as first,
        HttpServer(arxiv) as second,
        SmtpServer() as relay,
    ):
        settings.FETCH_ALLOW = [first.allowed, second.allowed]
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        slow = add_arxiv(second, "cs.LG")
        for source in (add_huggingface(first), slow):
            fetch_source(source.pk, clock=clock_of(traveller))
        traveller.move_to(MORNING.replace(hour=6, minute=30))
        assert run_day(None, datetime.now(UTC), everyone=True).sent == 1
        before = Edition.objects.get(date=FRIDAY)
        assert before.absent == ["arXiv"]
        traveller.move_to(late)
        fetch_source(slow.pk, clock=clock_of(traveller), by="command")
    letter = relay.accepted[0].data.decode().replace("=\r\n", "").replace("\r\n", " ")
    assert "Without arXiv, whose papers had not come when this was made." in letter
    assert describe_day(FRIDAY, before.frozen_at).case == "late"
    assert Edition.objects.get(date=FRIDAY).absent == ["arXiv"]  # as the letter said
    assert Delivery.objects.get(subscriber=reader).state == "sent"


@pytest.fixture
def today_server(settings: Settings) -> Iterator[HttpServer]:
    """One paper of the real today: beat, workers and tick go by the database's clock."""
    today = datetime.now(UTC).date()
    with HttpServer(Reply(render_daily(today, [("2611.00001", RL, 7)]))) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def test_it_fetches_without_a_broker(
    today_server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    source = add_huggingface(today_server)
    call_command("tick")
    assert "Hugging Face: 1 new papers" in capsys.readouterr().out
    call_command("tick")  # not due again
    assert FetchRun.objects.filter(source=source).count() == 1


def test_it_fetches_by_task_one_source_after_the_other(
    today_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that slow sources never hold every worker."""
    queue: list[int] = []
    monkeypatch.setattr(tasks.fetch_papers, "delay", queue.append)
    first = add_huggingface(today_server)
    second = add_source("Mirror", "huggingface", today_server, {})
    assert tasks.fetch_due_sources() == {"told": 0, "source": first.pk}
    Source.objects.filter(pk=first.pk).update(
        owner="a worker", lease_until=datetime.now(UTC) + timedelta(minutes=5)
    )
    assert tasks.fetch_due_sources()["source"] == 0
    Source.objects.filter(pk=first.pk).update(owner="", lease_until=None)
    assert tasks.fetch_papers(first.pk) == {"papers": 1, "new": 1}
    assert queue == [first.pk, second.pk]
    assert tasks.fetch_papers(second.pk) == {"papers": 1, "new": 0}
    assert tasks.fetch_papers(first.pk) == {}  # not due: a task that came twice
    assert queue == [first.pk, second.pk]
    assert set(FetchRun.objects.values_list("by", flat=True)) == {"schedule"}
    assert "prune sources" in tasks.do_chores()["done"]
