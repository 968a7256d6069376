"""A batch to a relay that takes its time: composed while it is waited for, to the same end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from newsletter import composing, digests, sending, stopping
from newsletter.days import drain_deliveries
from newsletter.deliveries import claim_deliveries
from newsletter.material import Material
from newsletter.models import Delivery
from tests.integration.planned import plan, states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_batches(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BATCH = 40
    monkeypatch.setattr(composing, "PREPARED", 8)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every relay is far, from the first batch on."""
    monkeypatch.setattr(sending, "FAR", 0.0)


@contextmanager
def failing(at: int, error: Exception) -> Iterator[None]:
    """Have composing this letter raise; the others take a moment, so that some are out by then."""
    compose = digests.compose_share

    def fail(item: Any, *arguments: Any, **named: Any) -> Any:
        if item.id == at:
            raise error
        time.sleep(0.005)
        return compose(item, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "compose_share", fail)
        yield


def locals_(number: int) -> list[str]:
    return [f"ok-{n}" for n in range(number)]


def test_letters_to_a_slow_relay_are_composed_while_it_is_waited_for(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    whole = composing.Composing

    def spy(*arguments: Any, is_far: bool) -> composing.Composing:
        asked.append(is_far)
        return whole(*arguments, is_far=is_far)

    monkeypatch.setattr(sending, "Composing", spy)
    server.on_dot = lambda _: time.sleep(2 * composing.FAR)
    plan(*locals_(110))
    drain_deliveries()
    assert asked == [False, True, True]
    assert states() == {"sent": 110}
    assert len(set(server.recipients())) == len(server.accepted) == 110
    sent = {mail.message_id.strip("<>") for mail in server.accepted}
    assert sent == {
        name.strip("<>") for name in Delivery.objects.values_list("message_id", flat=True)
    }
    assert not Delivery.objects.filter(picks=[]).exists()


@pytest.mark.parametrize("few", [1, 4, 7, 20, 99])
def test_a_few_at_a_time_are_the_letters_of_the_whole_batch(few: int) -> None:
    plan(*locals_(20))
    claimed = claim_deliveries("whole", 20)
    whole = digests.compose_batch(claimed, Material())
    composer = digests.Composer(claimed, Material())
    composed = digests.Composed()
    begun: list[int] = []
    while not composer.is_done:
        composed.add(composer.compose(few, begun.append))
    assert composed == whole
    assert begun == [item.id for item in claimed]
    assert len(composed.messages) == 20


@pytest.mark.usefixtures("far")
def test_a_stop_gives_back_what_is_not_composed(server: SmtpServer) -> None:
    plan(*locals_(40))
    server.on_dot = lambda _: stopping.ask_to_stop()
    try:
        drain_deliveries()
    finally:
        stopping.forget()
    found = states()
    assert found["sent"] == len(server.accepted) >= 1
    assert found["queued"] == 40 - found["sent"] > 0
    assert set(Delivery.objects.filter(state="queued").values_list("attempts", "owner")) == {
        (0, "")
    }
    server.on_dot = lambda _: None
    drain_deliveries()
    assert states() == {"sent": 40}
    assert len(set(server.recipients())) == len(server.accepted) == 40


@pytest.mark.usefixtures("far")
def test_one_that_cannot_be_composed_stops_no_other(server: SmtpServer) -> None:
    plan(*locals_(30))
    poison = Delivery.objects.order_by("pk")[17].pk
    with failing(poison, ValueError("poison")):
        drain_deliveries()
    assert states() == {"sent": 29, "failed": 1}
    assert "poison" in Delivery.objects.get(pk=poison).detail
    assert len(server.accepted) == 29


@pytest.mark.usefixtures("far")
def test_what_went_out_is_recorded_where_composing_loses_the_database(server: SmtpServer) -> None:
    plan(*locals_(40))
    last = Delivery.objects.order_by("-pk")[5].pk
    gone = OperationalError("the database is gone")
    with failing(last, gone), pytest.raises(OperationalError):
        drain_deliveries()
    found = states()
    assert found["sent"] == len(server.accepted) > 1
    assert found == {"sent": found["sent"], "queued": 40 - found["sent"]}
    drain_deliveries()
    assert states() == {"sent": 40}
    assert len(server.accepted) == 40


@pytest.mark.usefixtures("far")
def test_the_limits_of_a_domain_hold_for_letters_composed_meanwhile(
    server: SmtpServer, settings: Settings
) -> None:
    settings.DOMAIN_LIMITS = {"reader.example": (5, timedelta(seconds=1))}
    plan(*locals_(30))
    with sending.Outbox() as outbox:
        batch = sending.deliver_batch(outbox, Material(), 30)
    assert batch.states == {"queued": 25, "sent": 5}
    assert len(server.accepted) == 5
