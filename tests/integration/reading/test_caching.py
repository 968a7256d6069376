"""Pages and feeds that have not changed are not sent again; hidden papers are gone at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.editions import hide_papers, site_date
from newsletter.models import Paper
from newsletter.thumbnails import store_thumbnail
from tests.factories import FOLDING, RL, store
from tests.unit.test_thumbnails import make_png

pytestmark = pytest.mark.django_db
NEEDLE = b"half the labels"  # of the title, where no search marks anything
PATHS = [
    "/",
    "/week",
    "/month",
    "/p/{id}",
    "/p/{id}.bib",
    "/search?q=RL",
    "/feed",
    "/feed/search?q=RL",
]


@pytest.fixture
def paper() -> int:
    store(RL, FOLDING, listed_on=site_date(timezone.now()))
    return Paper.objects.get(title=RL).pk


@pytest.mark.parametrize("path", PATHS)
def test_it_says_that_nothing_changed(client: Client, paper: int, path: str) -> None:
    path = path.format(id=paper)
    first = client.get(path)
    assert first.status_code == 200
    assert "public" in first.headers["Cache-Control"]
    etag = first.headers["ETag"]
    assert client.head(path).headers["ETag"] == etag
    again = client.get(path, headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_it_never_shows_what_was_hidden(client: Client, paper: int, path: str) -> None:
    path = path.format(id=paper)
    first = client.get(path)
    assert NEEDLE in first.content
    hide_papers([paper], hidden=True)
    after = client.get(path, headers={"if-none-match": first.headers["ETag"]})
    assert after.status_code == (410 if path.startswith("/p/") else 200)
    assert NEEDLE not in after.content


def test_it_keeps_a_picture_for_ever_and_only_while_its_paper_is_shown(
    client: Client, paper: int
) -> None:
    store_thumbnail(paper, make_png())
    page = client.get("/").content.decode()
    address = page.split('class="picture" src="')[1].split('"')[0]
    picture = client.get(address)
    assert picture.content == make_png()
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in picture.headers["Cache-Control"]
    store_thumbnail(paper, make_png(5, 5))
    assert client.get(address).status_code == 404
    assert address not in client.get("/").content.decode()
    hide_papers([paper], hidden=True)
    assert client.get(f"/t/{paper}/").status_code == 404
