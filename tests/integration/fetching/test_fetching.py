"""One look at a source: what is stored, what is remembered, what goes wrong, who may look."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from newsletter.days import run_day
from newsletter.fetching import (
    RunReport,
    fetch_source,
    list_due_sources,
    watch_sources,
)
from newsletter.freshness import describe_day
from newsletter.models import (
    Delivery,
    FetchedPage,
    FetchRun,
    Listing,
    Paper,
    Quarantined,
    Source,
    SourceDay,
)
from tests.factories import subscribe
from tests.http_server import HttpServer, Reply, Seen
from tests.integration.fetching.world import (
    Arxiv,
    HuggingFace,
    add_arxiv,
    add_huggingface,
    add_source,
    clock_of,
    make_items,
    render_daily,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)
MORNING = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def traveller() -> Iterator[Any]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def server(settings: Settings, traveller: Any) -> Iterator[HttpServer]:
    """Hugging Face with one paper on Friday, until the test says otherwise."""
    listed = {FRIDAY: [("2611.00001", "Reinforcement learning with half the labels", 7)]}
    with HttpServer(HuggingFace(listed)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def look(source: Source, traveller: Any, **options: Any) -> RunReport:
    report = fetch_source(source.pk, clock=clock_of(traveller), by="command", **options)
    assert report is not None
    return report


def state_of(source: Source, day: date = FRIDAY, part: str = "") -> str:
    return SourceDay.objects.get(source=source, day=day, part=part).state


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


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"<html>oops</html>"), "JSON"),
        (Reply(b"[]", 500), "500"),
        (Reply(b'{"error":"no"}'), "no"),
        (Reply(b'[{"paper":{}}]'), "none could be read"),
        (Reply(b"[" * 90_000), "JSON"),
        (Reply(b"x", length=900), "broke off"),
    ],
)
def test_it_says_what_went_wrong_and_keeps_a_sample(
    server: HttpServer, traveller: Any, reply: Reply, said: str
) -> None:
    server.answer = reply
    source = add_huggingface(server)
    report = look(source, traveller)
    assert said in report.problem
    assert (report.state, state_of(source)) == ("failed", "failed")
    assert len(report.sample) <= 4000
    assert not Paper.objects.exists()


def test_it_quarantines_a_record_and_keeps_the_others(server: HttpServer, traveller: Any) -> None:
    body = json.loads(render_daily(FRIDAY, [(f"2611.{n:05}", f"Paper {n}", 1) for n in range(100)]))
    del body[41]["paper"]["id"]
    server.answer = lambda seen: Reply(
        json.dumps(body).encode() if seen.query["p"] == "0" else b"[]"
    )
    source = add_huggingface(server)
    report = look(source, traveller)
    assert (report.papers, report.new, report.refused) == (99, 99, 1)
    look(source, traveller)
    bad = Quarantined.objects.get()
    assert (bad.place, bad.times) == ("record 42", 2)
    assert "id" in bad.reason


def test_it_stores_nothing_on_a_dry_run(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    report = look(source, traveller, dry_run=True)
    assert (report.papers, report.unseen, report.new) == (1, 1, 0)
    assert report.titles == ("Reinforcement learning with half the labels",)
    for model in (Paper, Listing, SourceDay, FetchedPage, Quarantined):
        assert not model._default_manager.exists(), model
    source.refresh_from_db()
    assert source.next_at is None


def test_it_leaves_a_host_alone_after_429(server: HttpServer, traveller: Any) -> None:
    server.answer = Reply(b"slow down", 429, {"Retry-After": "1800"})
    source = add_huggingface(server)
    assert look(source, traveller).state == "failed"
    server.answer = HuggingFace({})
    traveller.shift(1700)
    held = look(source, traveller)
    assert (held.state, len(server.seen)) == ("partial", 1)
    assert "left alone until 04:30" in held.problem
    source.refresh_from_db()
    assert source.next_at == MORNING + timedelta(minutes=30)
    traveller.shift(200)
    assert look(source, traveller).state == "done"


def test_it_looks_once_at_a_time(server: HttpServer, traveller: Any) -> None:
    source = add_huggingface(server)
    Source.objects.update(owner="another", lease_until=datetime.now(UTC) + timedelta(minutes=5))
    assert fetch_source(source.pk, clock=clock_of(traveller)) is None
    assert list_due_sources(datetime.now(UTC)) == []
    traveller.shift(301)  # it died
    assert list_due_sources(datetime.now(UTC)) == [source.pk]
    assert fetch_source(source.pk, clock=clock_of(traveller)) is not None
    assert fetch_source(source.pk, clock=clock_of(traveller)) is None  # not due


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


def test_it_tells_the_operators_once(
    server: HttpServer, traveller: Any, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = Reply(b"[]", 500)
    source = add_huggingface(server)
    look(source, traveller)
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        settings.ALERTS_TO = ["ops@site.example"]
        assert watch_sources(datetime.now(UTC)) == 0  # it may still come
        traveller.move_to(MORNING.replace(hour=6, minute=1))
        assert watch_sources(datetime.now(UTC)) == 1
        assert watch_sources(datetime.now(UTC)) == 0
    (mail,) = relay.accepted
    assert mail.recipient == "ops@site.example"
    assert b"Hugging Face: failed" in mail.data
    assert b"answered 500" in mail.data
    assert "answered 500" in caplog.text


def test_it_fetches_by_command(
    server: HttpServer, traveller: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    add_huggingface(server, enabled=False)
    with pytest.raises(CommandError, match="no source is on"):
        call_command("fetch_papers")
    with pytest.raises(CommandError, match="'nature' is no source; there are: Hugging Face"):
        call_command("fetch_papers", "nature")
    call_command("fetch_papers", "hugging face", "--date", "2026-11-20", "--dry-run")
    assert not Paper.objects.exists()
    call_command("fetch_papers", "hugging face", "--date", "2026-11-20")
    out, err = capsys.readouterr()
    assert "Hugging Face: 1 papers, 1 unseen, 1 new, 0 refused, 1 requests" in out
    assert "Hugging Face 2026-11-20: 1 papers, 1 unseen" in err
    server.answer = Reply(b"", 500)
    with pytest.raises(CommandError, match="1 source failed"):
        call_command("fetch_papers", "hugging face")
    add_arxiv(server, "cs.LG")
    with pytest.raises(CommandError, match="arXiv shows the day it is at and no other"):
        call_command("fetch_papers", "arXiv", "--date", "2026-11-10")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.7"])
def test_it_connects_nowhere_private(server: HttpServer, traveller: Any, host: str) -> None:
    """An operator of the admin, or a feed that redirects, must not reach what is inside."""
    with HttpServer(Reply(b"secret")) as inside:
        address = f"https://{host}:{inside.port}/feed.xml"
        feed = add_source("Inside", "feed", server, {"url": address}, base=False)
        server.answer = Reply(status=302, headers={"Location": address})
        for source in (feed, add_huggingface(server)):
            problem = look(source, traveller).problem
            assert "not a public address" in problem or "no address" in problem
        assert (inside.connections, server.connections) == (0, 1)


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
