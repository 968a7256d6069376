from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from newsletter.sample import load_readers, load_sample

LAST = date(2026, 11, 20)
PAPERS = load_sample(LAST).papers


def test_it_moves_the_sample_to_the_day_it_is_given() -> None:
    days = Counter(LAST - paper.listed_on for paper in PAPERS if paper.listed_on)
    assert len(PAPERS) == sum(days.values()) == 60
    assert days[timedelta(0)] == 13
    assert max(days) == timedelta(13)
    assert len(days) == 10  # four days of two weekends are empty
    for paper in PAPERS:
        assert paper.published_at
        assert paper.listed_on
        assert paper.published_at.date() < paper.listed_on


def test_it_says_of_every_paper_that_it_is_invented() -> None:
    for paper in PAPERS:
        assert paper.source == "sample"
        assert paper.abstract.endswith("(An invented paper of the Paper Round sample.)")
        assert 90 <= len(paper.abstract.split()) <= 180
        assert paper.authors
        assert paper.categories
        assert (paper.url, paper.arxiv_id, paper.thumbnail_url) == ("", "", "")
        for url in (paper.code_url, paper.project_url):
            assert not url or url.startswith("https://example.org/")
    assert len({paper.title for paper in PAPERS}) == 60


def test_it_brings_readers_at_example_org() -> None:
    readers = load_readers()
    assert len({reader.email for reader in readers}) == len(readers) >= 12
    for reader in readers:
        assert reader.email.endswith("@example.org")
        assert reader.why
        assert ZoneInfo(reader.timezone)
        assert len(reader.hour) == 5
        assert set(reader.weekdays) <= set(range(7))
        assert 1 <= reader.papers_per_letter <= 30
        assert reader.interests
        for interest in reader.interests:
            assert interest.weight in (1, 2)
            assert len(interest.query) <= 200
