"""What delivery and matching read of readers."""

from __future__ import annotations

from datetime import time

import pytest
from pytest_django import DjangoAssertNumQueries

from subscribers import queries, services
from tests.integration.subscribers.people import NOW, add_ada

pytestmark = pytest.mark.django_db


def test_it_reads_a_reader_with_the_interests_in_order() -> None:
    ada = add_ada(timezone="Europe/Paris", starred=["protein folding"])
    reader = queries.read_readers([ada.pk, 0])[ada.pk]
    assert (reader.id, reader.email, reader.status) == (ada.pk, "ada@example.org", "confirmed")
    assert (reader.timezone, reader.send_time, reader.weekdays) == ("Europe/Paris", time(8), 127)
    assert (reader.papers_per_letter, reader.confirmed_at) == (10, NOW)
    texts = [(interest.text, interest.weight) for interest in reader.interests]
    assert texts == [("protein folding", 2), ("diffusion models", 1), ("RL", 1)]
    assert [interest.position for interest in reader.interests] == [0, 1, 2]
    assert reader.interests[2].canonical == "RL"
    assert reader.interests[2].expand


@pytest.mark.parametrize("count", [1, 20])
def test_it_reads_any_number_of_readers_in_two_queries(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [add_ada(email=f"reader{n}@example.org").pk for n in range(count)]
    with django_assert_num_queries(2):
        assert set(queries.read_readers(ids)) == set(ids)


def test_it_reads_no_readers() -> None:
    assert queries.read_readers([]) == {}


def test_it_finds_the_suppressed_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    services.suppress_address("ada@example.org", "complaint")
    with django_assert_num_queries(1):
        found = queries.suppressed_among(["ADA@example.org", "bob@example.org"])
    assert found == {"ADA@example.org"}


def test_it_finds_who_still_wants_letters() -> None:
    ada, bob, eve = (add_ada(email=f"{name}@example.org") for name in ("ada", "bob", "eve"))
    services.unsubscribe(bob.pk, "a letter", NOW)
    services.suppress_address(eve.email, "hard_bounce")
    wanted = [reader.pk for reader in (ada, bob, eve) if queries.is_wanted(reader.pk, reader.email)]
    assert wanted == [ada.pk]
    assert not queries.is_wanted(0, "nobody@example.org")


def test_it_yields_each_query_of_confirmed_readers_once() -> None:
    add_ada(interests=["RL", "attention"])
    add_ada(email="bob@example.org", interests=["RL"])
    gone = add_ada(email="eve@example.org", interests=["only hers"])
    services.unsubscribe(gone.pk, "a letter", NOW)
    services.intern_query("nobody's")
    found = list(queries.distinct_queries())
    assert sorted(query.text for query in found) == ["RL", "attention"]
    assert [query.id for query in found] == sorted(query.id for query in found)
