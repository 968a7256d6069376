"""The table of sources: what holds for every one of them."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources.asking import MAX_NAME, Answer, Ask, Request, Response
from newsletter.sources.base import SourceError
from newsletter.sources.registry import SOURCES, find_source
from tests.unit.sources.samples import DATA

DAY = date(2026, 3, 6)
VALUES = {
    "huggingface": {},
    "arxiv-rss": {"categories": "cs.LG"},
    "arxiv-oai": {"categories": "cs.LG"},
    "arxiv-query": {"query": "cat:cs.LG"},
    "arxiv-papers": {"papers": "2602.00001"},
    "biorxiv": {},
    "openreview": {"venue": "ICLR.cc/2026/Conference"},
    "crossref": {"issns": "0028-0836"},
    "feed": {"url": "https://letters.example.org/feed"},
}
SAMPLES = sorted(path.read_bytes() for path in DATA.iterdir())
KINDS = sorted(SOURCES)


def first_request(kind: str) -> Request:
    source = find_source(kind)
    ask = Ask("a-name-as-long-as-slugs-may-be", DAY)
    return source.make_requests(source.read_parameters(VALUES[kind]), ask)[0]


def test_every_source_is_tried_here() -> None:
    assert set(VALUES) == set(SOURCES)


@pytest.mark.parametrize("kind", KINDS)
def test_it_asks_by_https_under_a_name_that_can_be_stored(kind: str) -> None:
    request = first_request(kind)
    assert urlsplit(request.url).scheme == "https"
    assert len(request.source) <= MAX_NAME
    assert request.day == DAY


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "feed"])
def test_it_asks_a_mirror_where_it_is_told_to(kind: str) -> None:
    source = find_source(kind)
    parameters = source.read_parameters({**VALUES[kind], "base": "http://127.0.0.1:8080/"})
    for request in source.make_requests(parameters, Ask("row", DAY)):
        assert request.url.startswith("http://127.0.0.1:8080/")


@pytest.mark.parametrize("kind", KINDS)
def test_it_names_every_wrong_parameter(kind: str) -> None:
    source = find_source(kind)
    with pytest.raises(ValueError, match="has no such parameter") as caught:
        source.read_parameters({**VALUES[kind], "mood": "good"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_it_never_takes_an_error_page_for_papers(kind: str, status: int) -> None:
    page = Response(b"<html><body><h1>Oops</h1></body></html>", status)
    with pytest.raises(SourceError) as caught:
        find_source(kind).read_answer(page, first_request(kind))
    assert "\n" not in str(caught.value)


def test_it_names_the_kinds_there_are() -> None:
    with pytest.raises(SourceError, match="known are huggingface, arxiv-rss"):
        find_source("gopher")


def check(answer: Answer) -> None:
    for paper in answer.papers:
        assert paper.title
        assert paper.listed_on
        assert paper.kind
        assert paper.published_at is None or paper.published_at.tzinfo
        assert paper.url == "" or paper.url.startswith(("http://", "https://"))
    for refusal in answer.refusals:
        assert refusal.reason
        assert "\n" not in refusal.where + refusal.reason


def read_or_refuse(kind: str, response: Response) -> None:
    complaint = ""
    try:
        check(find_source(kind).read_answer(response, first_request(kind)))
    except SourceError as error:
        complaint = str(error)
    assert "\n" not in complaint


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(SAMPLES), st.data())
def test_it_reads_or_refuses_any_bytes(kind: str, sample: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sample)))
    junk = data.draw(st.binary(max_size=30) | st.sampled_from([b"", b"null", b"<x/>", b"[1]"]))
    stop = data.draw(st.integers(start, len(sample)))
    body = sample[:start] + junk + sample[stop:]
    read_or_refuse(kind, Response(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
WORDS = (
    "paper id title summary authors name publishedAt submittedOnDailyAt upvotes organization "
    "withdrawnAt messages collection doi date version published abstract notes forum content "
    "venue value cdate message items DOI author created date-time date-parts relation has- "
    "preprint update-to type total total-results next-cursor count errors error"
)
NAMES = WORDS.split()


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["huggingface", "biorxiv", "openreview", "crossref"]),
    st.recursive(
        JSON | st.sampled_from(["10.1/x", "10.1000/x", "2602.00001", "2026-03-06", "note01__"]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
        ),
        max_leaves=20,
    ),
)
def test_it_reads_or_refuses_any_json(kind: str, body: object) -> None:
    wrapped = {
        "huggingface": [{"paper": body}, body],
        "biorxiv": {"messages": body, "collection": [body]},
        "openreview": {"notes": [body, {"forum": "note01__", "content": body}], "count": body},
        "crossref": {"message": {"items": [body], "total-results": body, "next-cursor": body}},
    }[kind]
    data = json.dumps(wrapped).encode()
    read_or_refuse(kind, Response(data))
