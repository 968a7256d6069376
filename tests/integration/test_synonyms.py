"""Synonyms: what is accepted counts, what papers define is proposed, readers see both."""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from newsletter import links
from newsletter.acronyms import LearntCounts, learn_synonyms
from newsletter.editions import freeze_edition, match_edition, open_edition
from newsletter.matching.synonyms import DEFAULT_SYNONYMS
from newsletter.models import Definition, Paper, QueryMatches, Synonym
from newsletter.search import search_papers
from newsletter.synonyms import (
    SynonymError,
    count_interests,
    decide_synonyms,
    read_synonyms,
    save_synonym,
)
from subscribers.models import Interest, Query
from subscribers.services import ReaderError, add_interest, set_expand
from tests.factories import DAY, MORNING, store, subscribe
from tests.unit.matching.papers import SHARED, needs_pages

pytestmark = pytest.mark.django_db
ACCEPTED, PROPOSED, REJECTED = (
    Synonym.State.ACCEPTED,
    Synonym.State.PROPOSED,
    Synonym.State.REJECTED,
)


def store_defining(long: str, short: str, count: int) -> None:
    start = Paper.objects.count()
    for number in range(start, start + count):
        store(f"Paper {number}", abstract=f"We study {long} ({short}), number {number}, at length.")


def propose(long: str = "widget folding network", short: str = "WFN") -> Synonym:
    store_defining(long, short, 3)
    learn_synonyms()
    return Synonym.objects.get(short=short)


def test_it_starts_with_the_shipped_table() -> None:
    shipped = Synonym.objects.filter(source="shipped", state=ACCEPTED)
    assert sorted(shipped.values_list("short", "long")) == sorted(DEFAULT_SYNONYMS.pairs)
    assert sorted(read_synonyms().pairs) == sorted(DEFAULT_SYNONYMS.pairs)


def test_its_migration_goes_back_and_keeps_what_is_the_operators() -> None:
    migration = import_module("newsletter.migrations.0004_ship_synonyms")
    migration.ship(apps, None)
    shipped = Synonym.objects.count()
    save_synonym("WFN", "widget folding network", ACCEPTED, MORNING)
    migration.withdraw(apps, None)
    assert [row.short for row in Synonym.objects.all()] == ["WFN"]
    rival = save_synonym("RL", "rapid light", ACCEPTED, MORNING)
    migration.ship(apps, None)
    assert Synonym.objects.count() == shipped - 1 + 2
    assert Synonym.objects.get(short="RL").pk == rival


def test_it_reads_in_one_query_and_compiles_once(django_assert_num_queries: Any) -> None:
    first = read_synonyms()
    with django_assert_num_queries(1):
        assert read_synonyms() is first
    save_synonym("WFN", "widget folding network", ACCEPTED, MORNING)
    with django_assert_num_queries(1):
        assert ("WFN", "widget folding network") in read_synonyms().pairs


def test_it_counts_at_once_in_search_and_in_the_next_edition() -> None:
    store("On widget folding networks")
    subscribe("WFN")
    row = save_synonym("WFN", "widget folding network", PROPOSED, MORNING)
    assert search_papers("WFN") == []
    assert decide_synonyms([row], ACCEPTED, MORNING) == []
    assert [paper.title for paper in search_papers("WFN")] == ["On widget folding networks"]
    edition = open_edition(DAY, MORNING)
    freeze_edition(edition, MORNING)
    assert match_edition(edition, MORNING) == 1
    assert QueryMatches.objects.get().query.text == "WFN"


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"long": "reinforced learning", "key": "x"}, "synonym_accepted_unambiguous"),
        ({"state": "rejected"}, "synonym_pair_unique"),
        ({"short": "X", "state": "dreamt"}, "synonym_state_known"),
        ({"short": "X", "source": "heard"}, "synonym_source_known"),
        ({"short": "X", "decided_at": None}, "synonym_decided_has_instant"),
        ({"short": "X", "state": "proposed"}, "synonym_decided_has_instant"),
        ({"short": ""}, "synonym_both_forms_given"),
        ({"short": "X", "key": ""}, "synonym_both_forms_given"),
    ],
)
def test_the_database_refuses_a_synonym(values: dict[str, Any], constraint: str) -> None:
    row = {"short": "RL", "key": "reinforcementlearning", "long": "l", "state": ACCEPTED}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Synonym.objects.create(**{**row, "decided_at": MORNING, **values})


def test_the_database_refuses_a_definition_twice() -> None:
    store_defining("widget folding", "WF", 1)
    learn_synonyms()
    found = Definition.objects.get()
    found.pk = None
    with pytest.raises(IntegrityError, match="definition_once_per_paper"), transaction.atomic():
        found.save()


@pytest.mark.parametrize(
    ("short", "long", "words"),
    [
        ("rl", "reinforcement learning", "“rl” is no acronym: write one word with two capitals"),
        ("RL agent", "x y", "“RL agent” is no acronym"),
        ("WFN", "WFN", "says no more than “WFN”: spell it out"),
        ("WFN", "?!", "says no more"),
        ("RL", "Reinforcement-Learning", "is here already, accepted: change that one"),
        ("RL", "rapid light", "RL is accepted as “reinforcement learning” already"),
    ],
)
def test_it_refuses_a_pair_with_the_mend(short: str, long: str, words: str) -> None:
    with pytest.raises(SynonymError) as refused:
        save_synonym(short, long, ACCEPTED, MORNING)
    assert words in str(refused.value)


