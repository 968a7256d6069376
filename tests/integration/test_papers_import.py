"""`manage.py import_papers`: any file, and arXiv ids over a real connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings

from newsletter import politeness
from newsletter.models import Listing, Paper
from newsletter.named import fetch_named, is_named_paper
from newsletter.papers import waiting_papers
from newsletter.sources.base import SourceError
from newsletter.storing import store_papers
from tests.factories import fetched
from tests.http_server import HttpServer, Reply
from tests.integration.fetching.world import clock_of
from tests.unit.sources.samples import DATA

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_papers", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "papers", "said"),
    [
        ("arxiv-rss.xml", 2, "1 revision"),
        ("arxiv-oai.xml", 1, "record 5 (oai:arXiv.org:2603.00005): it has no metadata"),
        ("journal-rdf.xml", 2, "no listing day for 2 papers"),
        ("crossref.json", 2, "record 3 (10.1000/abc.3): it has no title"),
        ("references.bib", 4, "line 18, broken): a brace is not closed"),
        ("references.ris", 1, "line 25): the file ends inside it"),
        ("daily-papers.html", 2, "2 papers: 2 new"),
    ],
)
def test_it_imports_files_and_says_what_was_refused(name: str, papers: int, said: str) -> None:
    assert said in run(str(DATA / name))
    assert Paper.objects.count() == papers


def test_it_imports_every_sample_and_the_same_again_changes_nothing() -> None:
    # Errors are no papers; the pages count other comments on the same papers on the same day.
    left_out = (
        *("arxiv-rss-error.xml", "arxiv-query-error.xml"),
        *("page-plain.txt", "page-bylines.txt", "arxiv-list.html"),
    )
    names = sorted(str(path) for path in DATA.glob("*.*") if path.name not in left_out)
    run(*names, "--listed-on", "2026-11-20")
    before = list(Paper.objects.order_by("pk").values())
    assert waiting_papers(DAY).count() > 25
    assert " 0 new, 0 updated" in run(*names, "--listed-on", "2026-11-20")
    assert list(Paper.objects.order_by("pk").values()) == before


def test_it_hides_what_a_file_withdraws() -> None:
    store_papers([fetched("A Withdrawn One", arxiv_id="2401.00004")])
    assert "1 withdrawn" in run(str(DATA / "arxiv-rss.xml"))
    assert Paper.objects.get(arxiv_id="2401.00004").hidden


@pytest.fixture
def traveller() -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def open_all_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command goes by the database's clock; these tests also run in arXiv's busiest hour."""
    monkeypatch.setattr(politeness, "_opens_at", lambda manner, now: None)


@pytest.fixture
def arxiv(settings: Settings, open_all_day: None) -> Iterator[HttpServer]:
    with HttpServer(Reply(body=(DATA / "arxiv-query.xml").read_bytes())) as server:
        settings.FETCH_ALLOW = [server.allowed]
        yield server


def test_it_fetches_the_papers_named_by_id_or_address(arxiv: HttpServer, traveller: Any) -> None:
    asked = ("1605.00001", "https://arxiv.org/abs/hep-th/9901001", "2699.00001")
    said = run(*asked, "--arxiv", arxiv.url)
    assert "arXiv: 2699.00001: arXiv has no paper of this id" in said
    assert "2 papers: 2 new" in said
    assert set(Listing.objects.values_list("listed_on", flat=True)) == {DAY}
    assert len(arxiv.seen) == 1
    assert arxiv.seen[0].query["id_list"] == "1605.00001,hep-th/9901001,2699.00001"


def test_it_says_that_arxiv_cannot_be_asked_now(
    settings: Settings, traveller: Any, open_all_day: None
) -> None:
    with HttpServer(Reply(b"Rate exceeded.", 429)) as server:
        settings.FETCH_ALLOW = [server.allowed]
        with pytest.raises(SourceError, match="429"):
            fetch_named("1605.00001", DAY, clock_of(traveller), base=server.url)
        with pytest.raises(CommandError, match="mend what is named above"):
            run("1605.00001", "--arxiv", server.url)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2602.23229", True),
        ("arXiv:2602.23229v2", True),
        ("https://arxiv.org/abs/2602.23229", True),
        ("hep-th/9901001", True),
        ("2602.23229.pdf", False),
        ("papers.json", False),
        ("https://example.org/2602.23229", False),
    ],
)
def test_it_tells_papers_from_files(text: str, named: bool) -> None:
    assert is_named_paper(text) is named
