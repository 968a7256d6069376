"""An edition that too many complain of is paused: by its first letters, and by the limit."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from newsletter.complaints import record_complaint
from newsletter.controls import open_gate, resume_sending
from newsletter.deliveries import claim_first_deliveries
from newsletter.erasure import erase_reader
from newsletter.models import Delivery, Edition, EditionTally
from newsletter.progress import read_progress
from subscribers.models import ConsentEvent
from tests.integration.complaining.letters import NOW, make_going
from tests.integration.planned import plan
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def test_the_canary_stops_an_edition_at_one_complaint(server: SmtpServer) -> None:
    edition = plan(*(f"ok-{n}" for n in range(240)))
    open_gate()
    claimed = claim_first_deliveries("worker", 3, edition, 20)
    Delivery.objects.filter(pk=claimed[0].id).update(
        state="sent", code=250, finished_at=NOW, message_id="<a@b>", owner="", lease_until=None
    )
    recorded = record_complaint(claimed[0].id, NOW, "a test")
    assert recorded is not None
    assert recorded.paused == "1 of the first 3 readers complained"
    assert Edition.objects.get().pause_reason == recorded.paused
    assert open_gate().blocked == (edition,)


def complain(letters: list[Delivery], at: float = 0) -> list[str]:
    found = [record_complaint(one.pk, NOW + timedelta(seconds=at), "a test") for one in letters]
    return [recorded.paused for recorded in found if recorded]


def test_it_pauses_an_edition_at_the_limit_and_not_before() -> None:
    edition, letters = make_going(1501)
    assert complain(letters[:3]) == ["", "", ""]  # 0.1999 percent
    why = "4 of 1501 readers complained: PAPER_ROUND_COMPLAINT_LIMIT=0.2 percent"
    assert complain(letters[3:4]) == [why]
    edition.refresh_from_db()
    assert (edition.pause_reason, open_gate().blocked) == (why, (edition.pk,))


def test_the_status_tells_how_many_complained() -> None:
    _, letters = make_going(10)
    complain(letters[:2])
    out = StringIO()
    call_command("status", stdout=out)
    assert "2 called spam by their readers" in out.getvalue()
    assert read_progress().editions[0].complained == 2


def test_few_complaints_pause_no_small_edition(settings: Settings) -> None:
    _, letters = make_going(10)
    assert complain(letters[:2]) == ["", ""]
    assert complain(letters[2:3])[0].startswith("3 of 10 readers complained")
    assert complain(letters[3:4]) == [""]  # paused it is, for the first reason
    assert Edition.objects.get().pause_reason.startswith("3 of 10")


def test_a_resumed_edition_pauses_again_when_as_many_complain_anew() -> None:
    edition, letters = make_going(10)
    complain(letters[:3], at=-60)
    assert resume_sending(edition.date)
    later = (timezone.now() - NOW).total_seconds() + 60
    assert complain(letters[3:5], at=later) == ["", ""]
    assert complain(letters[5:6], at=later)[0].startswith("6 of 10 readers complained")


def test_those_erased_since_count_too() -> None:
    edition, letters = make_going(1501)
    complain(letters[:3])
    erase_reader(letters[0].subscriber_id, NOW, tell=False)
    assert EditionTally.objects.get().complained == 1
    assert complain(letters[3:4])[0].startswith("4 of 1501 readers complained")
    edition.refresh_from_db()
    assert edition.paused_at is not None


@pytest.mark.parametrize("field", ["closed_at", "cancelled_at", "paused_at"])
def test_it_pauses_nothing_that_goes_out_no_more(field: str) -> None:
    edition, letters = make_going(5)
    Edition.objects.update(**{field: NOW})
    assert complain(letters[:4]) == [""] * 4
    edition.refresh_from_db()
    assert edition.pause_reason == ""


def test_a_limit_of_nothing_pauses_nothing(settings: Settings) -> None:
    settings.COMPLAINT_LIMIT = 0
    _, letters = make_going(5)
    assert complain(letters) == [""] * 5


@pytest.mark.django_db(transaction=True)
def test_complaints_at_once_are_counted_together() -> None:
    _, letters = make_going(12)
    found: list[str] = []
    start = threading.Barrier(6)

    def run(own: list[Delivery]) -> None:
        try:
            start.wait(10)
            found.extend(complain(own))
        finally:
            connection.close()

    chosen = [letters[:2], letters[1:3], letters[2:3], letters[:1], letters[:3], letters[1:2]]
    threads = [threading.Thread(target=run, args=(own,)) for own in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert [why for why in found if why] == [Edition.objects.get().pause_reason]
    assert ConsentEvent.objects.count() == 3
