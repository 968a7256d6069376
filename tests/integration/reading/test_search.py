"""The search: what letters find, over everything stored, in one page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.editions import freeze_edition, hide_papers, open_edition
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Paper
from newsletter.papers import list_documents
from newsletter.search import Sort, find_papers
from newsletter.searchbook import current_searchbook
from newsletter.synonyms import read_synonyms
from tests.factories import DAY, FOLDING, MORNING, RL, store

pytestmark = pytest.mark.django_db


def read(client: Client, query: str, status: int = 200, **more: str) -> str:
    response = client.get("/search", {"q": query, **more})
    assert response.status_code == status
    return response.content.decode()


def titles(page: str) -> list[str]:
    found = re.findall(r'<h2 dir="auto"><a [^>]*>(.*?)</a>', page)
    return [re.sub("</?mark>", "", title) for title in found]


def test_it_marks_what_matched(client: Client) -> None:
    store(RL, abstract="A survey of RL. Nothing else.")
    page = read(client, "reinforcement learning")
    assert "Offline <mark>reinforcement learning</mark> with half the labels" in page
    assert "A survey of <mark>RL</mark>. Nothing else." in page
    assert "“RL”" in page  # what it also finds


def test_it_finds_and_orders_as_letters_do(client: Client) -> None:
    store(RL, upvotes=3)
    store("Robots", abstract="They use reinforcement learning, RL for short.", upvotes=0)
    store("Learning reinforcement", upvotes=900)
    store("On RL for robots", upvotes=9, abstract="")
    freeze_edition(open_edition(DAY, MORNING), MORNING)
    for text in ("RL", "robot* OR RL", 'RL AND author:"Ada Example"', "learning -RL"):
        documents = list_documents(Paper.objects.all())
        expected = match_query(parse_query(text), documents, read_synonyms())
        assert list(find_papers(text).ids) == [match.document_id for match in expected]


def test_it_orders_by_day(client: Client) -> None:
    store("RL of old", listed_on=DAY - timedelta(days=40), upvotes=500)
    store("RL of today")
    assert titles(read(client, "RL")) == ["RL of old", "RL of today"]
    assert titles(read(client, "RL", sort="date")) == ["RL of today", "RL of old"]


def test_it_turns_pages(client: Client) -> None:
    store(*[f"RL number {number}" for number in range(45)])
    pages = [titles(read(client, "RL", page=str(number))) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert len({title for page in pages for title in page}) == 45
    assert "45 papers" in read(client, "RL")
    assert "21 to 40" in read(client, "RL", page="2")
    assert 'rel="next" href="?q=RL&amp;page=2"' in read(client, "RL")
    for odd in ("99", "0", "-1", "x", "٣", "9" * 400):
        assert titles(read(client, "RL", page=odd)) in (pages[0], pages[2])


def test_it_searches_with_few_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(*[f"RL number {number}" for number in range(60)])
    read(client, "RL")
    with django_assert_max_num_queries(6):
        read(client, "RL", page="2")


@pytest.mark.parametrize(
    ("query", "before", "at", "mend"),
    [
        ("foo AND (bar", "foo AND ", "(", "add “)”, or remove “(”"),
        ('say "no', "say ", "&quot;", "add another, or remove it"),
        ("-RL", "", "-", "add a word that must be there"),
        ("<b>:x AND", "&lt;b&gt;:x ", "A", "add a word, or remove it"),
        ("x" * 300, "x" * 200, "x", "split it into several interests"),
    ],
)
def test_it_shows_where_a_query_is_wrong_and_the_mend(
    client: Client, query: str, before: str, at: str, mend: str
) -> None:
    page = read(client, query, 400)
    assert f"<bdi>{before}<mark>{at}</mark>" in page
    assert mend in page
    assert 'aria-invalid="true"' in page


def test_it_says_what_is_near(client: Client) -> None:
    store(*[f"Grokking {number}" for number in range(6)])
    page = read(client, "groking")
    assert "Nothing stored has these words" in page
    assert re.search(
        r'href="\?q=grokking"><bdi>grokking</bdi></a> <span[^>]*>6&nbsp;|6 papers', page
    )


def test_it_asks_for_nothing_before_anything_is_asked(client: Client) -> None:
    assert "How to ask" in read(client, "  ")
    assert titles(read(client, "")) == []


def test_it_finds_what_was_stored_changed_hidden_and_deleted_since(client: Client) -> None:
    store(RL, FOLDING)
    assert len(find_papers("RL").ids) == 1
    store("More on RL")
    assert len(find_papers("RL").ids) == 2
    folding = Paper.objects.get(title=FOLDING)
    folding.title = "RL folds"
    folding.save()
    assert len(find_papers("title:RL").ids) == 3
    assert find_papers("title:protein").ids == ()
    hide_papers([folding.pk], hidden=True)
    assert len(find_papers("RL").ids) == 2
    hide_papers([folding.pk], hidden=False)
    Paper.objects.get(title="More on RL").delete()
    assert len(find_papers("RL").ids) == 2


def test_counts_do_not_make_it_read_papers_again(client: Client) -> None:
    store(RL, FOLDING)
    before = current_searchbook()
    paper = Paper.objects.get(title=FOLDING)
    paper.upvotes = 500
    paper.save()
    after = current_searchbook()
    assert after is not before
    assert after.fresh is before.fresh
    assert find_papers("RL OR protein").ids[0] == paper.pk


def test_searching_writes_nothing(client: Client) -> None:
    store(RL)
    read(client, "RL")
    assert find_papers("RL", Sort.DATE).canonical == "RL"
