"""Feeds as RFC 4287 has them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st

from newsletter.atom import Entry, Feed, write_atom

NS = {"a": "http://www.w3.org/2005/Atom"}
NOW = datetime(2026, 11, 20, 8, tzinfo=timezone(timedelta(hours=2)))


def make_feed(*entries: Entry, title: str = "Papers") -> Feed:
    return Feed(
        id="tag:papers.example,2026-01-01:feed",
        title=title,
        subtitle="Of each day",
        author="Papers",
        self_url="https://papers.example/feed",
        page_url="https://papers.example/",
        icon_url="https://papers.example/icon.svg",
        updated=NOW,
        entries=entries,
    )


def make_entry(text: str = "A & B") -> Entry:
    return Entry(
        id="tag:papers.example,2026-01-01:p:1",
        title=text,
        url="https://papers.example/p/1",
        updated=NOW,
        published=None,
        authors=(text, "Ada"),
        categories=(text,),
        summary=text,
        related="https://arxiv.org/abs/2602.00001",
    )


def texts(element: Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path, NS)]


def test_it_says_what_a_feed_must() -> None:
    feed = fromstring(write_atom(make_feed(make_entry())))
    for name in ("id", "title", "updated"):
        assert len(feed.findall(f"a:{name}", NS)) == 1
        assert len(feed.findall(f"a:entry/a:{name}", NS)) == 1
    assert texts(feed, "a:updated") == ["2026-11-20T06:00:00Z"]
    assert texts(feed, "a:author/a:name") == ["Papers"]
    links = {link.get("rel"): link.get("href") for link in feed.findall("a:link", NS)}
    assert links == {"self": "https://papers.example/feed", "alternate": "https://papers.example/"}


def test_it_escapes_texts() -> None:
    body = write_atom(make_feed(make_entry("<script>&amp;]]>"), title="a < b"))
    assert b"<script>" not in body
    entry = fromstring(body).find("a:entry", NS)
    assert entry is not None
    assert texts(entry, "a:title") == ["<script>&amp;]]>"]
    assert entry.find("a:title", NS).get("type") is None  # type: ignore[union-attr]


def test_it_is_a_feed_without_entries_too() -> None:
    assert fromstring(write_atom(make_feed())).findall("a:entry", NS) == []


@given(st.text(max_size=60))
def test_it_stays_well_formed(text: str) -> None:
    feed = fromstring(write_atom(make_feed(make_entry(text), title=text)))
    assert len(feed.findall("a:entry/a:author", NS)) == 2
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
