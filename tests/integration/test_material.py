"""What a run has read for its letters: each thing once, and no more than a fixed amount of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from newsletter import material as kept
from newsletter.days import prepare_edition
from newsletter.deliveries import Claimed
from newsletter.digests import compose_batch
from newsletter.material import Material
from newsletter.models import Delivery, Edition, Paper
from newsletter.planning import plan_edition
from newsletter.saving import save_paper
from subscribers.models import Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe

pytestmark = pytest.mark.django_db
ROBOTS = "Robots that fold proteins by reinforcement learning"


def plan_letters() -> list[Claimed]:
    """The letters of four readers, one of whom wants similar papers, in the order of the ledger."""
    store(RL, FOLDING, ROBOTS, "Galaxies seen through dust")
    for interests in (["RL"], ["protein folding", "robots"], ["RL", "robots"]):
        subscribe(*interests)
    fond = subscribe("galaxies")
    Subscriber.objects.filter(pk=fond).update(similar_up_to=5)
    save_paper(fond, Paper.objects.get(title=FOLDING).pk, "saved", MORNING)
    edition_id, _ = prepare_edition(DAY, MORNING)
    plan_edition(edition_id, MORNING, everyone=True)
    return [
        Claimed(row.pk, row.edition_id, row.subscriber_id, row.covers_from, row.planned_at, 0, [])
        for row in Delivery.objects.order_by("pk")
    ]


def test_it_forgets_what_has_become_much_and_writes_the_same_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = plan_letters()
    expected = compose_batch(letters, Material()).messages
    assert len(expected) == 4
    monkeypatch.setattr(kept, "MATCHES_KEPT", 1)
    material = Material()
    found = []
    for _ in range(2):
        for letter in letters:
            found += compose_batch([letter], material).messages
            assert len(material.matches) <= 3  # what was kept before, and the letter's own
    assert [one.data for one in found] == [one.data for one in expected] * 2


def test_a_row_that_covers_a_day_to_come_carries_its_own() -> None:
    letters = plan_letters()
    expected = compose_batch(letters, Material()).messages
    wrong = letters[0]._replace(covers_from=DAY + timedelta(days=3))
    found = compose_batch([wrong, *letters[1:]], Material()).messages
    assert [one.data for one in found] == [one.data for one in expected]
    assert [one.data for one in compose_batch([wrong], Material()).messages] == [expected[0].data]


def test_a_row_that_cannot_be_read_fails_alone() -> None:
    letters = plan_letters()
    expected = compose_batch(letters, Material()).messages
    composed = compose_batch([letters[0]._replace(picks=[7]), *letters[1:]], Material())
    assert [one.data for one in composed.messages] == [one.data for one in expected[1:]]
    (entry,) = composed.entries
    assert (entry.delivery_id, entry.state) == (letters[0].id, "failed")
    assert "could not be composed: TypeError" in entry.detail


def test_an_edition_cancelled_while_its_letters_are_in_hand_stops_no_batch() -> None:
    letters = plan_letters()
    Edition.objects.update(cancelled_at=MORNING)
    assert len(compose_batch(letters, Material()).messages) == 4  # the last look lets none go


def test_it_reads_nothing_twice(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    letters = plan_letters()[:3]
    material = Material()
    compose_batch(letters, material)
    papers = dict(material.papers)
    # Readers and their interests, who is suppressed, new editions; nothing of papers and matches.
    with django_assert_max_num_queries(4):
        compose_batch(letters, material)
    assert material.papers == papers
    assert all(material.papers[key] is paper for key, paper in papers.items())
    assert Edition.objects.count() == 1
