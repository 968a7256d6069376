from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.sources.asking import SATURDAY, SUNDAY, Answer, ParameterError
from newsletter.sources.base import SourceError
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import answer, answer_sample, make_requests
from tests.unit.sources.samples import read_bytes

RSS = "arxiv-rss"


@pytest.fixture(scope="module")
def batch() -> Answer:
    return answer_sample(RSS, "arxiv-rss.xml", categories="cs.LG")


def test_it_asks_each_category_on_its_own() -> None:
    requests = make_requests(RSS, categories="cs.LG, hep-th\ncs.LG")
    assert [request.url for request in requests] == [
        "https://rss.arxiv.org/rss/cs.LG",
        "https://rss.arxiv.org/rss/hep-th",
    ]
    assert [(request.part, request.source) for request in requests] == [
        ("cs.LG", "row cs.LG"),
        ("hep-th", "row hep-th"),
    ]


@pytest.mark.parametrize(
    ("categories", "mend"),
    [
        ("cs", "name its categories, such as cs.AI cs.LG"),
        ("hep-th.XX", "has no categories of its own: write hep-th"),
        ("cs.LG, ../etc", "write them like cs.LG or hep-th"),
        (" ,", "it is needed and empty|name at least one category"),
    ],
)
def test_it_refuses_categories_with_the_mend(categories: str, mend: str) -> None:
    with pytest.raises(ParameterError, match=mend) as caught:
        find_source(RSS).read_parameters({"categories": categories})
    assert list(caught.value.reasons) == ["categories"]


def test_it_reads_a_new_paper(batch: Answer) -> None:
    paper = batch.papers[0]
    assert (paper.arxiv_id, paper.version, paper.announced) == ("2508.00001", 1, "new")
    assert paper.title == r"Gardens That Remember: Learning $\alpha$-Paths"
    assert paper.abstract.startswith("We study gardens where a < b and $x > 0$.")
    assert paper.url == "https://arxiv.org/abs/2508.00001"
    assert paper.categories == ("cs.LG", "stat.ML")
    assert (paper.doi, paper.also_known_as) == ("10.1000/garden.1", ("doi:10.1000/garden.2",))
    assert paper.journal == "Journal of Gardens 12 (2025)"


def test_it_parts_authors_from_affiliations_with_commas(batch: Answer) -> None:
    assert batch.papers[0].authors == (
        r"Paulo Andr\'e Exemplo de Castro",
        r"Gy\"{o}rgy Minta",
        "Bo Dummy, Jr.",
    )


def test_it_keys_the_day_by_the_announcement_not_by_the_feed(batch: Answer) -> None:
    assert {paper.listed_on for paper in batch.papers} == {date(2025, 8, 20)}
    assert batch.announced_on == date(2025, 8, 20)  # the feed itself says the day after
    assert all(paper.listed_once for paper in batch.papers)


def test_it_dates_new_papers_only_by_the_announcement(batch: Answer) -> None:
    assert batch.papers[0].published_at == datetime(2025, 8, 20, 4, tzinfo=UTC)
    assert batch.papers[1].published_at is None  # a cross-list may be years old


def test_it_tells_announcements_apart(batch: Answer) -> None:
    assert [(paper.announced, paper.version) for paper in batch.papers] == [
        ("new", 1),
        ("cross", 1),
        ("replace-cross", 4),
    ]


def test_it_reads_a_withdrawal(batch: Answer) -> None:
    (gone,) = batch.withdrawals
    assert (gone.identifier, gone.source) == ("arxiv:2401.00004", "row cs.LG")
    assert "error in Lemma 2" in gone.reason


def test_it_refuses_bad_items_and_goes_on(batch: Answer) -> None:
    assert [(refusal.where, refusal.reason.split(";")[0]) for refusal in batch.refusals] == [
        ("record 5 (oai:arXiv.org:2508.00005v1)", "it has no title"),
        ("record 6 (oai:elsewhere:1)", "“oai:elsewhere:1” is no arXiv identifier"),
        ("record 7 (oai:arXiv.org:2508.00006v1)", "“Someday” is no date"),
    ]


def test_it_takes_an_empty_feed_for_a_quiet_day() -> None:
    found = answer_sample(RSS, "arxiv-rss-empty.xml", categories="cs.LG")
    assert (found.papers, found.refusals, found.total) == ((), (), 0)
    assert found.skip_days == {SATURDAY, SUNDAY}
    assert found.announced_on == date(2025, 8, 23)


@pytest.mark.parametrize("status", [200, 400])
def test_it_says_what_an_error_feed_says(status: int) -> None:
    with pytest.raises(SourceError, match=r"Bad archive 'cs.XX'.*check the category"):
        answer(RSS, read_bytes("arxiv-rss-error.xml"), status=status, categories="cs.LG")


def test_it_reads_the_atom_dialect() -> None:
    (paper,) = answer_sample(RSS, "arxiv-atom.xml", categories="hep-th").papers
    assert (paper.arxiv_id, paper.version, paper.abstract) == ("2508.00011", 1, "We wrap it.")
    assert paper.authors == ("Ada Example", "Noor Sample")
    assert (paper.listed_on, paper.categories) == (date(2025, 8, 20), ("hep-th",))


def test_it_warns_of_a_feed_that_arxiv_cut() -> None:
    item = b"<item><title>T</title><guid>oai:arXiv.org:2508.%05dv1</guid></item>"
    items = b"".join(item % number for number in range(2000))
    found = answer(RSS, b"<rss><channel>" + items + b"</channel></rss>", categories="cs.LG")
    assert (len(found.papers), found.total) == (2000, 2000)
    assert "new papers that are missing" in found.warning


@pytest.mark.parametrize(
    ("day", "quiet"),
    [
        (date(2026, 11, 20), False),
        (date(2026, 11, 21), True),  # a Saturday
        (date(2026, 11, 26), False),  # what was announced on Wednesday evening
        (date(2026, 11, 27), True),  # no announcement on Thanksgiving evening
    ],
)
def test_it_knows_the_days_arxiv_announces_nothing(day: date, quiet: bool) -> None:
    source = find_source(RSS)
    assert source.is_quiet(source.read_parameters({"categories": "cs.LG"}), day) is quiet
