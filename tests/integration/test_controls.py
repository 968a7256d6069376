"""Pause, resume, cancel; the brake, the canary, poison; what is in doubt."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from newsletter import beacon, days, tasks
from newsletter.controls import (
    cancel_letters,
    open_gate,
    park_in_doubt,
    pause_sending,
    resend_in_doubt,
    resume_sending,
)
from newsletter.days import drain_deliveries, prepare_edition
from newsletter.deliveries import claim_deliveries, claim_first_deliveries
from newsletter.models import Delivery, Edition, Tally
from newsletter.planning import plan_deliveries, plan_edition
from newsletter.progress import read_progress
from newsletter.recovery import recover
from subscribers.services import suppress_address
from tests.factories import DAY, MORNING, RL, store, subscribe
from tests.integration.planned import plan, states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
NEXT = DAY + timedelta(days=1)


def test_a_pause_holds_everything_and_resume_goes_on(server: SmtpServer) -> None:
    plan("ok1", "ok2")
    pause_sending("the relay's operator asked")
    pause_sending("another reason")
    assert drain_deliveries().why == "sending is paused: the relay's operator asked"
    assert states() == {"queued": 2}
    assert resume_sending()
    assert not resume_sending()
    assert drain_deliveries().states == {"sent": 2}


def test_a_pause_of_one_edition_leaves_the_others(server: SmtpServer) -> None:
    plan("ok1", "ok2")
    pause_sending("a wrong paper", DAY)
    store(f"{RL} again", listed_on=NEXT)
    other, _ = prepare_edition(NEXT, MORNING + timedelta(days=1))
    subscribe(email="later@reader.example", now=MORNING + timedelta(days=1))
    plan_edition(other, MORNING + timedelta(days=1), everyone=False)
    plan_deliveries(MORNING + timedelta(days=1, hours=2))
    drain_deliveries()
    sent = {mail.recipient for mail in server.accepted}
    assert "later@reader.example" in sent
    assert not Delivery.objects.filter(edition__date=DAY, state="sent").exists()


def test_a_pause_in_the_middle_of_a_batch_stops_before_the_next_letter(
    server: SmtpServer, transactional_db: None
) -> None:
    plan("ok1", "ok2", "ok3")
    server.on_rcpt = lambda recipient: pause_now() if recipient.startswith("ok2") else None
    drain_deliveries()
    assert [mail.recipient for mail in server.accepted] == ["ok1@reader.example"]
    assert states() == {"sent": 1, "queued": 2}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0, 1}


def test_a_paused_editions_letters_keep_no_worker_waiting(
    server: SmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_URL, settings.BATCH = f"{server.url}?rate=5", 100
    hints: list[str] = []
    monkeypatch.setattr(tasks, "hint", lambda *_, **__: hints.append("deliver"))
    plan("ok1", "ok2")
    assert days.has_due_deliveries()
    pause_sending("a wrong paper", DAY)
    assert not days.has_due_deliveries()
    assert drain_deliveries().states == {}  # and comes to an end, though a throttle would wait
    tasks.deliver()
    assert hints == []


def test_the_log_names_an_edition_of_whose_letters_none_is_wanted(
    server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    plan("gone")
    suppress_address("gone@reader.example", "complaint")
    with caplog.at_level("INFO", "newsletter.sending"):
        drain_deliveries()
    assert states() == {"cancelled": 1}
    assert f"editions={DAY}:1 cancelled=1" in caplog.text
    assert "gone@" not in caplog.text


def test_letters_behind_the_first_ones_ask_for_no_delivery_by_themselves(
    server: SmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[str] = []
    monkeypatch.setattr(tasks, "hint", lambda *_, **__: hints.append("deliver"))
    edition = plan(*(f"ok{n}" for n in range(240)))
    open_gate()  # the edition's first letters are to be judged
    claim_first_deliveries("another", 100, edition, 20)
    tasks.deliver()  # they are in another worker's hand: the others wait for them
    assert hints == []
    assert states() == {"sending": 20, "queued": 220}


def pause_now() -> None:
    from django.db import connection

    pause_sending("now")
    connection.close()


def test_a_cancelled_edition_sends_nothing_and_no_later_letter_carries_it(
    server: SmtpServer,
) -> None:
    plan("ok1", "ok2")
    assert cancel_letters(DAY, MORNING) == 2
    assert drain_deliveries().states == {}
    assert states() == {"cancelled": 2}
    store(f"{RL} again", listed_on=NEXT)
    later = MORNING + timedelta(days=1, hours=2)
    prepare_edition(NEXT, later)
    assert plan_deliveries(later) == 2
    drain_deliveries()
    carried = Delivery.objects.filter(state="sent").values_list("picks", flat=True)
    assert [len(picks) for picks in carried] == [1, 1]


def test_cancel_everything_leaves_what_is_out(server: SmtpServer) -> None:
    plan("ok1", "drop")
    drain_deliveries()
    assert cancel_letters(None, MORNING) == 0
    recover()
    assert states() == {"sent": 1, "in_doubt": 1}  # in doubt, and no longer resent


def test_the_brake_stops_at_the_days_limit(server: SmtpServer, settings: Settings) -> None:
    settings.DAILY_LIMIT, settings.BATCH = 5, 2
    plan(*(f"ok{n}" for n in range(9)))
    drained = drain_deliveries()
    assert "PAPER_ROUND_DAILY_LIMIT=5" in drained.why
    assert states() == {"sent": 5, "queued": 4}
    progress = read_progress()
    assert "the brake: PAPER_ROUND_DAILY_LIMIT=5" in progress.held
    assert progress.finish is None
    Tally.objects.update(minute=timezone.now() - timedelta(hours=25))
    beacon.forget_beacon()
    drain_deliveries()
    assert states()["sent"] == 9
    assert read_progress().held == ""  # nothing waits


def plan_canary(refused: int, local: str = "d552") -> int:
    """A large edition whose first letters are to be refused."""
    return plan(*(f"{local if n < refused else 'ok'}-{n}" for n in range(240)))


def test_the_canary_lets_the_others_go_when_the_first_are_accepted(server: SmtpServer) -> None:
    plan_canary(refused=1)
    assert drain_deliveries().states == {"sent": 239, "failed": 1}
    edition = Edition.objects.get()
    assert (edition.canary_size, edition.cleared_at is not None) == (20, True)
    assert Delivery.objects.filter(canary=True).count() == 20


@pytest.mark.parametrize("local", ["d552", "h550"])
def test_the_canary_stops_an_edition_that_is_refused(server: SmtpServer, local: str) -> None:
    plan_canary(refused=5, local=local)
    drain_deliveries()
    edition = Edition.objects.get()
    assert edition.pause_reason == "5 of the first 20 letters were refused"
    assert states() == {"sent": 15, "failed": 5, "queued": 220}
    out = StringIO()
    call_command("run_day", "--date", str(DAY), stdout=out, stderr=out)
    call_command("status", stdout=out)
    assert (
        f"The edition of {DAY} is paused (5 of the first 20 letters were refused)" in out.getvalue()
    )
    assert out.getvalue().count(f"manage.py resume --date {DAY}") == 2
    call_command("resume", "--date", str(DAY), stdout=StringIO())
    drain_deliveries()
    assert states() == {"sent": 235, "failed": 5}


def test_the_canary_stops_an_edition_that_is_complained_of(server: SmtpServer) -> None:
    plan_canary(refused=0)
    open_gate()
    claimed = claim_deliveries("nobody", 1)
    Delivery.objects.filter(pk=claimed[0].id).update(canary=True, complained_at=MORNING)
    drain_deliveries()
    assert Edition.objects.get().pause_reason == "1 of the first 1 readers complained"
    assert server.accepted == []


def test_a_small_edition_has_no_canary(server: SmtpServer) -> None:
    plan("ok1", "d552", "d552-2")
    assert drain_deliveries().states == {"sent": 1, "failed": 2}


def doubt(server: SmtpServer) -> int:
    plan("drop")
    drain_deliveries()
    return Delivery.objects.get(state="in_doubt").pk


def test_an_operator_resends_what_is_in_doubt_under_its_id(
    server: SmtpServer, settings: Settings
) -> None:
    settings.IN_DOUBT = "park"
    letter = doubt(server)
    settings.FROM_EMAIL = "Papers <papers@other.example>"  # its Message-ID was stored before
    assert resend_in_doubt([letter]) == 1
    drain_deliveries()
    assert len(server.accepted) == 2
    assert len({mail.message_id for mail in server.accepted}) == 1
    assert states() == {"in_doubt": 1}


def test_a_parked_letter_is_not_sent_again(server: SmtpServer) -> None:
    letter = doubt(server)
    assert park_in_doubt([letter], timezone.now()) == 1
    assert park_in_doubt([letter], timezone.now()) == 0
    assert recover().resent == 0
    assert read_progress().in_doubt == 0


def test_the_status_tells_the_letters_by_state(server: SmtpServer) -> None:
    plan("ok1", "ok2", "h550", "t451", "drop")
    drain_deliveries()
    out = StringIO()
    call_command("status", "--json", stdout=out)
    found = json.loads(out.getvalue())
    (edition,) = found["editions"]
    counts = {name: edition[name] for name in ("sent", "failed", "deferred", "in_doubt", "due")}
    assert counts == {"sent": 2, "failed": 1, "deferred": 1, "in_doubt": 1, "due": 0}
    assert found["relays"][0]["sent_day"] == 2
    assert found["domains"][0]["domain"] == "reader.example"
    assert "reader.example" not in json.dumps(found["editions"])
    out = StringIO()
    call_command("status", stdout=out)
    assert "nothing is due" in out.getvalue()
    assert f"{server.port}" in out.getvalue()


def test_the_status_says_that_the_brake_holds_the_letters(
    server: SmtpServer, settings: Settings
) -> None:
    settings.DAILY_LIMIT, settings.BATCH = 2, 2
    plan("ok1", "ok2", "ok3")
    assert read_progress().held == ""
    drain_deliveries()
    assert "PAPER_ROUND_DAILY_LIMIT=2" in read_progress().held


def say(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_the_commands_say_how_an_edition_goes_on(server: SmtpServer) -> None:
    plan("ok1")
    assert f"`manage.py resume --date {DAY}` goes on" in say("pause", "--date", str(DAY))
    assert f"manage.py resume --date {DAY} lets its letters go" in say(
        "run_day", "--date", str(DAY)
    )
    told = say("resume")
    assert "It was not paused." in told
    assert f"The edition of {DAY} is paused still" in told
    assert "paused still" not in say("resume", "--date", str(DAY))


def test_no_day_to_come_counts_as_sent() -> None:
    tomorrow = timezone.localdate() + timedelta(days=2)
    with pytest.raises(CommandError, match="readers would get nothing until then"):
        call_command("resume", "--sent-until", str(tomorrow))


def test_an_edition_that_became_large_is_judged_by_its_first_letters(server: SmtpServer) -> None:
    plan("ok1")
    drain_deliveries()
    assert Edition.objects.get().canary_size == 0
    plan(*(f"d552-{n}" for n in range(240)))  # a list was imported on its day
    drain_deliveries()
    edition = Edition.objects.get()
    assert edition.pause_reason.endswith("of the first 20 letters were refused")
    assert states()["queued"] == 220


def test_the_commands_refuse_a_day_without_an_edition() -> None:
    for command in (["pause"], ["resume"], ["cancel"]):
        with pytest.raises(CommandError, match="there is no edition of 2020-01-01"):
            call_command(*command, "--date", "2020-01-01")
