from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.sources.arxiv import oai_set
from newsletter.sources.asking import Answer
from newsletter.sources.base import SourceBusyError, SourceError
from tests.unit.sources.asking import answer, answer_sample, make_requests

OAI = "arxiv-oai"


@pytest.fixture(scope="module")
def page() -> Answer:
    return answer_sample(OAI, "arxiv-oai.xml", categories="cs.CL")


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("cs.LG", "cs:cs:LG"),
        ("hep-th", "physics:hep-th"),
        ("math.NA", "math:math:NA"),
        ("astro-ph.GA", "physics:astro-ph:GA"),
        ("physics.optics", "physics:physics:optics"),
    ],
)
def test_it_names_the_set_of_a_category(category: str, name: str) -> None:
    assert oai_set(category) == name


def test_it_asks_from_the_first_day_wanted_to_the_last() -> None:
    (request,) = make_requests(OAI, since=date(2026, 3, 3), categories="cs.CL")
    assert parse_qs(urlsplit(request.url).query) == {
        "verb": ["ListRecords"],
        "metadataPrefix": ["arXiv"],
        "set": ["cs:cs:CL"],
        "from": ["2026-03-03"],
        "until": ["2026-03-06"],
    }


def test_it_reads_a_record(page: Answer) -> None:
    paper = page.papers[0]
    assert (paper.arxiv_id, paper.version, paper.announced) == ("2603.00001", 1, "new")
    assert (paper.title, paper.abstract) == ("Words in Gardens", "We count words. They grow.")
    assert paper.authors == ("Ada Example, Jr", "ATLAS Collaboration")
    assert (paper.note, paper.journal, paper.doi) == ("12 pages", "J. Words 1", "10.1000/words")
    assert paper.categories == ("cs.CL", "cs.LG")
    assert paper.published_at == datetime(2026, 3, 4, tzinfo=UTC)
    assert paper.listed_on == date(2026, 3, 6)


def test_it_takes_a_changed_old_record_for_a_revision(page: Answer) -> None:
    assert [(paper.arxiv_id, paper.announced, paper.version) for paper in page.papers[1:]] == [
        ("1706.00002", "replace", None),
        ("2603.00006", "replace", 2),
    ]


def test_it_reads_arxivraw_with_its_flat_authors(page: Answer) -> None:
    assert page.papers[2].authors == ("Bo Dummy", "Ada Example")
    assert page.papers[2].published_at == datetime(2017, 6, 12, 17, 57, 34, tzinfo=UTC)


def test_it_reads_deleted_and_withdrawn_records(page: Answer) -> None:
    assert [(gone.identifier, gone.reason) for gone in page.withdrawals] == [
        ("arxiv:2602.00009", "deleted by arXiv"),
        ("arxiv:math/0309136", "Withdrawn, see 2601.00001"),
    ]


def test_it_refuses_a_record_without_metadata(page: Answer) -> None:
    (refusal,) = page.refusals
    assert refusal.where == "record 5 (oai:arXiv.org:2603.00005)"


def test_it_hands_the_resumption_token_on_encoded_once_more(page: Answer) -> None:
    following = page.following
    assert following is not None
    token = "verb%3DListRecords%26from%3D2026-03-06%26skip%3D1300"
    assert parse_qs(urlsplit(following.url).query) == {
        "verb": ["ListRecords"],
        "resumptionToken": [token],
    }
    assert (following.part, following.page) == ("cs.CL", 1)


@pytest.mark.parametrize("end", ["", "<resumptionToken/>"])
def test_it_ends_where_no_token_is(end: str) -> None:
    body = f"<OAI-PMH><ListRecords>{end}</ListRecords></OAI-PMH>"
    assert answer(OAI, body, categories="cs.CL").following is None


def test_it_takes_no_records_for_a_quiet_day() -> None:
    body = '<OAI-PMH><error code="noRecordsMatch">no matches</error></OAI-PMH>'
    found = answer(OAI, body, categories="cs.CL")
    assert (found.papers, found.refusals, found.following) == ((), (), None)


def test_it_says_what_another_error_says() -> None:
    body = '<OAI-PMH><error code="badArgument">unknown set</error></OAI-PMH>'
    with pytest.raises(SourceError, match="badArgument, “unknown set”"):
        answer(OAI, body, categories="cs.CL")


def test_it_asks_for_patience_at_a_first_byte_timeout() -> None:
    with pytest.raises(SourceBusyError, match="503 and said “first byte timeout”"):
        answer(OAI, "<html><h1>first byte timeout</h1></html>", status=503, categories="cs.CL")
