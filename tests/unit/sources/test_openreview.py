from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.sources.asking import Answer
from newsletter.sources.base import SourceBusyError, SourceError
from newsletter.sources.registry import find_source
from tests.unit.sources.asking import DAY, answer, answer_sample, make_requests
from tests.unit.sources.samples import read_sample

VENUE = "ICLR.cc/2026/Conference"


@pytest.fixture(scope="module")
def page() -> Answer:
    return answer_sample("openreview", "openreview.json", venue=VENUE)


def test_it_asks_for_a_venue_by_name_or_address() -> None:
    for venue in (VENUE, f"https://openreview.net/group?id={VENUE}"):
        (request,) = make_requests("openreview", venue=venue)
        assert parse_qs(urlsplit(request.url).query)["content.venueid"] == [VENUE]


def test_it_refuses_what_is_no_venue() -> None:
    with pytest.raises(ValueError, match=r"write it like ICLR\.cc/2026/Conference"):
        find_source("openreview").read_parameters({"venue": "NeurIPS"})


def test_it_reads_a_note(page: Answer) -> None:
    paper = page.papers[0]
    assert (paper.title, paper.abstract) == ("A Garden of Agents", "We plant agents.")
    assert paper.also_known_as == ("openreview:aB3_note01",)
    assert paper.url == "https://openreview.net/forum?id=aB3_note01"
    assert paper.published_at == datetime(2026, 1, 26, 4, tzinfo=UTC)
    assert (paper.ai_keywords, paper.journal) == (("agents", "gardens"), "ICLR 2026 poster")


def test_it_reads_the_bare_values_of_version_one() -> None:
    notes = json.loads(read_sample("openreview.json"))["notes"][:1]
    bare = {key: value["value"] for key, value in notes[0]["content"].items()}
    old = answer("openreview", json.dumps({"notes": [{**notes[0], "content": bare}]}), venue=VENUE)
    new = answer("openreview", json.dumps({"notes": notes}), venue=VENUE)
    assert old.papers == new.papers != ()


def test_it_lists_a_paper_on_the_day_it_was_first_seen(page: Answer) -> None:
    assert {(paper.listed_on, paper.listed_once) for paper in page.papers} == {(DAY, True)}


def test_it_reads_withdrawals_and_refuses_what_has_no_title(page: Answer) -> None:
    assert [gone.identifier for gone in page.withdrawals] == ["openreview:note03__"]
    assert [(one.where, one.reason) for one in page.refusals] == [
        ("record 4 (note04__)", "it has no title")
    ]


def test_it_turns_pages_by_what_came() -> None:
    body = read_sample("openreview.json").replace('"count": 4', '"count": 9')
    following = answer("openreview", body, venue=VENUE).following
    assert following is not None
    assert parse_qs(urlsplit(following.url).query)["offset"] == ["4"]


def test_it_asks_for_patience_at_an_empty_page() -> None:
    with pytest.raises(SourceBusyError):
        answer("openreview", '{"count": 9, "notes": []}', venue=VENUE)


def test_it_says_what_an_error_says() -> None:
    with pytest.raises(SourceError, match="Invalid token"):
        answer("openreview", '{"name": "Error", "message": "Invalid token"}', venue=VENUE)
