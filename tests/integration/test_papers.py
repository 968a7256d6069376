"""Papers are stored once, whatever listed them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from newsletter.editions import freeze_edition, open_edition
from newsletter.models import Listing, Paper
from newsletter.storing import store_papers
from tests.factories import DAY, MORNING, fetched

pytestmark = pytest.mark.django_db


def test_it_counts_new_and_repeated_papers() -> None:
    counts = store_papers([fetched("One"), fetched("Two"), fetched("One")])
    assert str(counts) == "2 papers: 2 new, 0 updated, 1 repeated"


def test_it_changes_nothing_when_the_same_is_stored_again() -> None:
    store_papers([fetched("One"), fetched("Two")])
    before = list(Paper.objects.order_by("id").values())
    counts = store_papers([fetched("One"), fetched("Two")])
    assert str(counts) == "2 papers: 0 new, 0 updated, 0 repeated"
    assert list(Paper.objects.order_by("id").values()) == before
    assert Listing.objects.count() == 2


def test_it_merges_by_arxiv_id_whatever_the_title_says() -> None:
    store_papers([fetched("First title", arxiv_id="2601.00001", version=1)])
    store_papers([fetched("A better title", arxiv_id="2601.00001", version=2)])
    paper = Paper.objects.get()
    assert (paper.title, paper.version) == ("A better title", 2)


def test_it_merges_by_normalised_title() -> None:
    store_papers([fetched(r"\textbf{L}azy pre-training of Fr\'echet means")])
    store_papers([fetched("Lazy Pre-Training of Fréchet Means", doi="10.1/x")])
    assert Paper.objects.get().doi == "10.1/x"


def test_it_keeps_papers_apart_that_only_share_a_title() -> None:
    store_papers([fetched("Survey", arxiv_id="2601.00001"), fetched("Survey", arxiv_id="2601.2")])
    assert Paper.objects.count() == 2


def test_it_keeps_titles_apart_that_are_years_apart() -> None:
    for year in (2019, 2026):
        store_papers([fetched("Report", published_at=datetime(year, 5, 1, tzinfo=UTC))])
    assert Paper.objects.count() == 2


def test_it_follows_the_counts_of_the_newest_listing() -> None:
    store_papers([fetched("One", upvotes=9)])
    store_papers([fetched("One", upvotes=4, listed_on=DAY - timedelta(days=3))])
    assert Paper.objects.get().upvotes == 9
    store_papers([fetched("One", upvotes=12, listed_on=DAY + timedelta(days=1))])
    assert Paper.objects.get().upvotes == 12


def test_it_does_not_forget_counts_a_source_does_not_give() -> None:
    store_papers([fetched("One", upvotes=9)])
    store_papers([fetched("One", upvotes=None)])
    assert Paper.objects.get().upvotes == 9


def test_it_leaves_what_letters_print_once_the_edition_is_frozen() -> None:
    store_papers([fetched("One", abstract="as announced")])
    freeze_edition(open_edition(DAY, MORNING), MORNING)
    store_papers(
        [fetched("One", abstract="rewritten", upvotes=50, thumbnail_url="https://x.example/t")]
    )
    paper = Paper.objects.get()
    assert (paper.abstract, paper.frozen_upvotes, paper.upvotes) == ("as announced", 3, 50)
    assert paper.thumbnail_url == "https://x.example/t"


def test_it_stores_without_a_query_per_paper(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(12):
        store_papers([fetched(f"Paper {number}") for number in range(500)])


@pytest.mark.parametrize("twin", [{}, {"arxiv_id": "", "doi": None}])
def test_the_database_refuses_a_second_paper_of_one_identity(twin: dict[str, str]) -> None:
    values = {"title": "One", "title_key": "one", "year": 2026}
    Paper.objects.create(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Paper.objects.create(**values, **twin)


def test_the_database_refuses_a_listing_twice() -> None:
    store_papers([fetched("One")])
    paper = Paper.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Listing.objects.create(paper=paper, source="test", listed_on=date(2026, 11, 20))
