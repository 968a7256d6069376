"""arXiv's own page of a category's day, the witness beside its feed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources.arxiv_list import read_check
from newsletter.sources.asking import Ask, Bulletin, Response
from newsletter.sources.base import SourceBusyError, SourceError
from newsletter.sources.registry import SOURCES, find_source
from tests.unit.sources.samples import read_bytes

DAY = date(2026, 3, 6)
PAGE = read_bytes("arxiv-list.html")


def test_it_reads_the_day_and_what_is_new() -> None:
    ids = ("2603.00001", "2603.00002", "2603.00003")
    assert read_check(Response(PAGE)) == Bulletin(DAY, 3, ids)


def test_it_counts_what_the_page_does_not_show() -> None:
    page = PAGE.replace(b"showing 2 of 2 entries", b"showing first 2 of 1,127 entries")
    bulletin = read_check(Response(page))
    assert (bulletin.total, len(bulletin.identifiers)) == (1128, 3)


def test_it_reads_a_day_without_entries() -> None:
    start, end = PAGE.index(b"<h3>New"), PAGE.index(b"</dl>")
    assert read_check(Response(PAGE[:start] + PAGE[end:])) == Bulletin(DAY, 0, ())


@pytest.mark.parametrize(
    ("body", "status", "error", "said"),
    [
        (PAGE.replace(b"listings for Friday", b"papers of Friday"), 200, SourceError, "found none"),
        (PAGE.replace(b"6 March", b"31 February"), 200, SourceError, "found none"),
        (PAGE.replace(b"/abs/", b"/absent/"), 200, SourceError, "none of them was understood"),
        (b"", 200, SourceError, "found none"),
        (b"Rate exceeded.", 503, SourceBusyError, "Rate exceeded"),
        (b"No such category", 404, SourceError, "404"),
    ],
)
def test_it_refuses_a_page_that_says_nothing(
    body: bytes, status: int, error: type[SourceError], said: str
) -> None:
    with pytest.raises(error, match=said):
        read_check(Response(body, status))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_it_reads_or_refuses_any_page(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(PAGE)))
    stop = data.draw(st.integers(start, len(PAGE)))
    body = PAGE[:start] + data.draw(st.binary(max_size=20)) + PAGE[stop:]
    try:
        bulletin = read_check(Response(body))
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert bulletin.total >= len(bulletin.identifiers)


def test_it_asks_arxiv_or_the_mirror_once_a_category() -> None:
    source = find_source("arxiv-rss")
    for base, address in (("", "https://arxiv.org"), ("http://mirror:80/", "http://mirror:80")):
        parameters = source.read_parameters({"categories": "cs.LG hep-th", "base": base})
        requests = source.make_checks(parameters, Ask("arXiv", DAY))
        assert [request.url for request in requests] == [
            f"{address}/list/cs.LG/new?skip=0&show=2000",
            f"{address}/list/hep-th/new?skip=0&show=2000",
        ]
        assert [request.part for request in requests] == ["cs.LG", "hep-th"]


def test_no_other_source_has_a_witness() -> None:
    for kind in SOURCES.keys() - {"arxiv-rss"}:
        assert find_source(kind).make_checks(None, Ask("row", DAY)) == ()
