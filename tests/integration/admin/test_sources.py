"""Sources in the admin: typed parameters, the test, the chart, samples that cannot bite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from newsletter.fetching import fetch_source, list_due_sources
from newsletter.models import FetchRun, Paper, Quarantined, Source, SourceDay
from newsletter.watching import watch_sources
from tests.http_server import HttpServer, Reply
from tests.integration.admin.makers import NOW, SCRIPT, TODAY, make_edition, make_operator
from tests.integration.fetching.world import render_daily

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stopped_clock")]
LIST = "/admin/newsletter/source/"


@pytest.fixture
def server(settings: Settings) -> Iterator[HttpServer]:
    body = render_daily(TODAY, [("2611.00001", f"Learning {SCRIPT}", 3)])
    with HttpServer(Reply(body)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def make_source(kind: str = "arxiv-rss", **fields: Any) -> Source:
    values = {
        "name": "arXiv", "parameters": {"categories": "cs.LG"}, "first_day": TODAY, **fields,
    }  # fmt: skip
    return Source.objects.create(kind=kind, **values)


def post_form(client: Client, source: Source, **fields: Any) -> str:
    data = {
        "name": source.name, "enabled": "on", "daily": "on", "every": "120", "expected_by": "",
        "first_day": source.first_day.isoformat(), "secret_env": "", **fields,
    }  # fmt: skip
    url = f"{LIST}{source.pk}/change/"
    return unescape(client.post(url, data, follow=True).content.decode())


def test_it_adds_a_source_in_two_steps(operator_client: Client) -> None:
    page = operator_client.post(
        f"{LIST}add/", {"name": "Preprints", "kind": "arxiv-rss"}, follow=True
    ).content.decode()
    source = Source.objects.get()
    assert (source.name, source.enabled, source.first_day) == ("Preprints", False, TODAY)
    assert 'name="parameter_categories"' in page
    assert "Evenings without announcement" in page
    assert "arxiv-papers" not in operator_client.get(f"{LIST}add/").content.decode()


def test_it_checks_parameters_as_the_loader_reads_them(operator_client: Client) -> None:
    source = make_source(enabled=False)
    page = post_form(operator_client, source, parameter_categories="cs.LG, cs")
    assert "“cs” is a whole archive" in page
    source.refresh_from_db()
    assert (source.enabled, source.parameters) == (False, {"categories": "cs.LG"})
    holidays = "2026-11-26\n2027-01-01"
    post_form(
        operator_client,
        source,
        parameter_categories="cs.AI cs.LG",
        parameter_holidays=holidays,
        parameter_base="https://rss.arxiv.org",
    )
    source.refresh_from_db()
    assert source.enabled
    kept = {name: value.replace("\r", "") for name, value in source.parameters.items()}
    assert kept == {"categories": "cs.AI cs.LG", "holidays": holidays}


def test_it_begins_with_today_when_switched_on(operator_client: Client) -> None:
    source = make_source(enabled=False, first_day=TODAY - timedelta(days=40), next_at=NOW)
    post_form(operator_client, source, parameter_categories="cs.LG")
    source.refresh_from_db()
    assert (source.first_day, source.next_at) == (TODAY, None)


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "s3cret-value-itself", "PAPER_ROUND_LINK_KEY"]
)
def test_it_takes_the_name_of_a_key_only(operator_client: Client, name: str) -> None:
    source = make_source()
    assert "PAPER_ROUND_SOURCE_HF_TOKEN" in post_form(
        operator_client, source, parameter_categories="cs.LG", secret_env=name
    )
    source.refresh_from_db()
    assert source.secret_env == ""


def test_it_tests_a_source_and_stores_nothing(operator_client: Client, server: HttpServer) -> None:
    source = make_source("huggingface", name="Hugging Face", parameters={"base": server.url})
    url = f"{LIST}{source.pk}/test/"
    assert operator_client.get(url).status_code == 200
    assert not server.seen
    page = operator_client.post(url, {"test": "1"}).content.decode()
    assert "1 paper" in page
    assert "<script>alert(1)" not in page
    assert not Paper.objects.exists()
    server.answer = Reply(b"<script>alert(1)</script> upstream is down", 502)
    page = operator_client.post(url, {"test": "1"}).content.decode()
    assert "It does not work" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; upstream is down" in page
    run = FetchRun.objects.latest("pk")
    page = operator_client.get(f"/admin/newsletter/fetchrun/{run.pk}/change/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_it_makes_a_source_due(operator_client: Client) -> None:
    source = make_source(next_at=NOW + timedelta(hours=2))
    operator_client.post(f"{LIST}{source.pk}/test/", {"fetch": "1"})
    source.refresh_from_db()
    assert source.next_at is None


def test_it_changes_nothing_when_looked_at(operator_client: Client, server: HttpServer) -> None:
    source = make_source("huggingface", name="Hugging Face", parameters={"base": server.url})
    before = list(Source.objects.values())
    for path in ("", "usual/", f"{source.pk}/test/", f"{source.pk}/try", f"{source.pk}/change/"):
        assert operator_client.get(LIST + path, follow=True).status_code == 200, path
    assert list(Source.objects.values()) == before
    assert not server.seen
    assert not FetchRun.objects.exists()


def test_it_asks_for_the_permission(client: Client) -> None:
    source = make_source()
    client.force_login(make_operator("newsletter.view_source"))
    assert client.get(f"{LIST}{source.pk}/change/").status_code == 200
    assert client.get(f"{LIST}{source.pk}/test/").status_code == 403
    assert client.post(f"{LIST}usual/").status_code == 403
    assert User.objects.count() == 1


def test_it_adds_the_usual_sources_off(operator_client: Client) -> None:
    operator_client.post(f"{LIST}usual/")
    operator_client.post(f"{LIST}usual/")
    rows = sorted(Source.objects.values_list("name", "kind", "enabled"))
    assert rows == [
        ("Hugging Face", "huggingface", False),
        ("arXiv", "arxiv-rss", False),
        ("arXiv nightly", "arxiv-oai", False),
    ]


def test_it_shows_how_each_day_went(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    source = make_source()
    for number, state in enumerate(("fresh", "stalled", "failed", "quiet", "waiting")):
        fresh = {"fresh_at": NOW, "unseen": 4} if state == "fresh" else {}
        day = TODAY - timedelta(days=number)
        SourceDay.objects.create(
            source=source, part="cs.LG", day=day, state=state, papers=4, **fresh
        )
    FetchRun.objects.create(
        source=source, by="schedule", state="failed", started_at=NOW, finished_at=NOW,
        problem="arXiv: it answered 500", sample=f"{SCRIPT}<script>",
    )  # fmt: skip
    Quarantined.objects.create(
        source=source, place="record 3", reason="no id", day=TODAY, first_at=NOW, last_at=NOW
    )
    page = unescape(operator_client.get(f"{LIST}{source.pk}/change/").content.decode())
    for words in ("4 unseen of 4", "4 papers, all of them old", "1 record could not be read"):
        assert words in page
    with django_assert_max_num_queries(9):
        page = operator_client.get(LIST).content.decode()
    assert "ago, failed" in page
    index = unescape(operator_client.get("/admin/").content.decode())
    assert "Stalled: arXiv cs.LG on 2026-11-19: asked 0 times" in index


def test_it_says_when_a_source_is_of_no_known_kind(operator_client: Client) -> None:
    source = make_source("gopher")
    assert "gopher" in operator_client.get(LIST).content.decode()
    assert "gopher is no kind of source" in post_form(operator_client, source)
    watch_sources(datetime.now(UTC))
    assert list_due_sources(datetime.now(UTC)) == [source.pk]
    report = fetch_source(source.pk)
    assert report is not None
    assert "“gopher” is no kind of source" in report.problem


def test_it_says_of_an_edition_what_was_missing(operator_client: Client) -> None:
    edition = make_edition()
    SourceDay.objects.create(
        source=make_source(), part="cs.LG", day=TODAY, state="fresh", unseen=2, fresh_at=NOW
    )
    url = f"/admin/newsletter/edition/{edition.pk}/change/"
    page = unescape(operator_client.get(url).content.decode())
    assert "Some papers came after the edition was made" in page
    type(edition).objects.update(absent=["arXiv"])
    page = unescape(operator_client.get(url).content.decode())
    assert "Its letters say it was made without arXiv." in page
