"""`manage.py explain`, which paper and reader it takes, and what single explanations say."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from newsletter.days import prepare_edition, run_day
from newsletter.explanations import ExplanationError, explain_pair
from newsletter.lookup import LookupFailed, find_paper
from newsletter.models import Delivery, Paper
from newsletter.outcomes import Outcome
from subscribers.models import Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe

pytestmark = pytest.mark.django_db


def key(title: str) -> int:
    return Paper.objects.values_list("pk", flat=True).get(title=title)


def explain(*words: str) -> str:
    out = StringIO()
    call_command("explain", *words, stdout=out)
    return out.getvalue()


def test_it_tells_every_interest_and_the_place_in_line() -> None:
    subscribe("protein folding", "labels -offline", "RL", email="ada@reader.example")
    store(RL)
    prepare_edition(DAY, MORNING)
    said = explain("ada@reader.example", "offline reinforcement")
    assert "will carry it as things stand: rank 1 of 1 that match." in said
    assert "excluded by -offline: “Offline” in the title" in said
    assert "no  protein folding\n" in said
    assert "yes RL\n      “reinforcement learning” in the title\n" in said
    assert "edition   Fri 20 Nov 2026" in said


def test_it_prints_json() -> None:
    reader = subscribe(email="ada@reader.example")
    store(RL)
    prepare_edition(DAY, MORNING)
    found = json.loads(explain("ada@reader.example", str(key(RL)), "--json"))
    assert (found["reader_id"], found["outcome"]) == (reader, "planned")
    assert found["interests"][0]["matches"] is True
    assert found["edition"] == "2026-11-20"


@pytest.mark.parametrize(
    "text",
    [
        "2611.00001",
        "arXiv:2611.00001v3",
        "https://arxiv.org/abs/2611.00001",
        "10.1000/XYZ",
        "https://doi.org/10.1000/xyz",
        "https://example.org/paper",
        "half the labels",
        "Offline Reinforcement-Learning",
    ],
)
def test_it_finds_a_paper_by(text: str) -> None:
    store(RL, arxiv_id="2611.00001", doi="10.1000/xyz", url="https://example.org/paper")
    store(FOLDING)
    assert find_paper(text) == key(RL)


def test_it_finds_a_paper_by_number_and_by_its_page() -> None:
    store(RL, FOLDING)
    assert find_paper(str(key(RL))) == key(RL)
    assert find_paper(f"https://papers.example.org/p/{key(RL)}") == key(RL)


def test_it_lists_the_papers_that_may_be_meant() -> None:
    subscribe(email="ada@reader.example")
    store(f"{RL}, part one", f"{RL}, part two")
    with pytest.raises(
        CommandError, match=r"may mean several papers(.|\n)*part two(.|\n)*part one"
    ):
        explain("ada@reader.example", "reinforcement learning")
    with pytest.raises(LookupFailed, match="no stored paper is meant by 'quantum'"):
        find_paper("quantum")
    with pytest.raises(LookupFailed):
        find_paper("…")


def test_it_refuses_an_unknown_reader() -> None:
    store(RL)
    with pytest.raises(CommandError, match="no reader has the address nobody@"):
        explain("nobody@reader.example", "labels")
    with pytest.raises(CommandError, match="is no mail address"):
        explain("nobody", "labels")
    with pytest.raises(ExplanationError, match="no paper has the number 0"):
        explain_pair(subscribe(), 0, MORNING)


def test_it_says_that_no_edition_takes_what_was_listed_too_early() -> None:
    reader = subscribe()
    store(RL, listed_on=DAY - timedelta(days=9))
    assert explain_pair(reader, key(RL), MORNING).outcome is Outcome.NO_EDITION
    store(FOLDING, listed_on=DAY - timedelta(days=7))
    assert explain_pair(reader, key(FOLDING), MORNING).outcome is Outcome.EDITION_OPEN


@pytest.mark.parametrize("status", ["unconfirmed", "paused", "unsubscribed"])
def test_it_says_where_a_reader_gets_no_letters(status: str) -> None:
    reader = subscribe()
    store(RL)
    prepare_edition(DAY, MORNING)
    Subscriber.objects.filter(pk=reader).update(status=status, confirmed_at=MORNING)
    assert explain_pair(reader, key(RL), MORNING).outcome == status


@pytest.mark.django_db(transaction=True)  # the ledger's clock stands still in a transaction
def test_it_says_that_an_edition_came_after_the_letter_that_covers_its_day() -> None:
    reader = subscribe(now=MORNING - timedelta(days=1))
    store(FOLDING)
    run_day(None, MORNING, everyone=True)
    later = MORNING + timedelta(hours=2)
    store(RL, listed_on=DAY - timedelta(days=1))
    prepare_edition(DAY - timedelta(days=1), later)
    said = explain_pair(reader, key(RL), later)
    assert Delivery.objects.get(subscriber=reader).state == "empty"
    assert said.outcome is Outcome.NOT_COVERED
    assert "was matched after the letter of Fri 20 Nov 2026" in said.sentence


def test_it_writes_nothing() -> None:
    reader = subscribe()
    store(RL)
    prepare_edition(DAY, MORNING)
    before = list(Delivery.objects.values()), list(Subscriber.objects.values())
    explain_pair(reader, key(RL), MORNING)
    assert (list(Delivery.objects.values()), list(Subscriber.objects.values())) == before
