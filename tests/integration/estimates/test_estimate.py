"""The estimate of an interest, over real editions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from newsletter import wordbook
from newsletter.estimates import Verdict, estimate, judge
from newsletter.matching.base import QueryError
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Edition, PackedWords, Paper
from newsletter.papers import list_documents
from newsletter.synonyms import read_synonyms
from newsletter.wordbook import current_wordbook, pack_edition
from tests.factories import DAY, MORNING, store
from tests.integration.estimates.days import freeze_days

pytestmark = pytest.mark.django_db

FILLER = [f"A paper about matter number {number}" for number in range(60)]


@pytest.mark.parametrize(
    ("days", "papers", "hits", "verdict"),
    [
        (30, 0, 0, Verdict.UNKNOWN),
        (30, 1000, 0, Verdict.NONE),
        (30, 1000, 4, Verdict.NICHE),  # 0.93 a week
        (28, 1000, 4, Verdict.GOOD),  # exactly one a week
        (30, 3000, 600, Verdict.GOOD),  # exactly 20 a day
        (30, 3000, 601, Verdict.BROAD),
        (30, 1000, 300, Verdict.GOOD),  # exactly 30 %
        (30, 1000, 301, Verdict.REFUSED),
        (1, 50, 16, Verdict.REFUSED),
        (1, 49, 49, Verdict.BROAD),  # too few papers to refuse anyone
        (0, 0, 0, Verdict.UNKNOWN),
    ],
)
def test_it_judges_at_the_edges(days: int, papers: int, hits: int, verdict: Verdict) -> None:
    assert judge(days, papers, hits) is verdict


def test_it_counts_by_edition() -> None:
    freeze_days(["Grokking", "Lazy learning"], ["Rich learning"], ["Grokking again", *FILLER])
    found = estimate("grokking", MORNING)
    assert (found.days, found.papers, found.hits) == (3, 64, 2)
    assert found.per_day == pytest.approx(2 / 3)
    assert found.histogram == (
        (DAY - timedelta(days=2), 1),
        (DAY - timedelta(days=1), 0),
        (DAY, 1),
    )
    assert found.verdict is Verdict.GOOD
    assert found.advice == "4.7 a week, good."


def test_it_looks_at_the_30_newest_editions_only() -> None:
    freeze_days(["Grokking long ago"], *([["Something else"]] * 30))
    found = estimate("grokking", MORNING)
    assert (found.days, found.hits, found.verdict) == (30, 0, Verdict.NONE)


def test_it_shows_examples_with_marked_words() -> None:
    freeze_days([f"On grokking, part {number}" for number in range(7)])
    found = estimate("grokking", MORNING)
    assert len(found.examples) == 5
    marked = [part.text for part in found.examples[0].title if part.marked]
    assert marked == ["grokking"]
    assert found.examples[0].url.startswith("https://arxiv.org/abs/")


def test_it_says_what_it_also_finds() -> None:
    freeze_days(["Reinforcement learning at last"])
    assert estimate("RL", MORNING).also_finds == ("reinforcement learning",)
    assert estimate("RL", MORNING).hits == 1
    without = estimate("RL", MORNING, expand=False)
    assert (without.also_finds, without.hits) == ((), 0)


def test_it_finds_what_the_letters_find() -> None:
    freeze_days(["Pre-training RL", "Pretraining", "A rapist"], ["LLMs, and RL", "world models"])
    documents = list(list_documents(Paper.objects.all()))
    for text in ("RL", "pretraining", "LLM -RL", "therapist", "world*", '"LLM RL"~1', "author:Ada"):
        expected = match_query(parse_query(text), documents, read_synonyms())
        assert estimate(text, MORNING).hits == len(expected), text


def test_it_suggests_what_splits_a_broad_interest_with_true_counts() -> None:
    titles = [f"Deep learning for {'robots' if n % 2 else 'proteins'} {n}" for n in range(60)]
    freeze_days(titles, [*FILLER, *(f"Other matter {n}" for n in range(100))])
    found = estimate("deep learning", MORNING)
    assert found.verdict is Verdict.BROAD
    assert {text for text, _ in found.narrower} >= {
        "deep learning AND robots",
        "deep learning AND proteins",
    }
    for text, per_day in found.narrower:
        assert estimate(text, MORNING).per_day == per_day
    assert found.advice.startswith("30 a day, broad: narrow it with AND, as in deep learning AND ")


def test_it_refuses_what_matches_most_papers() -> None:
    freeze_days([f"Learning {n}" for n in range(60)])
    found = estimate("learning", MORNING)
    assert found.verdict is Verdict.REFUSED
    assert found.advice.startswith("100 % of all papers, 60 a day: too broad")


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("grokkin", "grokking"),
        ("reinforcment learning", "reinforcement learning"),
        ("over parameterised", "over parameterized"),
        ("overparameterised", "overparameterized"),
        ("1-layer", "one-layer"),
        ("δ method", "delta method"),
        ("behavior cloning", "behaviour cloning"),
        ("xray", "x ray"),
        ("prompt learning", "prompt AND learning"),
        ("LROA", "LoRA"),
        ("author:exampel", "author:example"),
        ("cat:cs.LX", "cat:cs.lg"),
    ],
)
def test_it_suggests_what_does_occur(query: str, near: str) -> None:
    freeze_days(
        [
            *("Grokking and reinforcement learning", "Over-parameterized one-layer nets", "X ray"),
            *("The delta method", "Behaviour cloning", "Learning to prompt", "LoRA"),
        ]
    )
    Paper.objects.update(categories=["cs.LG"])
    found = estimate(query, MORNING)
    assert (found.hits, found.verdict) == (0, Verdict.NONE)
    assert near in [text for text, _ in found.nearest]
    for text, count in found.nearest:
        assert estimate(text, MORNING).hits == count > 0
    assert found.advice.startswith("0 in the one edition so far; near: ")


def test_it_says_which_part_of_a_query_finds_nothing() -> None:
    freeze_days(["Grokking", "Federated learning"])
    found = estimate("federatted AND grokking", MORNING)
    assert dict(found.nearest) == {"federated": 1, "grokking": 1}


def test_it_speaks_over_listing_days_before_the_first_edition() -> None:
    store("Grokking now", "Something else")
    store("Grokking before", listed_on=DAY - timedelta(days=3))
    store("Grokking tomorrow", listed_on=DAY + timedelta(days=3))
    found = estimate("grokking", MORNING)
    assert (found.days, found.hits, found.of_editions) == (2, 2, False)
    store("Grokking more")
    assert estimate("grokking", MORNING).hits == 3


def test_it_says_so_without_papers() -> None:
    found = estimate("grokking", MORNING)
    assert (found.verdict, found.days, found.papers) == (Verdict.UNKNOWN, 0, 0)
    assert found.advice.startswith("No papers are stored yet")


def test_it_leaves_hidden_papers_out() -> None:
    store("Grokking", "Grokking hidden")
    Paper.objects.filter(title="Grokking hidden").update(hidden=True)
    assert estimate("grokking", MORNING).hits == 1


def test_it_refuses_a_bad_query_as_it_is() -> None:
    with pytest.raises(QueryError, match="never closed"):
        estimate("foo(bar", MORNING)


def test_it_asks_little_of_the_database(django_assert_max_num_queries: object) -> None:
    freeze_days(*([[f"Grokking {n}", "Other"] for n in range(10)]))
    estimate("grokking", MORNING)
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        estimate("grokking", MORNING)


def test_it_packs_a_frozen_edition_once() -> None:
    freeze_days(["Grokking"])
    edition = Edition.objects.get()
    pack_edition(edition.pk)
    PackedWords.objects.update(packed=PackedWords.objects.get().packed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("newsletter.wordbook._make_pack", None)
        pack_edition(edition.pk)
        assert len(current_wordbook(MORNING).postings) == 1


def test_it_packs_anew_what_other_rules_packed() -> None:
    freeze_days(["Grokking"])
    PackedWords.objects.create(date=DAY, stamp="other rules", packed=b"nonsense")
    assert estimate("grokking", MORNING).hits == 1
    assert PackedWords.objects.get().stamp != "other rules"


def test_it_keeps_what_it_made_of_many_papers_in_a_file(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR_DIR = tmp_path
    freeze_days(["Grokking", "Lazy learning"], ["Rich learning"], ["Grokking again", *FILLER])
    texts = ("grokking", "learning", "grokkin", "paper", "matter AND paper")
    before = [estimate(text, MORNING) for text in texts]
    monkeypatch.setattr(wordbook, "MOST_KEPT", 10)
    for _ in range(2):  # made, and read again
        monkeypatch.setattr(wordbook, "_book", wordbook._EMPTY)
        assert [estimate(text, MORNING) for text in texts] == before
        PackedWords.objects.all().delete()  # not needed any more
    assert len(list((tmp_path / "search").glob("days-*.words"))) == 1
    with pytest.raises(ValueError, match="read-only"):
        current_wordbook(MORNING).postings.ids[0] = 1
