"""One paper, once: across sources, versions and identifiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from newsletter.editions import freeze_edition, open_edition
from newsletter.merging import COUNTED, PRECEDENCE, TEXTS
from newsletter.models import Listing, Paper, PaperIdentifier
from newsletter.papers import waiting_papers
from newsletter.search import search_papers
from newsletter.sources.base import FetchedPaper, Withdrawal
from newsletter.sources.registry import SOURCES
from newsletter.storing import find_unseen, store_papers
from tests.factories import DAY, MORNING, fetched

pytestmark = pytest.mark.django_db

ARXIV = "2611.00001"
DOI = "10.1000/garden"


def preprint(title: str = "Gardens", **fields: Any) -> FetchedPaper:
    return fetched(title, arxiv_id=ARXIV, source="arxiv-rss", **fields)


def article(title: str = "Gardens", **fields: Any) -> FetchedPaper:
    return fetched(title, doi=DOI, source="crossref", **fields)


def freeze() -> None:
    freeze_edition(open_edition(DAY, MORNING), MORNING)


def test_it_knows_the_journals_paper_by_the_preprints_doi() -> None:
    store_papers([preprint(doi=DOI)])
    store_papers([article("Gardens, as Printed", authors=("Somebody Else",))])
    assert Paper.objects.get().arxiv_id == ARXIV


def test_it_knows_the_preprint_by_what_the_journal_says_it_is() -> None:
    store_papers([article("As Printed", also_known_as=(f"arxiv:{ARXIV}",))])
    store_papers([preprint("As Posted")])
    paper = Paper.objects.get()
    assert (paper.arxiv_id, paper.doi) == (ARXIV, DOI)


def test_it_knows_a_paper_by_its_second_doi() -> None:
    posted = fetched("Posted", doi="10.1101/x", also_known_as=(f"doi:{DOI}",))
    store_papers([posted])
    store_papers([article("Printed")])
    assert Paper.objects.get().doi == "10.1101/x"
    assert PaperIdentifier.objects.get().identifier == f"doi:{DOI}"


def test_it_knows_a_papers_forum() -> None:
    for title in ("Submitted", "Camera Ready"):
        store_papers([fetched(title, also_known_as=("openreview:abcd",))])
    assert Paper.objects.count() == 1


def test_it_takes_a_preprint_and_an_article_of_one_title_and_author_for_one() -> None:
    store_papers([fetched("Gardens", doi="10.1101/x"), article()])
    assert Paper.objects.count() == 1
    assert PaperIdentifier.objects.get().identifier == f"doi:{DOI}"


@pytest.mark.parametrize(
    "other",
    [
        {"doi": "10.1000/other"},  # two articles
        {"arxiv_id": "2611.00002"},
        {"arxiv_id": "2611.00002", "doi": "10.1000/other"},
        {"arxiv_id": "2611.00002", "authors": ("Bo Dummy",)},
        {"authors": ("Bo Dummy",)},
        {"published_at": datetime(2019, 1, 1, tzinfo=UTC)},
    ],
)
def test_it_keeps_papers_apart_that_share_a_title(other: dict[str, Any]) -> None:
    first = {"arxiv_id": ARXIV} if "arxiv_id" in other else {"doi": DOI}
    store_papers([fetched("Introduction", published_at=datetime(2026, 1, 1, tzinfo=UTC), **first)])
    store_papers([fetched("Introduction", **other)])
    assert Paper.objects.count() == 2


def test_it_joins_two_stored_papers_that_turn_out_to_be_one() -> None:
    store_papers([preprint("As Posted"), article("As Printed")])
    assert Paper.objects.count() == 2
    store_papers([preprint("As Posted", doi=DOI)])
    kept, other = Paper.objects.order_by("pk")
    assert (other.same_as, kept.same_as) == (kept, None)
    assert list(waiting_papers(DAY)) == [kept]
    assert (other.hidden, kept.hidden) == (True, False)
    assert [found.id for found in search_papers("printed OR posted")] == [kept.pk]
    store_papers([article("As Printed", upvotes=40)])  # found by the DOI of the other
    assert Paper.objects.count() == 2
    assert Paper.objects.get(pk=kept.pk).upvotes == 40


def test_it_sends_the_kept_paper_on_the_day_the_other_was_listed() -> None:
    store_papers([preprint("As Posted", listed_on=None)])  # archive
    store_papers([article("As Printed")])
    store_papers([preprint("As Posted", doi=DOI, listed_on=None)])
    assert [paper.arxiv_id for paper in waiting_papers(DAY)] == [ARXIV]


def test_it_joins_within_one_batch() -> None:
    store_papers([article("As Printed"), preprint("As Posted"), preprint("As Posted", doi=DOI)])
    assert waiting_papers(DAY).count() == 1


def test_it_keeps_both_papers_where_both_were_sent() -> None:
    store_papers([preprint("As Posted"), article("As Printed")])
    freeze()
    store_papers([preprint("As Posted", doi=DOI)])
    assert Paper.objects.filter(same_as__isnull=True).count() == 2


def test_it_keeps_the_one_that_was_sent() -> None:
    store_papers([article("As Printed")])
    freeze()
    store_papers([preprint("As Posted", listed_on=DAY + timedelta(days=1))])
    store_papers([preprint("As Posted", doi=DOI, listed_on=DAY + timedelta(days=1))])
    assert not waiting_papers(DAY + timedelta(days=1)).exists()


def test_the_database_refuses_an_identifier_twice_and_a_paper_as_its_own_twin() -> None:
    store_papers([fetched("One", also_known_as=("openreview:a",)), fetched("Two")])
    one, two = Paper.objects.order_by("pk")
    with pytest.raises(IntegrityError), transaction.atomic():
        PaperIdentifier.objects.create(paper=two, identifier="openreview:a")
    with pytest.raises(IntegrityError), transaction.atomic():
        Paper.objects.filter(pk=one.pk).update(same_as=one.pk)


def test_the_precedence_names_every_field_and_only_known_sources() -> None:
    assert set(PRECEDENCE) == set(TEXTS)
    assert not set(COUNTED) & set(PRECEDENCE)
    files = {"table", "page", "bibtex", "ris"}
    for kinds in PRECEDENCE.values():
        assert set(kinds) <= set(SOURCES) | files
        assert len(set(kinds)) == len(kinds)


def test_it_merges_alike_whatever_the_order_of_the_sources() -> None:
    listings = [
        preprint(
            abstract="of arXiv", published_at=datetime(2026, 11, 20, 5, tzinfo=UTC), upvotes=None
        ),
        fetched(
            "Gardens!",
            source="huggingface",
            arxiv_id=ARXIV,
            abstract="of the Hub",
            published_at=datetime(2026, 11, 18, 17, tzinfo=UTC),
            code_url="https://github.com/example/gardens",
            upvotes=5,
        ),
        article(abstract="of Crossref", journal="Gardens", also_known_as=(f"arxiv:{ARXIV}",)),
    ]
    found = set()
    for order in permutations(listings):
        Paper.objects.all().delete()
        for one in order:
            store_papers([one])
        (paper,) = Paper.objects.all()
        found.add((paper.title, paper.abstract, paper.published_at, paper.code_url, paper.journal))
    assert found == {
        (
            "Gardens",
            "of arXiv",
            datetime(2026, 11, 18, 17, tzinfo=UTC),
            "https://github.com/example/gardens",
            "Gardens",
        )
    }


def test_it_refreshes_counts_of_a_listing_that_is_not_the_newest_of_all() -> None:
    hub = {"source": "huggingface", "arxiv_id": ARXIV}
    store_papers([fetched("Gardens", upvotes=1, **hub)])
    store_papers([preprint(upvotes=None, listed_on=DAY + timedelta(days=1))])
    for days in (1, 2, 3):  # asked again on the three days after, as the table of sources says
        store_papers([fetched("Gardens", upvotes=1 + days, comments=days, **hub)])
    paper = Paper.objects.get()
    assert (paper.upvotes, paper.comments, paper.counted_on) == (4, 3, DAY)
    assert SOURCES["huggingface"].refresh_days == 3


def test_it_notes_a_revision_and_sends_nothing_again() -> None:
    store_papers([preprint(version=1, announced="new")])
    freeze()
    later = DAY + timedelta(days=3)
    counts = store_papers(
        [preprint("Gardens, Revised", version=2, announced="replace", listed_on=later)]
    )
    assert (counts.revised, counts.papers) == (1, 0)
    paper = Paper.objects.get()
    assert (paper.listed_version, paper.version, paper.revised_on) == (1, 2, later)
    assert (paper.title, paper.newest_listing) == ("Gardens", DAY)
    assert not waiting_papers(later).exists()


def test_it_does_not_go_back_to_an_older_version() -> None:
    store_papers([preprint("Second", version=2), preprint("First", version=1)])
    paper = Paper.objects.get()
    assert (paper.title, paper.version) == ("Second", 2)


def test_it_does_not_store_a_revision_of_an_unknown_paper() -> None:
    counts = store_papers([preprint(version=4, announced="replace-cross")])
    assert str(counts) == "0 papers: 0 new, 0 updated, 0 repeated, 1 revision"
    assert not Paper.objects.exists()


def test_it_lists_a_batch_served_again_on_another_day_once() -> None:
    old = [preprint(listed_once=True)]
    assert find_unseen(old) == 1
    assert store_papers(old).unseen == 1
    again = [preprint(listed_once=True, listed_on=DAY + timedelta(days=1))]
    assert find_unseen(again) == 0
    assert store_papers(again).unseen == 0
    assert Listing.objects.get().listed_on == DAY


def test_it_counts_as_unseen_what_only_another_source_listed() -> None:
    store_papers([fetched("Gardens", arxiv_id=ARXIV, source="huggingface")])
    assert find_unseen([preprint(), preprint(announced="replace")]) == 1


def test_it_hides_a_withdrawn_paper_and_says_why() -> None:
    store_papers(
        [preprint(), article("Printed"), fetched("Forum", also_known_as=("openreview:a",))]
    )
    at = datetime(2026, 11, 20, tzinfo=UTC)
    gone = [
        Withdrawal("arxiv-oai", f"arxiv:{ARXIV}", at, "an error in Lemma 2"),
        Withdrawal("crossref", f"doi:{DOI}"),
        Withdrawal("openreview", "openreview:a"),
        Withdrawal("crossref", "doi:10.1/unknown"),
    ]
    assert str(store_papers([], gone)).endswith("3 withdrawn")
    assert "withdrawn" not in str(store_papers([], gone))
    paper = Paper.objects.get(arxiv_id=ARXIV)
    assert (paper.hidden, paper.withdrawn_at) == (True, at)
    assert paper.withdrawal == "an error in Lemma 2"
    assert not Paper.objects.filter(hidden=False).exists()


def test_it_does_not_hide_a_withdrawn_paper_whose_letters_are_on_their_way() -> None:
    store_papers([preprint()])
    freeze()
    counts = store_papers([], [Withdrawal("arxiv-oai", f"arxiv:{ARXIV}")])
    assert str(counts).endswith("1 withdrawn")
    paper = Paper.objects.get()
    assert paper.withdrawn_at is not None
    assert not paper.hidden


@pytest.mark.parametrize("titles", [("Kites", "Kites"), ("Kites", "Other")])
def test_it_changes_nothing_when_joined_papers_are_stored_again(titles: tuple[str, str]) -> None:
    batch = [preprint(titles[0]), article(titles[1]), preprint(titles[0], doi=DOI)]
    store_papers(batch)
    before = list(Paper.objects.order_by("pk").values())
    listed = list(Listing.objects.order_by("pk").values())
    store_papers(batch)
    assert list(Paper.objects.order_by("pk").values()) == before
    assert list(Listing.objects.order_by("pk").values()) == listed


def test_it_stores_listings_of_the_day_the_source_gives() -> None:
    store_papers([preprint(listed_on=date(2026, 11, 19)), preprint(listed_on=None)])
    assert [listing.listed_on for listing in Listing.objects.all()] == [date(2026, 11, 19)]
