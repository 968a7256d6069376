"""What the limit of a recipient domain holds back, and when it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from newsletter.days import drain_deliveries
from newsletter.material import Material
from newsletter.models import Delivery
from newsletter.sending import Outbox, deliver_batch
from newsletter.throttle import LONGEST_QUEUE, Limit, forget_queues, line_up
from tests.factories import subscribe
from tests.integration.planned import plan, states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_it_keeps_to_a_domains_limit(server: SmtpServer, settings: Settings) -> None:
    settings.DOMAIN_LIMITS = {"reader.example": (2, SECOND)}
    plan(*(f"ok{n}" for n in range(6)))
    subscribe(email="ok@elsewhere.example")
    with Outbox() as outbox:
        assert deliver_batch(outbox, Material(), 9).states["sent"] == 2
    waiting = Delivery.objects.filter(state="queued").values_list("next_at", flat=True)
    assert len(set(waiting)) == 4  # one after the other
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0, 1}


@pytest.mark.django_db(transaction=True)
def test_a_domains_letters_go_on_as_fast_as_its_limit(
    server: SmtpServer, settings: Settings
) -> None:
    settings.DOMAIN_LIMITS, settings.BATCH = {"reader.example": (10, SECOND)}, 6
    plan(*(f"ok{n}" for n in range(25)))
    drain_deliveries()
    assert states() == {"sent": 25}  # and not ten of them every half minute
    times = sorted(mail.at for mail in server.accepted)
    assert times[-1] - times[0] > 1.0


def test_what_a_domain_holds_back_waits_in_one_line() -> None:
    limit = Limit(2, SECOND)
    first, second = line_up("a.example", limit, 3), line_up("a.example", limit, 2)
    assert [wait.total_seconds() for wait in first] == [0.5, 1.0, 1.5]
    assert 1.5 < second[0].total_seconds() <= 2.0
    assert line_up("a.example", limit, 5000)[-1] == LONGEST_QUEUE
    forget_queues()
    assert line_up("a.example", limit, 1)[0].total_seconds() == 0.5
    assert line_up("a.example", limit, 0) == []
