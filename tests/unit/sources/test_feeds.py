from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.sources.asking import Answer
from newsletter.sources.base import SourceError
from newsletter.sources.feeds import load_feed
from tests.unit.sources.asking import answer
from tests.unit.sources.samples import read_bytes

TODAY = date(2026, 11, 20)
URL = "https://letters.example.org/feed/rss"


def read(name: str, journal: str = "") -> Answer:
    return answer("feed", read_bytes(name), day=TODAY, url=URL, journal=journal)


@pytest.fixture(scope="module")
def rss() -> Answer:
    return read("journal-rss2.xml")


def test_it_reads_html_in_titles_and_texts(rss: Answer) -> None:
    paper = rss.papers[0]
    assert paper.title == "H2O in Gardens"
    assert paper.abstract == "We measured water & light. It rained."  # the longer of two, no script
    assert paper.journal == "Garden Letters: Latest & Online"


def test_it_finds_dois_wherever_they_stand(rss: Answer) -> None:
    assert [paper.doi for paper in rss.papers] == [
        "10.1000/water.1",  # in the link
        "10.1000/two",  # dc:identifier
        "10.1000/three",  # guid
        "",
    ]


def test_it_makes_links_whole_and_drops_dangerous_ones(rss: Answer) -> None:
    assert rss.papers[0].url == "https://letters.example.org/doi/full/10.1000/water.1?af=R"
    assert rss.papers[3].url == ""  # javascript:


def test_it_reads_authors_in_elements_or_in_one_string(rss: Answer) -> None:
    assert [paper.authors for paper in rss.papers] == [
        ("Ada Example", "Noor Sample"),
        ("Bo Dummy",),
        ("Ada Example", "Noor Sample", "Bo Dummy"),
        (),
    ]


def test_it_lists_what_is_new_on_the_day_it_is_seen_and_backlog_on_its_own(rss: Answer) -> None:
    assert [paper.listed_on for paper in rss.papers] == [
        TODAY,
        TODAY,  # without a date
        date(2026, 6, 1),
        TODAY,  # with an odd one
    ]
    assert all(paper.listed_once for paper in rss.papers)


def test_it_leaves_corrections_out_and_refuses_what_has_no_title(rss: Answer) -> None:
    assert [one.where for one in rss.refusals] == ["record 5 (https://letters.example.org/a/5)"]
    assert len(rss.papers) == 4


def test_it_reads_rss_1_whose_items_stand_beside_the_channel() -> None:
    first, second = read("journal-rdf.xml").papers
    assert (first.doi, first.journal) == ("10.1000/g-1", "Gardens Weekly")
    assert first.abstract == ""  # a preamble is no abstract
    assert first.published_at == datetime(2026, 11, 19, tzinfo=UTC)
    assert first.authors == ("Ada Example", "Noor Sample")
    assert (second.abstract, second.journal) == ("We dug.", "Gardens")
    assert second.url == "https://www.example.org/articles/g-2"  # rdf:about


def test_it_reads_atom() -> None:
    first, second = read("journal-atom.xml").papers
    assert (first.title, first.journal) == ("Lean Kites", "Kites Quarterly")
    assert first.url == "https://kites.example.org/doi/10.1000/kite.1"
    assert (first.doi, first.abstract) == ("10.1000/kite.1", "They lean.")
    assert first.published_at == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert first.authors == ("Ada Example", "Noor Sample")
    assert (second.title, second.arxiv_id) == ("Plain a < b Text", "2611.00001")
    assert second.abstract == "One. Two."


def test_it_takes_the_operators_name_for_the_journal() -> None:
    assert read("journal-atom.xml", "Kites").papers[0].journal == "Kites"


def test_it_reads_a_saved_feed_without_a_day() -> None:
    papers = load_feed(read_bytes("journal-rss2.xml")).papers
    assert {(paper.source, paper.listed_on) for paper in papers} == {("feed", None)}


def test_it_mends_entities_and_controls_that_feeds_are_full_of() -> None:
    item = b"<item><title>Caf\xc3\xa9 &eacute; &bogus; A & B\x0b</title></item>"
    (paper,) = answer("feed", b"<rss><channel>" + item + b"</channel></rss>", url=URL).papers
    assert paper.title == "Café é &bogus; A & B"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "found nothing"),
        (b"<html><body>Not found</body></html>", "expected RSS or Atom, found <html>"),
        (b"<rss><channel><item>", "line 1, column 21: this XML is cut"),
    ],
)
def test_it_refuses_what_is_no_feed(body: bytes, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        answer("feed", body, url=URL)
