"""The feeds: what a reader's program gets, and that it does not change when only counts do."""

from __future__ import annotations

from datetime import timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.models import Paper
from tests.factories import DAY, FOLDING, MORNING, RL, store

pytestmark = pytest.mark.django_db
NS = {"a": "http://www.w3.org/2005/Atom"}


def read(client: Client, path: str) -> Element:
    with time_machine.travel(MORNING, tick=False):
        response = client.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return fromstring(response.content)


def read_etag(client: Client) -> str:
    with time_machine.travel(MORNING, tick=False):
        return client.get("/feed").headers["ETag"]


def values(feed: Element, path: str) -> list[str]:
    return [found.text or "" for found in feed.findall(path, NS)]


def test_it_carries_the_papers_listed_last(client: Client) -> None:
    store("Of Thursday", listed_on=DAY - timedelta(days=1), upvotes=900)
    store(RL, upvotes=1, arxiv_id="2611.00001", categories=("cs.LG",))
    store(FOLDING, upvotes=5)
    store("To come", listed_on=DAY + timedelta(days=1))
    feed = read(client, "/feed")
    assert values(feed, "a:entry/a:title") == [FOLDING, RL, "Of Thursday"]
    assert values(feed, "a:entry/a:author/a:name")[:2] == ["Ada Example", "Noor Sample"]
    entry = feed.findall("a:entry", NS)[1]
    links = {link.get("rel"): link.get("href") for link in entry.findall("a:link", NS)}
    paper = Paper.objects.get(title=RL)
    assert links == {
        "alternate": f"http://localhost:8000/p/{paper.pk}",
        "related": "https://arxiv.org/abs/2611.00001",
    }
    assert values(entry, "a:published") == ["2026-11-20T00:00:00Z"]
    assert values(entry, "a:id") == [f"tag:localhost,2026-01-01:p:{paper.pk}"]
    assert max(values(feed, "a:entry/a:updated")) == values(feed, "a:updated")[0]


def test_it_carries_what_a_search_finds_newest_first(client: Client) -> None:
    store("RL of old", listed_on=DAY - timedelta(days=40), upvotes=500)
    store("RL of today", FOLDING)
    feed = read(client, "/feed/search?q=reinforcement+learning")
    assert values(feed, "a:entry/a:title") == ["RL of today", "RL of old"]
    assert values(feed, "a:title") == ["reinforcement learning · Paper Round"]
    links = {link.get("rel"): link.get("href") for link in feed.findall("a:link", NS)}
    assert links["self"] == "http://localhost:8000/feed/search?q=reinforcement+learning"


def test_a_search_has_one_feed_however_it_is_typed(client: Client) -> None:
    store(RL)
    one = read(client, "/feed/search?q=robots+OR+Learning")
    other = read(client, "/feed/search?q=learning+|+robots")
    assert values(one, "a:id") == values(other, "a:id")


def test_it_says_the_mend_of_what_it_cannot_read(client: Client) -> None:
    response = client.get("/feed/search?q=foo+(")
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.startswith("“(” ".encode())


def test_it_is_the_same_when_only_counts_moved(client: Client) -> None:
    store(RL)
    before = read_etag(client)
    Paper.objects.update(upvotes=77, comments=5)
    assert read_etag(client) == before


def test_it_asks_little(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(*[f"Paper {number}" for number in range(130)])
    with django_assert_max_num_queries(2):
        assert len(read(client, "/feed").findall("a:entry", NS)) == 100
