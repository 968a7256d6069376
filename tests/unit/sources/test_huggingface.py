from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from newsletter.sources.base import NotYetError, SourceError
from newsletter.sources.huggingface import load_daily_papers
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import DAY, answer, make_requests
from tests.unit.sources.samples import read_sample


@pytest.fixture(scope="module")
def data() -> list[object]:
    found = json.loads(read_sample("daily-papers.json"))
    assert isinstance(found, list)
    return found


def test_it_reads_a_record(data: list[object]) -> None:
    paper = load_daily_papers(data).papers[0]
    assert (paper.arxiv_id, paper.version) == ("2600.00001", None)
    assert paper.url == "https://arxiv.org/abs/2600.00001"
    assert paper.title == "Paths That Remember"
    assert paper.abstract == "We study gardens. They remember their visitors."
    assert (paper.upvotes, paper.comments) == (10, 1)
    assert paper.project_url == "https://example.org/paths"
    assert paper.code_url == "https://github.com/example/paths"
    assert paper.thumbnail_url == "https://cdn-thumbnails.example.org/2600.00001.png"
    assert paper.ai_summary == "Gardens remember."
    assert paper.ai_keywords == ("gardens", "memory")
    assert (paper.organization_handle, paper.organization) == ("MHUGLab", "The M Lab")


def test_it_leaves_hidden_authors_out(data: list[object]) -> None:
    assert load_daily_papers(data).papers[0].authors == ("Ada Example", "Noor Sample")


def test_it_takes_the_inner_dates_and_the_utc_day(data: list[object]) -> None:
    paper = load_daily_papers(data).papers[0]
    assert paper.published_at == datetime(2026, 2, 26, 17, 8, 18, tzinfo=UTC)
    assert paper.listed_on == date(2026, 3, 6)


def test_it_takes_null_as_absent(data: list[object]) -> None:
    paper = load_daily_papers(data).papers[1]
    assert (paper.authors, paper.upvotes, paper.comments) == ((), None, None)
    assert (paper.thumbnail_url, paper.code_url, paper.ai_keywords) == ("", "", ())
    assert paper.organization == "kite-lab"  # the outer one, which has no full name


def test_it_drops_an_address_that_is_none(data: list[object]) -> None:
    assert load_daily_papers(data).papers[1].project_url == ""


def test_it_reads_a_bare_paper_of_the_search(data: list[object]) -> None:
    paper = load_daily_papers(data).papers[2]
    assert (paper.arxiv_id, paper.authors) == ("0704.0001", ("Bo Dummy",))
    assert (paper.published_at, paper.listed_on) == (None, None)


def test_it_refuses_bad_records_and_goes_on(data: list[object]) -> None:
    listing = load_daily_papers(data)
    assert len(listing.papers) == 3
    assert [(refusal.where, refusal.reason) for refusal in listing.refusals] == [
        ("record 5 (2600.00005)", "the paper has no “summary”"),
        (
            "record 6 (not an id)",
            "“not an id” is no arXiv identifier; write it like 2602.23229",
        ),
        ("record 7", "expected an object, found int"),
    ]


def test_it_refuses_a_record_with_a_malformed_day() -> None:
    record = {"id": "2600.00001", "title": "T", "summary": "S", "submittedOnDailyAt": "yesterday"}
    (refusal,) = load_daily_papers([record]).refusals
    assert refusal.reason.startswith("“submittedOnDailyAt”: “yesterday” is no time")


def test_it_takes_an_empty_answer_for_a_day_without_papers() -> None:
    assert load_daily_papers([]).papers == ()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"error": "Invalid date"}, "found the error “Invalid date”"),
        ({"errors": [{"message": "one"}, "two"]}, "found the error “one; two”"),
        ({"error": "x", "error_description": "Too fast"}, "found the error “Too fast”"),
        ({"papers": []}, "found one object"),
        ("soon", "found str"),
        (None, "found NoneType"),
        ([1, 2], "no “paper” and no “id”"),
    ],
)
def test_it_refuses_a_body_of_another_shape(body: object, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        load_daily_papers(body)


def test_it_takes_a_withdrawn_record_for_a_withdrawal(data: list[object]) -> None:
    (gone,) = load_daily_papers(data).withdrawals
    assert gone.identifier == "arxiv:2600.00004"
    assert gone.at == datetime(2026, 3, 7, tzinfo=UTC)


def test_it_asks_for_a_day_a_hundred_at_a_time() -> None:
    (request,) = make_requests("huggingface", date(2026, 3, 6))
    assert request.url == "https://huggingface.co/api/daily_papers?date=2026-03-06&limit=100&p=0"


def record(number: int, day: str = "2026-03-05T00:00:00.000Z") -> dict[str, object]:
    paper = {"id": f"2602.{number:05}", "title": "T", "summary": "S", "submittedOnDailyAt": day}
    return {"paper": paper, "numComments": 0}


def test_it_turns_the_page_when_it_is_full() -> None:
    full = answer("huggingface", json.dumps([record(number) for number in range(100)]))
    assert full.following is not None
    assert full.following.url.endswith("&p=1")
    assert answer("huggingface", json.dumps([record(1)])).following is None
    assert answer("huggingface", "[]").following is None


def test_it_says_which_day_the_records_bear_whatever_was_asked() -> None:
    found = answer("huggingface", json.dumps([record(1), record(2), record(3, "")]))
    assert found.announced_on == date(2026, 3, 5)
    assert [paper.listed_on for paper in found.papers] == [
        date(2026, 3, 5),
        date(2026, 3, 5),
        DAY,  # a record without a day is of the day that was asked for
    ]


def test_it_takes_400_for_a_day_that_has_not_come() -> None:
    with pytest.raises(NotYetError, match="no list of 2026-03-06 yet"):
        answer("huggingface", '{"error": "Invalid date"}', status=400)


@pytest.mark.parametrize(("day", "quiet"), [(6, False), (7, True), (8, True), (9, False)])
def test_it_is_quiet_on_weekends(day: int, quiet: bool) -> None:
    source = find_source("huggingface")
    assert source.is_quiet(source.read_parameters({}), date(2026, 3, day)) is quiet
