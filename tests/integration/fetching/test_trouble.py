"""What goes wrong with an answer or a host, and what is kept of it."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.models import (
    Paper,
    Quarantined,
)
from tests.http_server import HttpServer, Reply
from tests.integration.fetching.world import (
    FRIDAY,
    MORNING,
    HuggingFace,
    add_arxiv,
    add_huggingface,
    add_source,
    look,
    render_daily,
    state_of,
)

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "169.254.169.254",
        "10.0.0.7",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:7]",
        "2130706433",
    ],
)
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


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)).replace("&a0;", "&a;")
    + "]><rss><channel><title>&a9;</title></channel></rss>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><title>&x;</title><item><title>&x;</title></item></channel></rss>"
)


@pytest.mark.parametrize("bomb", [LAUGHS, OUTSIDE, "<a>" * 100_000], ids=["laughs", "file", "deep"])
def test_it_defuses_xml_from_a_server(settings: Settings, traveller: Any, bomb: str) -> None:
    """By way of the whole: a server, the client, the loader, and what the admin would show."""
    with HttpServer(Reply(bomb.encode(), packed=True)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        started = time.process_time()
        report = look(add_arxiv(server, "cs.LG"), traveller)
        assert time.process_time() - started < 5
    assert (report.state, report.papers) == ("failed", 0)
    assert "root:" not in report.problem + report.sample
    assert not Paper.objects.exists()
