from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.sources.asking import Answer, ParameterError
from newsletter.sources.base import SourceError
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import answer, answer_sample, make_requests


@pytest.fixture(scope="module")
def page() -> Answer:
    return answer_sample("biorxiv", "biorxiv.json")


def test_it_asks_for_the_days_wanted() -> None:
    (request,) = make_requests(
        "biorxiv", since=date(2026, 3, 5), server="medrxiv", category="Cell Biology"
    )
    assert request.url == (
        "https://api.biorxiv.org/details/medrxiv/2026-03-05/2026-03-06/0/json?category=cell_biology"
    )


def test_it_refuses_another_server_or_an_odd_subject() -> None:
    with pytest.raises(ParameterError) as caught:
        find_source("biorxiv").read_parameters({"server": "viXra", "category": "a/../b?c"})
    assert set(caught.value.reasons) == {"server", "category"}


def test_it_keeps_the_newest_version_of_a_paper_new_on_the_page(page: Answer) -> None:
    paper = page.papers[0]
    assert (paper.doi, paper.version) == ("10.1101/2026.06.29.000001", 2)
    assert (paper.title, paper.announced) == ("Cells in gardens, again", "new")
    assert paper.url == "https://www.biorxiv.org/content/10.1101/2026.06.29.000001v2"


def test_it_reads_unpadded_dates_markup_and_names() -> None:
    body = (
        '{"messages":[{"status":"ok"}],"collection":[{"doi":"10.1101/2026.06.29.000001",'
        '"title":"Cells in <i>gardens</i>","authors":"Example, A.; Sample, N. B.",'
        '"date":"2026-6-30","version":"1","abstract":"CO<sub>2</sub> where p<0.05 and n>3."}]}'
    )
    (paper,) = answer("biorxiv", body).papers
    assert paper.published_at == datetime(2026, 6, 30, tzinfo=UTC)
    assert (paper.title, paper.abstract) == ("Cells in gardens", "CO2 where p<0.05 and n>3.")
    assert paper.authors == ("A. Example", "N. B. Sample")


def test_it_takes_a_later_version_for_a_revision_and_keeps_the_journal_doi(page: Answer) -> None:
    paper = page.papers[1]
    assert (paper.version, paper.announced, paper.published_at) == (3, "replace", None)
    assert paper.also_known_as == ("doi:10.1000/roots",)


def test_it_reads_a_withdrawal(page: Answer) -> None:
    (gone,) = page.withdrawals
    assert gone.identifier == "doi:10.1101/2026.01.02.000003"


def test_it_refuses_a_bad_record_and_goes_on(page: Answer) -> None:
    (refusal,) = page.refusals
    assert refusal.where == "record 5 (not one)"


def test_it_advances_by_what_came_whatever_the_page_size(page: Answer) -> None:
    assert page.following is not None
    assert page.following.url.endswith("/2026-03-06/2026-03-06/5/json")
    assert page.total == 7


def test_it_takes_no_posts_for_a_quiet_day() -> None:
    body = '{"messages":[{"status":"no posts found"}],"collection":[]}'
    found = answer("biorxiv", body)
    assert (found.papers, found.following) == ((), None)
    assert answer("biorxiv", '{"messages":[{"status":"no posts found"}]}').papers == ()


@pytest.mark.parametrize(
    "body", ["[]", '{"messages":"x"}', "{", '{"messages":[{"status":"down"}]}']
)
def test_it_refuses_another_body(body: str) -> None:
    with pytest.raises(SourceError, match="bioRxiv's API"):
        answer("biorxiv", body)
