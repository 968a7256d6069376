from __future__ import annotations

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.sources.asking import Answer, ParameterError
from newsletter.sources.base import SourceError
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import answer, answer_sample, make_requests
from tests.unit.sources.samples import read_sample


@pytest.fixture(scope="module")
def page() -> Answer:
    return answer_sample("crossref", "crossref.json", issns="0028-0836")


def test_it_asks_for_what_was_registered_in_the_days_wanted() -> None:
    (request,) = make_requests(
        "crossref", since=date(2026, 3, 5), contact="op@example.org", issns="00280836 1476-4687"
    )
    asked = parse_qs(urlsplit(request.url).query)
    assert asked["filter"][0].split(",") == [
        "from-created-date:2026-03-05",
        "until-created-date:2026-03-06",
        "type:journal-article",
        "issn:0028-0836",
        "issn:1476-4687",
    ]
    assert (asked["cursor"], asked["mailto"]) == (["*"], ["op@example.org"])


def test_it_refuses_an_issn_whose_check_digit_is_wrong() -> None:
    with pytest.raises(ParameterError, match="“0028-0837” does not fit"):
        find_source("crossref").read_parameters({"issns": "0028-0837"})


def test_it_reads_a_work(page: Answer) -> None:
    paper = page.papers[0]
    assert (paper.title, paper.doi) == ("Light in a Garden & Shade", "10.1000/abc.1")
    assert paper.abstract == "We measured light. It fell by x."
    assert paper.authors == ("Ada Example", "Noor Sample, Jr.", "The Garden Consortium")
    assert (paper.journal, paper.url) == ("Journal of Gardens", "https://doi.org/10.1000/abc.1")
    assert paper.published_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert paper.listed_on == date(2026, 11, 2)


def test_it_knows_the_preprints_of_a_work(page: Answer) -> None:
    paper = page.papers[0]
    assert paper.arxiv_id == "2605.00001"  # the DOI of arXiv's own is an arXiv id
    assert paper.also_known_as == ("doi:10.1101/2026.05.01.000009",)


def test_it_takes_a_year_for_a_date(page: Answer) -> None:
    assert page.papers[1].published_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert (page.papers[1].authors, page.papers[1].abstract) == (("Dummy",), "")


def test_it_leaves_corrections_out_and_takes_retractions_for_withdrawals(page: Answer) -> None:
    assert len(page.papers) == 2
    assert [(gone.identifier, gone.reason) for gone in page.withdrawals] == [
        ("doi:10.1000/dark", "retracted by doi:10.1000/abc.5")
    ]
    assert [one.where for one in page.refusals] == ["record 3 (10.1000/abc.3)", "record 6"]


def test_it_follows_the_cursor_while_pages_are_full() -> None:
    assert answer_sample("crossref", "crossref.json", issns="0028-0836").following is None
    body = json.loads(read_sample("crossref.json"))
    body["message"]["items"] *= 40
    following = answer("crossref", json.dumps(body), issns="0028-0836").following
    assert following is not None
    assert parse_qs(urlsplit(following.url).query)["cursor"] == ["DnF1/+="]


def test_it_says_what_an_error_says() -> None:
    body = '{"status":"failed","message":[{"type":"v","message":"Bad filter"}]}'
    with pytest.raises(SourceError, match="Bad filter"):
        answer("crossref", body, status=400, issns="0028-0836")
    with pytest.raises(SourceError, match="“Bad filter”"):
        answer("crossref", body, issns="0028-0836")
