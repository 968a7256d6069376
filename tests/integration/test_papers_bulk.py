"""Any number of papers at once: a handful of queries a batch. `bench store` says the seconds."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from newsletter.bench.store import make_rows
from newsletter.models import Listing, Paper
from newsletter.sources.base import FetchedPaper
from newsletter.storing import STORE_BATCH, find_unseen, store_papers
from tests.factories import fetched

pytestmark = pytest.mark.django_db

# Of a batch: candidates, their other identifiers, listed before, papers in, papers up, identifiers,
# listings. Of a storing: a savepoint, the lock, and the savepoint's end.
PER_BATCH, FIXED = 7, 3


@pytest.mark.parametrize("papers", [10, STORE_BATCH])
def test_it_stores_any_number_in_the_same_queries(
    papers: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = make_rows(papers, seed=1)
    with django_assert_max_num_queries(PER_BATCH + FIXED):
        assert store_papers(rows).new == papers
    with django_assert_max_num_queries(PER_BATCH + FIXED):
        assert store_papers(make_rows(papers, seed=1, upvotes=99)).updated == papers
    assert set(Paper.objects.values_list("upvotes", flat=True)) == {99}
    with django_assert_max_num_queries(3):
        assert find_unseen(rows) == 0


def test_it_measures_storing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bench", "store", papers=50)
    assert "papers a second" in capsys.readouterr().out
    assert not Paper.objects.exists()  # what was stored for it is taken back


# One title: a paper that changed its title is not found by the old one alone.
TITLES = st.sampled_from(["Gardens", "gardens!", "Gärdens"])
PAPERS = st.builds(
    fetched,
    TITLES,
    arxiv_id=st.sampled_from(["", "2611.00001", "2611.00002"]),
    doi=st.sampled_from(["", "10.1000/a", "10.1101/b"]),
    also_known_as=st.lists(
        st.sampled_from(["doi:10.1000/a", "doi:10.1101/b", "arxiv:2611.00001", "openreview:a"]),
        max_size=2,
    ).map(tuple),
    source=st.sampled_from(["arxiv-rss", "huggingface", "crossref", "page"]),
    announced=st.sampled_from(["", "new", "cross", "replace"]),
    version=st.sampled_from([None, 1, 2]),
    authors=st.sampled_from([(), ("Ada Example",), ("Bo Dummy",)]),
    listed_once=st.booleans(),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(PAPERS, max_size=8), cut=st.integers(0, 8))
def test_it_stores_anything_and_settles(rows: list[FetchedPaper], cut: int, db: None) -> None:
    """Listings that contradict each other may be told apart only the second time."""
    Paper.objects.all().delete()
    store_papers(rows[:cut])
    store_papers(rows[cut:])
    store_papers(rows)
    papers, listings = Paper.objects.count(), Listing.objects.count()
    kept = Paper.objects.filter(same_as__isnull=False).values_list("same_as__same_as", flat=True)
    assert set(kept) <= {None}  # no chains: a twin points at what is kept
    store_papers(rows)
    assert Paper.objects.count() == papers
    assert Listing.objects.count() == listings
