"""One look at a source: what is stored and remembered, when it is next, who may look."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from newsletter.fetching import (
    RunReport,
    fetch_source,
    list_due_sources,
)
from newsletter.models import (
    FetchedPage,
    FetchRun,
    Listing,
    Paper,
    Quarantined,
    Source,
    SourceDay,
)
from tests.http_server import HttpServer, Reply, Seen
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    add_huggingface,
    clock_of,
    look,
    render_daily,
)

pytestmark = pytest.mark.django_db


def test_it_stores_what_a_source_lists(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    report = look(source, traveller)
    assert (report.papers, report.unseen, report.new, report.states) == (1, 1, 1, {"": "fresh"})
    listing = Listing.objects.get()
    assert (listing.source, listing.listed_on) == ("Hugging Face", FRIDAY)
    run = FetchRun.objects.get()
    assert (run.state, run.by, run.requests, run.new, run.problem) == ("done", "command", 1, 1, "")
    source.refresh_from_db()
    assert (source.owner, source.lease_until) == ("", None)
    assert source.next_at == datetime.now(UTC) + timedelta(minutes=240)


def test_it_awaits_each_day_from_its_first_minute(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server, every=1440)
    look(source, traveller)
    source.refresh_from_db()
    assert source.next_at == datetime(2026, 11, 21, tzinfo=UTC)


def test_it_asks_again_only_for_what_changed(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    look(source, traveller)
    again = look(source, traveller)
    assert (again.requests, again.unchanged, again.states) == (1, 1, {"": "fresh"})
    whole = look(source, traveller, days=[FRIDAY])  # by the operator's word: unconditionally
    assert (whole.unchanged, whole.papers, whole.unseen) == (0, 1, 0)


def test_it_forgets_no_papers_when_storing_fails(
    server: HttpServer, traveller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kept validator without its papers would answer “not modified” for ever."""
    source = add_huggingface(server)
    with monkeypatch.context() as patch:
        patch.setattr("newsletter.gathering.record_look", lambda *_: 1 / 0)
        report = look(source, traveller)
        assert "ZeroDivisionError" in report.problem
    assert not Paper.objects.exists()
    assert not FetchedPage.objects.exists()
    assert look(source, traveller).new == 1


def test_it_stores_nothing_on_a_dry_run(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    report = look(source, traveller, dry_run=True)
    assert (report.papers, report.unseen, report.new) == (1, 1, 0)
    assert report.titles == ("Reinforcement learning with half the labels",)
    for model in (Paper, Listing, SourceDay, FetchedPage, Quarantined):
        assert not model._default_manager.exists(), model
    source.refresh_from_db()
    assert source.next_at is None


def test_it_looks_once_at_a_time(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    Source.objects.update(owner="another", lease_until=datetime.now(UTC) + timedelta(minutes=5))
    assert fetch_source(source.pk, clock=clock_of(traveller)) is None
    assert list_due_sources(datetime.now(UTC)) == []
    traveller.shift(301)  # it died
    assert list_due_sources(datetime.now(UTC)) == [source.pk]
    assert fetch_source(source.pk, clock=clock_of(traveller)) is not None
    assert fetch_source(source.pk, clock=clock_of(traveller)) is None  # not due


def test_it_says_that_a_worker_died(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    FetchRun.objects.create(source=source, by="schedule", started_at=MORNING)
    look(source, traveller)
    dead = FetchRun.objects.order_by("pk")[0]
    assert (dead.state, dead.problem) == ("failed", "its worker ended")


@pytest.mark.django_db(transaction=True)
def test_it_lets_one_of_two_workers_look(settings: Settings) -> None:
    """Both find it due at once; one asks, the other leaves it."""
    body, asked = render_daily(FRIDAY, []), threading.Barrier(2, timeout=20)
    reports: list[RunReport | None] = []

    def answer(seen: Seen) -> Reply:
        asked.wait()  # until the other worker has been turned away
        return Reply(body)

    def work() -> None:
        try:
            reports.append(fetch_source(source.pk))
            if reports[-1] is None:
                asked.wait()
        finally:
            connection.close()

    with HttpServer(answer) as server:
        settings.FETCH_ALLOW = [server.allowed]
        source = add_huggingface(server, first_day=datetime.now(UTC).date())
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(server.seen) == 1
    assert sorted(report is None for report in reports) == [False, True]


def test_it_sends_the_key_that_the_environment_holds(
    server: HttpServer, traveller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = add_huggingface(server, secret_env="PAPER_ROUND_SOURCE_HF")
    assert "PAPER_ROUND_SOURCE_HF is not set" in look(source, traveller).problem
    assert not server.seen
    monkeypatch.setenv("PAPER_ROUND_SOURCE_HF", "s3cret")
    look(source, traveller)
    assert server.seen[0].headers["authorization"] == "Bearer s3cret"
    Source.objects.update(secret_env="SECRET_KEY")
    assert "no name of a source" in look(source, traveller).problem
    assert "s3cret" not in json.dumps(list(FetchRun.objects.values("problem", "sample")))
