"""Papers' pictures, fetched from servers that may be honest, slow, lying or hostile."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import tasks
from newsletter.models import FetchHost, Paper, PictureFetch, Thumbnail
from newsletter.politeness import Clock, database_now
from newsletter.sources.http import Limits
from newsletter.thumbnail_fetching import (
    LIMITS,
    WAITS,
    Round,
    fetch_thumbnails,
    has_due_thumbnails,
    retry_pictures,
)
from tests.http_server import HttpServer, Reply, Seen
from tests.unit.test_redrawing import SVG, make_bomb, paint

pytestmark = pytest.mark.django_db
AT_ONCE = Clock(database_now, lambda _: skip_pause())
QUICK = Limits(seconds=1.5, connect=1, silence=1, wire=LIMITS.wire, body=LIMITS.body)
PICTURE = paint()


@pytest.fixture
def server(settings: Settings) -> Iterator[HttpServer]:
    with HttpServer(Reply(PICTURE, headers={"Content-Type": "image/png"})) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def skip_pause() -> None:
    FetchHost.objects.update(next_at=None)


def make_paper(url: str, number: int = 1, **fields: Any) -> Paper:
    values = {"newest_listing": timezone.now().date(), "thumbnail_url": url, **fields}
    return Paper.objects.create(title=f"Paper {number}", title_key=f"paper {number}", **values)


def go(limits: Limits = QUICK) -> Round:
    return fetch_thumbnails(clock=AT_ONCE, limits=limits)


def wait_over() -> None:
    PictureFetch.objects.update(next_at=timezone.now() - timedelta(seconds=1))


def test_it_keeps_a_picture_and_the_site_shows_it(server: HttpServer, client: Client) -> None:
    paper = make_paper(f"{server.url}/2611.00001.png")
    assert go() == Round(kept=1)
    (seen,) = server.seen
    assert seen.headers["user-agent"].startswith("PaperRound/")
    kept = Thumbnail.objects.get(paper=paper)
    page = client.get(f"/p/{paper.pk}").content.decode()
    url = f"/t/{paper.pk}/{kept.large_digest[:16]}"
    assert f'src="{url}" width="960" height="518"' in page
    answer = client.get(url)
    assert (answer["Content-Type"], bytes(kept.large_data)) == ("image/webp", answer.content)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert go() == Round()
    assert len(server.seen) == 1


def test_it_asks_for_late_papers_of_known_hosts_only(server: HttpServer) -> None:
    old = timezone.now().date() - timedelta(days=20)
    make_paper(f"{server.url}/old.png", 1, newest_listing=old)
    make_paper(f"{server.url}/hidden.png", 2, hidden=True)
    make_paper("", 3)
    elsewhere = make_paper("https://tracker.example/x.png", 4)
    below = make_paper("https://huggingface.co.example/x.png", 5)
    assert go() == Round(failed=2)
    assert server.seen == []
    for paper in (elsewhere, below):
        row = PictureFetch.objects.get(paper=paper)
        assert (row.state, row.tries) == ("refused", 1)
        assert "none of the hosts" in row.problem
    wait_over()
    assert not has_due_thumbnails()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://cdn-thumbnails.huggingface.co/x.png", "not encrypted"),
        ("https://user@cdn-thumbnails.huggingface.co/x.png", "user name"),
        ("https://huggingface.co\\@evil.example/x.png", "no address may hold"),
        ("ftp://cdn-thumbnails.huggingface.co/x.png", "no https address"),
    ],
)
def test_it_refuses_addresses_that_lead_astray(url: str, why: str) -> None:
    paper = make_paper(url)
    assert go().failed == 1
    row = PictureFetch.objects.get(paper=paper)
    assert (row.state, why in row.problem) == ("refused", True), row.problem


def trickle(link: socket.socket) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
    for _ in range(100):
        link.sendall(b"\x89")
        time.sleep(0.1)


HOSTILE = {
    "bomb": (Reply(make_bomb(60_000, 60_000)), "due", "more than the 16000000"),
    "wrong type": (Reply(b"<html>", headers={"Content-Type": "image/png"}), "due", "neither"),
    "svg": (Reply(SVG, headers={"Content-Type": "image/svg+xml"}), "due", "neither"),
    "truncated": (Reply(PICTURE[:-400]), "due", "broken"),
    "cut": (Reply(PICTURE[:-400], length=len(PICTURE)), "due", "broke off"),
    "5 MB": (Reply(bytes(5 * 1024**2)), "refused", "more than the 4194304"),
    "gzip bomb": (
        Reply(gzip.compress(bytes(64 * 1024**2)), headers={"Content-Encoding": "gzip"}),
        "refused",
        "more than",
    ),
    "slow": (lambda seen: trickle, "due", "no whole answer in"),
    "gone": (Reply(status=404), "due", "answered 404"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_picture_stops_nothing(name: str, server: HttpServer, client: Client) -> None:
    answer, state, why = HOSTILE[name]
    good = make_paper(f"{server.url}/good.png", 1)
    bad = make_paper(f"{server.url}/bad.png", 2)  # the newer one is asked for first

    def reply(seen: Seen) -> Any:
        if seen.path == "/good.png":
            return Reply(PICTURE)
        return answer(seen) if callable(answer) else answer

    server.answer = reply
    started = time.monotonic()
    assert go() == Round(kept=1, failed=1)
    assert time.monotonic() - started < 15
    assert list(Thumbnail.objects.values_list("paper", flat=True)) == [good.pk]
    row = PictureFetch.objects.get(paper=bad)
    assert (row.state, row.claimed_until) == (state, None)
    assert why in row.problem, row.problem
    assert "<img" not in client.get(f"/p/{bad.pk}").content.decode()


def test_it_follows_no_redirect_into_this_machine(server: HttpServer, settings: Settings) -> None:
    with HttpServer(Reply(PICTURE)) as inside:
        for target in (inside.url, f"https://127.0.0.1:{inside.port}", "https://169.254.169.254"):
            server.answer = Reply(status=302, headers={"Location": f"{target}/x.png"})
            PictureFetch.objects.all().delete()
            Paper.objects.all().delete()
            paper = make_paper(f"{server.url}/x.png")
            assert go().failed == 1
            assert PictureFetch.objects.get(paper=paper).state == "refused"
        # Also where a host that is allowed turns out to be this machine.
        settings.THUMBNAIL_HOSTS = ["localhost"]
        paper = make_paper(f"https://localhost:{inside.port}/x.png", 2)
        assert go().failed == 1
        assert "not a public address" in PictureFetch.objects.get(paper=paper).problem
        assert inside.connections == 0
    assert not Thumbnail.objects.exists()


def test_it_tries_a_few_times_and_then_no_more(server: HttpServer) -> None:
    server.answer = Reply(status=500)
    paper = make_paper(f"{server.url}/x.png")
    for tried in range(len(WAITS) + 1):
        assert go().failed == 1
        row = PictureFetch.objects.get(paper=paper)
        assert row.tries == tried + 1
        if tried < len(WAITS):
            assert row.tried_at
            assert abs(row.next_at - row.tried_at - WAITS[tried]) < timedelta(minutes=1)
            assert go() == Round()  # not before its time
        wait_over()
    assert row.state == "failed"
    assert go() == Round()
    server.answer = Reply(PICTURE)
    assert retry_pictures([paper.pk]) == 1
    assert go() == Round(kept=1)
    assert retry_pictures([paper.pk]) == 0


def test_it_begins_anew_with_another_address(server: HttpServer) -> None:
    paper = make_paper(f"{server.url}/1.png")
    go()
    first = Thumbnail.objects.get(paper=paper).digest
    server.answer = Reply(paint((500, 500)))
    Paper.objects.filter(pk=paper.pk).update(thumbnail_url=f"{server.url}/2.png")
    assert go() == Round(kept=1)
    assert Thumbnail.objects.get(paper=paper).digest != first


def test_it_leaves_a_host_alone_that_asks_for_it(server: HttpServer) -> None:
    server.answer = Reply(status=429, headers={"Retry-After": "600"})
    for number in range(3):
        make_paper(f"{server.url}/{number}.png", number)
    assert go().failed == 3
    assert len(server.seen) == 1
    held = FetchHost.objects.get()
    assert held.held_until
    assert held.held_until - database_now() > timedelta(minutes=9)
    waiting = PictureFetch.objects.filter(next_at=held.held_until)
    assert list(waiting.values_list("state", "tries")) == [("due", 0)] * 2


def test_a_round_is_bounded(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.thumbnail_fetching.MOST", 2)
    for number in range(3):
        make_paper(f"{server.url}/{number}.png", number)
    assert go() == Round(kept=2, more=True)
    assert go() == Round(kept=1)
    assert [seen.path for seen in server.seen] == ["/2.png", "/1.png", "/0.png"]


def test_one_whose_worker_dies_each_time_is_given_up(server: HttpServer) -> None:
    paper = make_paper(f"{server.url}/x.png")
    has_due_thumbnails()
    claimed = timezone.now() - timedelta(minutes=1)
    PictureFetch.objects.update(tries=len(WAITS) + 1, claimed_until=claimed)
    assert go().failed == 1
    row = PictureFetch.objects.get(paper=paper)
    assert (row.state, "given up" in row.problem) == ("refused", True)
    assert server.seen == []


def test_it_waits_while_another_worker_fetches(server: HttpServer) -> None:
    make_paper(f"{server.url}/x.png")
    assert has_due_thumbnails()
    PictureFetch.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    assert not has_due_thumbnails()
    assert go() == Round()


def test_tick_and_a_worker_fetch_them(
    server: HttpServer, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.CELERY_TASK_ROUTES[tasks.fetch_thumbnails.name] == {"queue": "sources"}
    make_paper(f"{server.url}/1.png", 1)
    call_command("tick")
    assert "pictures: 1 kept, 0 not" in capsys.readouterr().out
    make_paper(f"{server.url}/2.png", 2)
    FetchHost.objects.update(next_at=None)
    assert tasks.fetch_thumbnails() == {"kept": 1, "failed": 0}
    assert Thumbnail.objects.count() == 2


def test_the_minute_asks_a_worker_for_them(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(tasks, "hint", lambda task, **options: asked.append((task.name, options)))
    tasks.fetch_due_sources()
    assert asked == []
    make_paper(f"{server.url}/1.png")
    tasks.fetch_due_sources()
    assert asked == [(tasks.fetch_thumbnails.name, {"expires": tasks.HINT_SECONDS})]


def test_it_hints_at_pictures_without_a_broker(server: HttpServer, broker_away: None) -> None:
    make_paper(f"{server.url}/1.png")
    tasks.fetch_due_sources()


def test_the_morning_says_which_could_not_be_fetched(
    server: HttpServer, admin_client: Client
) -> None:
    make_paper("https://tracker.example/x.png")
    go()
    page = admin_client.get("/admin/").content.decode()
    assert "1 picture of a paper could not be fetched since yesterday" in page


def test_it_can_be_switched_off(server: HttpServer, settings: Settings) -> None:
    settings.THUMBNAILS = False
    make_paper(f"{server.url}/x.png")
    assert not has_due_thumbnails()
    assert go() == Round()
    assert not PictureFetch.objects.exists()


def test_pictures_go_with_their_papers(server: HttpServer) -> None:
    paper = make_paper(f"{server.url}/x.png")
    go()
    paper.delete()
    assert not Thumbnail.objects.exists()
    assert not PictureFetch.objects.exists()
