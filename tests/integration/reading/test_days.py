"""Days, weeks and months: what was listed, in order, with neighbours and no hidden paper."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.models import Edition, Listing, Paper, Source, SourceDay
from tests.factories import DAY, FOLDING, MORNING, RL, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def friday_morning() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


def read(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def titles(page: str) -> list[str]:
    return re.findall(r'<h2 dir="auto"><a [^>]*>([^<]*)</a>', page)


def test_it_orders_a_day_by_upvotes_or_by_date(client: Client) -> None:
    store(RL, upvotes=2, published_at=MORNING)
    store(FOLDING, upvotes=90, published_at=MORNING - timedelta(days=2))
    assert titles(read(client, "/")) == [FOLDING, RL]
    page = read(client, "/?sort=date")
    assert titles(page) == [RL, FOLDING]
    assert "newest first" in page
    assert '<link rel="canonical" href="http://localhost:8000/">' in page


def test_it_goes_from_day_to_day_past_those_without_papers(client: Client) -> None:
    days = [DAY - timedelta(days=back) for back in (9, 5, 4, 0)]
    for day in days:
        store(f"Of {day}", listed_on=day)
    Paper.objects.filter(title=f"Of {days[2]}").update(hidden=True)
    page = read(client, f"/d/{days[1]}")
    assert re.findall(r'<a rel="(\w+)" href="([^"]+)"', page) == [
        ("prev", f"/d/{days[0]}"),
        ("next", f"/d/{days[3]}"),
    ]
    assert 'rel="next"' not in read(client, f"/d/{DAY}")
    assert 'rel="prev"' not in read(client, f"/d/{days[0]}")


def test_it_shows_the_newest_day_and_why_it_is_not_today(client: Client) -> None:
    for weeks in range(9):
        store(f"Of week {weeks}", listed_on=DAY - timedelta(days=1 + 7 * weeks))
    page = read(client, "/")
    assert "Thursday 19 November 2026" in page
    assert "Friday is quiet: no source listed a paper on any of the last 8." in page


def note_source(state: str, day: date = DAY) -> None:
    source, _ = Source.objects.get_or_create(name="arXiv", kind="arxiv", first_day=DAY)
    SourceDay.objects.create(source=source, day=day, state=state)


def test_it_says_what_the_sources_did(client: Client) -> None:
    store(RL, listed_on=DAY - timedelta(days=1))
    note_source("stalled")
    page = read(client, "/")
    assert "Late, and expected by now: arXiv." in page
    assert titles(page) == [RL]


def test_it_says_which_source_a_day_with_papers_lacks(client: Client) -> None:
    store(RL)
    note_source("failed")
    assert "Without" not in read(client, f"/d/{DAY - timedelta(days=1)}")
    assert "Without arXiv, whose papers have not come." in read(client, f"/d/{DAY}")


def test_it_says_that_some_came_after_the_edition_was_made(client: Client) -> None:
    store(RL)
    Edition.objects.create(date=DAY, frozen_at=MORNING)
    note_source("waiting")
    came = MORNING + timedelta(hours=3)
    assert "Not announced yet: arXiv." in read(client, f"/d/{DAY}")
    SourceDay.objects.update(state="fresh", unseen=4, fresh_at=came)
    said = "Some papers came after the edition was made: they are in the next one."
    assert said in read(client, f"/d/{DAY}")
    SourceDay.objects.update(fresh_at=MORNING - timedelta(hours=3))
    assert said not in read(client, f"/d/{DAY}")


def test_it_shows_what_an_edition_took_late(client: Client) -> None:
    store(RL, listed_on=DAY - timedelta(days=2))
    Paper.objects.update(edition=Edition.objects.create(date=DAY, note="Mind the gap."), late=True)
    page = read(client, f"/d/{DAY}")
    assert titles(page) == [RL]
    assert "late: listed on" in page
    assert "Mind the gap." in page


def test_it_shows_a_hundred_papers_of_many_with_few_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(*[f"Of today {number}" for number in range(100)])
    store(*[f"Of before {number}" for number in range(200)], listed_on=DAY - timedelta(days=1))
    for path in ("/", f"/d/{DAY}", f"/d/{DAY - timedelta(days=1)}"):
        with django_assert_max_num_queries(6):
            assert len(titles(read(client, path))) in (100, 200)


def test_it_shows_the_best_of_a_week(client: Client) -> None:
    monday = date(2026, 11, 16)
    for number in range(60):
        store(f"Paper {number}", upvotes=number, listed_on=monday + timedelta(days=number % 5))
    store("Of the week before", upvotes=900, listed_on=monday - timedelta(days=1))
    Paper.objects.filter(title="Paper 59").update(hidden=True)
    page = read(client, "/week/2026-W47")
    assert titles(page)[:2] == ["Paper 58", "Paper 57"]
    assert "The 50 most upvoted of 59 papers" in page
    assert 'href="/week/2026-W46"' in page
    assert re.search(r'/d/2026-11-16">Monday 16 November</a> <span class="number">12<', page)
    assert read(client, "/week") == page


def test_it_shows_the_best_of_a_month(client: Client) -> None:
    store(RL, listed_on=date(2026, 10, 31))
    store(FOLDING)
    page = read(client, "/month/2026-11")
    assert titles(page) == [FOLDING]
    assert '<h1 id="period">November 2026</h1>' in page
    assert 'href="/month/2026-10"' in page
    assert titles(read(client, "/month/2026-10")) == [RL]
    assert "begin on 31 October 2026" in read(client, "/month/2026-09")


@pytest.mark.parametrize(
    "path",
    [
        *("/d/2026-13-40", "/d/2026-1-2", "/d/2999-01-01", "/d/0001-01-01", "/d/9999-12-31"),
        *("/week/2026-W00", "/week/2026-W54", "/week/2999-W52", "/month/2026-13", "/month/2999-12"),
        *("/p/99", "/p/99999999999999999999999", "/p/1.bib", "/p/1.ris", "/t/1/abc", "/l/nonsense"),
        *("/d?day=nonsense", "/d?day=", "/d"),
    ],
)
def test_it_does_not_know_what_is_not_there(client: Client, path: str) -> None:
    assert "There is nothing at this address" in read(client, path, 404)


def test_it_turns_to_a_day(client: Client) -> None:
    assert client.get("/d?day=2026-11-05").headers["Location"] == "/d/2026-11-05"


def test_every_page_names_itself(client: Client) -> None:
    store(RL)
    paths = ["/", f"/d/{DAY}", "/week", "/month", f"/p/{Paper.objects.get().pk}", "/search"]
    for path in paths:
        page = read(client, path)
        assert len(re.findall(r"<title>[^<]+</title>", page)) == 1
        assert len(re.findall(r'<link rel="canonical" href="http://localhost:8000/', page)) == 1
        assert len(re.findall(r'<meta name="description" content="[^"]{20,}"', page)) == 1
        assert len(re.findall(r"<h1", page)) == 1
        assert 'type="application/atom+xml"' in page


def test_reading_changes_nothing(client: Client) -> None:
    store(RL)
    before = [*Paper.objects.values()], [*Listing.objects.values()]
    pages = ("/", f"/d/{DAY}", "/week", "/month", "/search?q=RL", "/feed", "/feed/search?q=RL")
    for path in (*pages, f"/p/{Paper.objects.get().pk}"):
        assert client.get(path).status_code == client.head(path).status_code == 200
        assert client.post(path).status_code == 405
    assert ([*Paper.objects.values()], [*Listing.objects.values()]) == before
