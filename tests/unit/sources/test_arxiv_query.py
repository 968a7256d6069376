from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.sources.asking import Answer, ParameterError
from newsletter.sources.base import SourceBusyError, SourceError
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import DAY, answer, answer_sample, make_requests
from tests.unit.sources.samples import read_bytes, read_sample

NAMED = "arxiv-papers"
ASKED = "1605.00001 https://arxiv.org/abs/hep-th/9901001v1, arXiv:2602.00003 2699.99999"


@pytest.fixture(scope="module")
def found() -> Answer:
    return answer_sample(NAMED, "arxiv-query.xml", papers=ASKED)


def test_it_asks_for_papers_by_id_or_address() -> None:
    (request,) = make_requests(NAMED, papers=ASKED)
    assert urlsplit(request.url).hostname == "export.arxiv.org"
    assert parse_qs(urlsplit(request.url).query) == {
        "id_list": ["1605.00001,hep-th/9901001,2602.00003,2699.99999"],
        "max_results": ["4"],
    }


def test_it_asks_for_a_hundred_papers_at_once() -> None:
    papers = " ".join(f"2602.{number:05}" for number in range(250))
    assert len(make_requests(NAMED, papers=papers)) == 3


def test_it_refuses_what_is_no_paper() -> None:
    with pytest.raises(ParameterError, match="“banana” is no arXiv identifier"):
        find_source(NAMED).read_parameters({"papers": "2602.00001 banana"})


def test_it_reads_an_entry(found: Answer) -> None:
    paper = found.papers[0]
    assert (paper.arxiv_id, paper.version, paper.title) == ("1605.00001", 2, "Paths and Walks")
    assert (paper.abstract, paper.note) == ("We walk on paths.", "20 pages, 3 figures")
    assert (paper.journal, paper.doi) == ("J. Paths 3 (2017)", "10.1000/paths")
    assert paper.categories == ("math.AC", "math.CO")  # the primary one first
    assert paper.authors == ("Carla Example, Jr.", "Noor Sample")
    assert paper.published_at == datetime(2016, 5, 26, 17, 59, 46, tzinfo=UTC)


def test_it_takes_a_digit_for_a_title(found: Answer) -> None:
    assert (found.papers[1].arxiv_id, found.papers[1].title) == ("hep-th/9901001", "0")


def test_it_tells_a_withdrawn_paper_by_its_comment(found: Answer) -> None:
    assert [gone.identifier for gone in found.withdrawals] == ["arxiv:2602.00003"]


def test_it_names_the_papers_arxiv_does_not_have(found: Answer) -> None:
    assert [refusal.where for refusal in found.refusals] == ["2699.99999"]


def test_it_files_named_papers_under_the_day_they_are_asked(found: Answer) -> None:
    assert {(paper.listed_on, paper.source) for paper in found.papers} == {(DAY, "row")}


@pytest.mark.parametrize("status", [200, 400])
def test_it_says_what_an_error_entry_says(status: int) -> None:
    with pytest.raises(SourceError, match="incorrect id format for abc"):
        answer(NAMED, read_bytes("arxiv-query-error.xml"), status=status, papers="2602.00001")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, "Rate exceeded."),
        (200, "Rate exceeded."),
        (503, ""),
        (200, read_sample("arxiv-query.xml").partition("<entry>")[0] + "</feed>"),
    ],
    ids=["429", "plain text", "503", "randomly empty"],
)
def test_it_asks_for_patience_where_arxiv_does(status: int, body: str) -> None:
    with pytest.raises(SourceBusyError):
        answer(NAMED, body, status=status, papers="2602.00001")


def test_it_asks_a_search_for_the_days_wanted_and_turns_pages() -> None:
    body = read_sample("arxiv-query.xml").replace(">3</opensearch:total", ">9</opensearch:total")
    (request,) = make_requests("arxiv-query", since=date(2026, 3, 4), query='abs:"a b"')
    asked = parse_qs(urlsplit(request.url).query)
    span = "submittedDate:[202603040000 TO 202603062359]"
    assert asked["search_query"] == [f'(abs:"a b") AND {span}']
    following = answer("arxiv-query", body, query='abs:"a b"').following
    assert following is not None
    assert parse_qs(urlsplit(following.url).query)["start"] == ["3"]
    assert following.page == 1


def test_it_refuses_a_search_that_is_not_closed() -> None:
    with pytest.raises(ParameterError, match="not closed"):
        find_source("arxiv-query").read_parameters({"query": 'abs:"open'})
