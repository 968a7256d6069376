"""A reader calls a letter spam: they are mailed no more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.complaints import record_complaint
from newsletter.days import drain_deliveries, prepare_edition
from newsletter.models import Delivery, Notice
from newsletter.planning import plan_deliveries
from subscribers.models import ConsentEvent, Subscriber, Suppression
from subscribers.services import unsubscribe
from subscribers.suppressions import is_refused, suppress_address
from tests.factories import DAY, MORNING, RL, store
from tests.integration.complaining.letters import NOW, TAKEN, UNTOUCHED, send, standing
from tests.integration.planned import states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
NEXT = DAY + timedelta(days=1)


def test_it_unsubscribes_suppresses_and_marks_the_letter(server: SmtpServer) -> None:
    letter, other = send("ok1", "ok2")
    recorded = record_complaint(letter.pk, NOW, "a test")
    assert recorded is not None
    assert (recorded.new, recorded.paused) == (True, "")
    assert (standing(letter), standing(other)) == (TAKEN, UNTOUCHED)
    event = ConsentEvent.objects.get()
    assert (event.kind, event.source) == ("unsubscribed", "complaint, a test")
    assert Suppression.objects.get().reason == "complaint"
    assert not Notice.objects.exists()  # no way back is mailed to who called us spam


def test_a_second_report_of_the_letter_changes_nothing(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    record_complaint(letter.pk, NOW, "a test")
    Suppression.objects.all().delete()  # by the operator, at the reader's word
    Subscriber.objects.update(status="confirmed")
    recorded = record_complaint(letter.pk, NOW + timedelta(days=1), "a replay")
    assert recorded is not None
    assert not recorded.new
    assert standing(letter) == (True, "confirmed", False)
    assert Delivery.objects.get().complained_at == NOW
    assert ConsentEvent.objects.count() == 1


def test_it_takes_the_complaint_of_who_left_before(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    unsubscribe(letter.subscriber_id, "a page", NOW)
    record_complaint(letter.pk, NOW, "a test")
    assert standing(letter) == TAKEN
    assert ConsentEvent.objects.get().source == "a page"


@pytest.mark.parametrize(
    ("before", "after"),
    [("erased", "complaint"), ("unsubscribed", "complaint"), ("blocked", "blocked")],
)
def test_a_complaint_weighs_more_than_having_left(
    server: SmtpServer, before: str, after: str
) -> None:
    (letter,) = send("ok1")
    suppress_address("ok1@reader.example", before)
    record_complaint(letter.pk, NOW, "a test")
    assert Suppression.objects.get().reason == after
    assert is_refused("ok1@reader.example")


def test_a_waiting_letter_is_cancelled_as_for_who_leaves(server: SmtpServer) -> None:
    letter, _ = send("ok1", "ok2")
    store(f"{RL} again", listed_on=NEXT)
    later = MORNING + timedelta(days=1, hours=2)
    prepare_edition(NEXT, later)
    assert plan_deliveries(later) == 2
    record_complaint(letter.pk, NOW, "a test")
    drain_deliveries()
    assert states() == {"sent": 3, "cancelled": 1}
    cancelled = Delivery.objects.get(state="cancelled")
    assert (cancelled.subscriber_id, cancelled.edition.date) == (letter.subscriber_id, NEXT)
