"""What is left by workers that ended: poison, lost databases, restored backups."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from newsletter import beacon, guard, sending
from newsletter.days import drain_deliveries, run_minute
from newsletter.deliveries import claim_deliveries
from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.receipts import Receipts, receipts_path
from newsletter.material import Material
from newsletter.models import Delivery, Tally
from newsletter.recovery import recover
from newsletter.sending import receipts_directory
from subscribers.models import Subscriber
from tests.factories import DAY, MORNING
from tests.integration.planned import plan, states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def crash_at(letter: int, owner: str) -> None:
    """Leave what a worker leaves that was killed while it composed this letter."""
    with Receipts(receipts_directory(), owner) as receipts:
        claim_deliveries(owner, 100)
        receipts.begin(letter)


def test_f21_a_letter_that_kills_its_workers_is_given_up_alone(server: SmtpServer) -> None:
    plan("ok1", "ok2", "poison")
    poison = Delivery.objects.get(subscriber__email="poison@reader.example").pk
    for time_ in range(3):
        crash_at(poison, f"killed-{time_}")
        recover()
        Delivery.objects.filter(state="queued").update(next_at=MORNING)
    letter = Delivery.objects.get(pk=poison)
    assert (letter.state, letter.crashes) == ("failed", 3)
    assert letter.detail.startswith("poison: 3 workers")
    assert set(Delivery.objects.exclude(pk=poison).values_list("attempts", "crashes")) == {(0, 0)}
    assert drain_deliveries().states == {"sent": 2}


def test_a_database_that_goes_away_is_not_the_letters_doing(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan("ok1", "ok2")

    def lose(*_: Any) -> None:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patched:
        for module, name in ((guard, "find_standings"), (sending, "record_outcomes")):
            patched.setattr(module, name, lose)
        patched.setattr(sending, "release_deliveries", lose)
        with pytest.raises(OperationalError):
            drain_deliveries()
    assert recover().released == 2
    assert set(Delivery.objects.values_list("state", "crashes", "attempts")) == {("queued", 0, 0)}


def test_f21_a_letter_that_never_gets_composed_is_given_up(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from newsletter import digests

    plan("ok1", "loop", "ok2")
    compose = digests.compose_share

    def loop(item: Any, share: Any, material: Any, **options: Any) -> Any:
        while share.reader.email.startswith("loop"):
            pass
        return compose(item, share, material, **options)

    monkeypatch.setattr(digests, "compose_share", loop)
    monkeypatch.setattr(guard, "COMPOSE_SECONDS", 0.2)
    assert drain_deliveries().states == {"sent": 2, "failed": 1}
    assert "it took more than" in Delivery.objects.get(state="failed").detail


def test_the_beacon_stops_a_restored_database(server: SmtpServer) -> None:
    plan("ok1", "ok2")
    drain_deliveries()
    Tally.objects.update(minute=timezone.now() - timedelta(days=1))
    drained = drain_deliveries()
    assert "restored?" in drained.why
    call_command("resume", "--sent-until", str(DAY), stdout=StringIO())
    assert drain_deliveries().why == ""
    assert Subscriber.objects.filter(covered_until=DAY).count() == 2


def test_old_tallies_go_and_are_no_alarm(server: SmtpServer) -> None:
    plan("ok1")
    drain_deliveries()
    long_ago = timezone.now() - timedelta(days=41)
    Tally.objects.update(minute=long_ago)
    note = json.loads(beacon.beacon_path().read_text())
    beacon.beacon_path().write_text(json.dumps(note | {"at": long_ago.isoformat()}))
    run_minute(MORNING)
    assert not Tally.objects.exists()
    assert beacon.find_restored() == ""


def test_the_beacon_of_another_installation_says_nothing() -> None:
    beacon.beacon_path().write_text(
        json.dumps({"at": datetime.now(UTC).isoformat(), "edition": "2026-11-20",
                    "installation": "another"})
    )  # fmt: skip
    assert beacon.find_restored() == ""


def leave_receipts(owner: str, *letters: tuple[int, bool]) -> None:
    """Leave what a worker leaves that was killed after these letters' dots; replied to, or not."""
    with Receipts(receipts_directory(), owner) as receipts:
        for letter, replied in letters:
            receipts.handing(letter)
            if replied:
                receipts.outcome(Outcome(letter, Verdict.SENT, 250, "2.0.0 queued"))


def test_it_writes_again_what_a_database_lost_of_a_letter_that_is_out(server: SmtpServer) -> None:
    plan("ok1", "ok2", "gone")
    drain_deliveries()
    went = {mail.recipient: mail.message_id for mail in server.accepted}
    with connection.cursor() as cursor:  # the last commits are lost: those rows are only claimed
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE newsletter_delivery DISABLE TRIGGER USER")
        Delivery.objects.update(
            state="sending", owner="killed", lease_until=MORNING, message_id="", picks=[],
            code=None, finished_at=None,
        )  # fmt: skip
        cursor.execute("ALTER TABLE newsletter_delivery ENABLE TRIGGER USER")
    Subscriber.objects.filter(email__startswith="gone").update(status="unsubscribed")
    leave_receipts(
        "killed", *((letter, True) for letter in Delivery.objects.values_list("pk", flat=True))
    )
    assert recover().settled == 3
    rows = Delivery.objects.values_list("subscriber__email", "state", "message_id", "picks")
    assert {email: name for email, _, name, _ in rows} == went
    assert {state for _, state, _, _ in rows} == {"sent"}
    assert [len(picks) for email, _, _, picks in rows if email.startswith("ok")] == [1, 1]


def test_it_believes_receipts_of_which_the_ledger_lost_the_claim(server: SmtpServer) -> None:
    plan("replied", "unknown", "never")
    replied, unknown, _ = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    leave_receipts("killed", (replied, True), (unknown, False))
    recovered = recover()
    assert (recovered.settled, recovered.in_doubt, recovered.resent) == (1, 1, 1)
    drain_deliveries()
    assert [mail.recipient.partition("@")[0] for mail in server.accepted] == ["unknown", "never"]
    assert states() == {"sent": 3}
    assert Delivery.objects.get(doubts=1).pk == unknown


def test_an_owner_that_cannot_be_recovered_keeps_nobody_waiting(server: SmtpServer) -> None:
    plan("ok1", "ok2")
    first, second = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    leave_receipts("a-first", (first, True))
    leave_receipts("b-second", (second, True))
    path = receipts_path(receipts_directory(), "a-first")
    path.unlink()
    path.mkdir()  # not a file that can be read
    assert recover().settled == 1
    assert Delivery.objects.get(pk=second).state == "sent"


def test_a_lease_that_ended_while_composing_puts_nothing_in_doubt(
    server: SmtpServer, settings: Settings
) -> None:
    settings.IN_DOUBT = "park"
    plan("ok1", "ok2")
    lease, settings.LEASE = settings.LEASE, timedelta(seconds=-1)
    with sending.Outbox() as outbox:
        batch = sending.deliver_batch(outbox, Material(), 10)
    assert (batch.claimed, states()) == (2, {"queued": 2})
    settings.LEASE = lease
    recover()
    drain_deliveries()
    assert states() == {"sent": 2}
    assert set(Delivery.objects.values_list("doubts", "attempts")) == {(0, 1)}
