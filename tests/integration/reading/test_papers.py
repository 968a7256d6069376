"""One paper: who, where, its formulas, how to cite it, and what is beside it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.models import Paper, Thumbnail
from newsletter.thumbnails import store_thumbnail
from tests.factories import FOLDING, MORNING, RL, store
from tests.unit.test_thumbnails import make_png

pytestmark = pytest.mark.django_db


def key(title: str) -> int:
    return Paper.objects.values_list("pk", flat=True).get(title=title)


def read(client: Client, title: str) -> str:
    response = client.get(f"/p/{key(title)}")
    assert response.status_code == 200
    return response.content.decode()


def links(page: str) -> dict[str, str]:
    """What each link of the page's main part says: where it leads."""
    main = page.split("<main")[1]
    found = re.findall(r'<a[^>]* href="([^"]*)"[^>]*>(.*?)</a>', main, re.DOTALL)
    return {re.sub("<[^>]*>", "", text).strip(): unescape(address) for address, text in found}


def test_it_leads_to_more_by_each_author_place_and_subject(client: Client) -> None:
    store(
        RL,
        authors=("Ada Example", 'Bo "B" Quote', "J. Q."),
        organization="Sample Institute",
        categories=("cs.LG", "odd one"),
        ai_keywords=("RL", "offline RL"),
    )
    found = links(read(client, RL))
    assert found["Ada Example"] == "/search?q=author%3A%22Ada%20Example%22"
    assert found["Bo &quot;B&quot; Quote"] == "/search?q=author%3A%22Bo%20B%20Quote%22"
    assert "J. Q." not in found  # initials alone name nobody
    assert found["Sample Institute"] == "/search?q=org%3A%22Sample%20Institute%22"
    assert found["cs.LG"] == "/search?q=cat%3Acs.LG"
    assert "odd one" not in found
    assert found["offline RL"] == "/search?q=offline%20RL"
    for address in found.values():
        if address.startswith("/search?"):
            assert RL.split()[0] in client.get(address).content.decode()


def test_it_goes_to_the_papers_beside_it_in_its_day(client: Client) -> None:
    store("First", upvotes=9)
    store("Second", upvotes=5)
    store("Third", upvotes=1)
    store("Hidden", upvotes=4)
    Paper.objects.filter(title="Hidden").update(hidden=True)
    assert links(read(client, "Second"))["‹ First"] == f"/p/{key('First')}"
    assert links(read(client, "Second"))["Third ›"] == f"/p/{key('Third')}"
    assert 'rel="prev"' not in read(client, "First")
    assert 'rel="next"' not in read(client, "Third")


def test_it_shows_what_is_most_like_it(client: Client) -> None:
    like = "Dust lanes hide spiral galaxies from telescopes"
    store("Galaxies seen through dust lanes", abstract="Spiral galaxies hide behind dust.")
    store(like, abstract="Spiral galaxies and dust lanes.")
    store(RL, FOLDING, *[f"Matter number {number}" for number in range(20)], abstract="Of matter.")
    page = read(client, "Galaxies seen through dust lanes").split('id="similar"')[1]
    assert list(links("<main" + page.split("</ul>")[0])) == [like]
    Paper.objects.filter(title=like).update(hidden=True)
    assert 'id="similar"' not in read(client, "Galaxies seen through dust lanes")


def test_it_draws_formulas_and_reads_them_out(client: Client) -> None:
    store(RL, abstract=r"For $k \leq n^2$ it holds; $\weird{x}$ costs $5.")
    page = read(client, RL)
    assert "<math><mi>k</mi><mo>≤</mo><msup><mi>n</mi><mn>2</mn></msup></math>" in page
    assert "weirdx costs $5." in page


def test_it_is_cited(client: Client) -> None:
    store(RL, arxiv_id="2611.00001", published_at=MORNING, categories=("cs.LG",))
    bibtex = client.get(f"/p/{key(RL)}.bib")
    assert bibtex.headers["Content-Type"] == "application/x-bibtex; charset=utf-8"
    assert f'filename="paper-{key(RL)}.bib"' in bibtex.headers["Content-Disposition"]
    assert "eprint        = {2611.00001}" in bibtex.content.decode()
    ris = client.get(f"/p/{key(RL)}.ris")
    assert ris.content.decode().endswith("ER  - \r\n")
    page = read(client, RL)
    assert '<meta name="citation_author" content="Ada Example">' in page
    assert '<meta name="citation_publication_date" content="2026/11/20">' in page
    assert f"http://localhost:8000/p/{key(RL)}" in page


def test_it_says_what_is_not_known(client: Client) -> None:
    store("Bare", abstract="", authors=(), author_count=32, listed_on=None)
    page = read(client, "Bare")
    assert "The source gives no abstract." in page
    assert "32 authors" in page
    assert client.get(f"/p/{key('Bare')}.bib").content.startswith(b"@misc{anonymousbare,")


def test_it_asks_little(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(RL, *[f"Paper {number}" for number in range(100)])
    read(client, RL)
    with django_assert_max_num_queries(7):
        read(client, RL)


def test_the_database_keeps_only_small_pictures_of_known_formats() -> None:
    store(RL)
    store_thumbnail(key(RL), make_png())
    for values in ({"media_type": "image/svg+xml"[:10]}, {"width": 0}, {"height": 5000}):
        with pytest.raises(IntegrityError, match="thumbnail_"), transaction.atomic():
            Thumbnail.objects.update(**values)