def test_it_takes_another_meaning_once_the_first_is_rejected() -> None:
    rival = save_synonym("RL", "rapid light", PROPOSED, MORNING)
    [refused] = decide_synonyms([rival], ACCEPTED, MORNING)
    assert "reject that one first" in str(refused)
    decide_synonyms([Synonym.objects.get(long="reinforcement learning").pk], REJECTED, MORNING)
    assert decide_synonyms([rival], ACCEPTED, MORNING) == []
    assert ("RL", "rapid light") in read_synonyms().pairs


def test_it_proposes_what_three_papers_define() -> None:
    store_defining("Widget Folding Networks", "WFNs", 2)
    assert learn_synonyms() == LearntCounts(2, 2, 0)
    store_defining("widget-folding network", "WFN", 1)
    assert learn_synonyms() == LearntCounts(1, 1, 1)
    row = Synonym.objects.get(source="learnt")
    assert (row.short, row.long, row.state) == ("WFN", "widget-folding network", PROPOSED)
    assert (row.papers, row.evidence["share"], len(row.evidence["examples"])) == (3, 100, 3)
    example = row.evidence["examples"][-1]
    marked = [example["text"][start:end] for start, end in example["marks"]]
    assert marked == ["Widget Folding Networks", "WFNs"]
    assert ("WFN", row.long) not in read_synonyms().pairs


def test_it_proposes_nothing_ambiguous() -> None:
    store_defining("widget folding network", "WFN", 7)
    store_defining("wide fuzzy numbers", "WFN", 2)
    assert learn_synonyms().proposed == 0
    store_defining("widget folding network", "WFN", 1)
    assert learn_synonyms().proposed == 1
    assert Synonym.objects.get(short="WFN").evidence["share"] == 80


@pytest.mark.parametrize("state", [ACCEPTED, REJECTED])
def test_it_leaves_what_was_decided_and_renews_its_evidence(state: str) -> None:
    row = propose()
    decide_synonyms([row.pk], state, MORNING)
    store_defining(row.long, row.short, 4)
    assert learn_synonyms().proposed == 0
    row.refresh_from_db()
    assert (row.state, row.decided_at, row.papers) == (state, MORNING, 7)
    assert len(row.evidence["examples"]) == 5


def test_it_reads_each_paper_once(django_assert_max_num_queries: Any) -> None:
    propose()
    with django_assert_max_num_queries(2):
        assert learn_synonyms() == LearntCounts(0, 0, 0)


def test_it_learns_in_as_many_queries_for_many_papers(django_assert_max_num_queries: Any) -> None:
    store_defining("widget folding network", "WFN", 40)
    with django_assert_max_num_queries(14):
        assert learn_synonyms() == LearntCounts(40, 40, 1)


def test_it_counts_the_interests_a_pair_would_reach() -> None:
    subscribe("WFN", "widget-folding networks", '"WFN"', "grokking -WFN", "title:WFN AND grokking")
    add_interest(subscribe("unrelated"), "WFN", expand=False)
    assert count_interests("WFN", "widget folding network") == 3


def test_it_switches_synonyms_of_an_interest_off_and_on() -> None:
    interest = Interest.objects.get(subscriber=subscribe("RL"))
    off = set_expand(interest.pk, False)
    assert (Query.objects.get(pk=off).text, Query.objects.get(pk=off).expand) == ("RL", False)
    interest.refresh_from_db()
    assert (interest.query_id, interest.text) == (off, "RL")
    assert set_expand(interest.pk, False) == off
    assert set_expand(interest.pk, True) != off


def test_it_refuses_to_make_two_interests_one() -> None:
    reader = subscribe("RL")
    exact = add_interest(reader, "RL", expand=False)
    with pytest.raises(ReaderError, match="“RL” is there with synonyms already"):
        set_expand(exact, True)
    with pytest.raises(ReaderError, match="no interest has the number"):
        set_expand(987_654, True)


def test_it_tells_a_reader_what_an_interest_also_finds() -> None:
    reader = subscribe("RL", "grokking")
    add_interest(reader, "LLM", expand=False)
    path = f"/m/{links.make_token(links.MANAGE, reader)}"
    page = Client().get(path, follow=True).content.decode()
    assert "also finds <bdi>“reinforcement learning”</bdi>" in page
    assert "switched off, so it does not find <bdi>“large language model”</bdi>" in page
    assert page.count("<small>") == 2


def test_its_command_adds_exact_interests_and_tells_the_others() -> None:
    out = StringIO()
    call_command(
        *("add_subscriber", "ada@example.org", "--interest", "RL", "SAM", "--exact", "LLM"),
        stdout=out,
    )
    lines = out.getvalue().splitlines()
    assert lines[1:6] == [
        "  interest: RL",
        "    also finds: reinforcement learning",
        "  interest: SAM",
        "  interest: LLM",
        "    does not find: large language model",
    ]


def test_its_command_learns() -> None:
    store_defining("widget folding network", "WFN", 3)
    out = StringIO()
    call_command("learn_synonyms", stdout=out)
    assert out.getvalue() == "3 papers read: 3 definitions of acronyms, 1 newly proposed\n"


@needs_pages
def test_it_learns_from_the_saved_papers() -> None:
    call_command(
        "import_papers", *sorted(SHARED.glob("page-*.txt")), stdout=StringIO(), stderr=StringIO()
    )
    assert learn_synonyms().papers == 154
    proposed = set(Synonym.objects.filter(state=PROPOSED).values_list("short", flat=True))
    assert {"MLE", "LM"} <= proposed
    assert Synonym.objects.get(short="RL").papers >= 12


def test_it_reads_papers_with_odd_texts() -> None:
    store("No abstract", abstract="")
    store("(((", abstract="\\(\\frac{(}{RL) graph (\\emph{")
    assert learn_synonyms() == LearntCounts(2, 0, 0)
