"""Service mail: sent once, tried again, ahead of the letters, and forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from newsletter import notices
from newsletter.celery import app
from newsletter.days import drain_deliveries, prepare_edition, run_minute
from newsletter.models import Delivery, Notice
from newsletter.notice_kinds import KINDS
from newsletter.notices import (
    cancel_notices,
    forget_notices,
    has_due_notices,
    queue_notice,
    send_notices,
)
from newsletter.planning import plan_deliveries
from subscribers.grants import (
    GrantExpired,
    GrantUnknown,
    GrantUsed,
    forget_grants,
    issue_grant,
    peek_grant,
    revoke_grants,
    use_grant,
)
from subscribers.models import Grant, Subscriber
from subscribers.services import suppress_address
from tests.factories import DAY, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer, closed_port

pytestmark = pytest.mark.django_db


def ask(email: str = "ok@reader.example") -> int:
    """Queue a confirmation for a reader who waits for one."""
    reader = Subscriber.objects.create(email=email, send_time="08:00")
    grant = {"interests": ["RL"], "send_time": "08:00"}
    return queue_notice("confirm", reader.pk, now=MORNING, payload={"grant": grant})


def hasten() -> None:
    Notice.objects.filter(state="queued").update(next_at=MORNING - timedelta(days=1000))


def test_it_sends_what_waits_and_forgets_what_it_was_about(server: SmtpServer) -> None:
    number = ask()
    assert has_due_notices()
    assert send_notices(MORNING, 10).states == {"sent": 1}
    row = Notice.objects.get(pk=number)
    assert (row.state, row.code, row.payload, row.address) == ("sent", 250, {}, "")
    assert not has_due_notices()
    assert send_notices(MORNING, 10).states == {}
    assert len(server.accepted) == 1


def test_it_tries_again_after_a_soft_refusal_and_gives_up(server: SmtpServer) -> None:
    number = ask("t451-1@reader.example")
    states = []
    for _ in range(7):
        hasten()
        send_notices(MORNING, 10)
        states.append(Notice.objects.get(pk=number).state)
    assert states == ["queued"] * 5 + ["failed"] * 2
    assert Notice.objects.get(pk=number).attempts == 6


def test_it_fails_at_once_where_there_is_no_mailbox(server: SmtpServer) -> None:
    number = ask("h550-1@reader.example")
    assert send_notices(MORNING, 10).states == {"failed": 1}
    row = Notice.objects.get(pk=number)
    assert (row.code, row.payload) == (550, {})


def test_it_waits_for_a_relay_that_is_away(server: SmtpServer, settings: Settings) -> None:
    number = ask()
    with closed_port() as port:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
        run = send_notices(MORNING, 10)
    assert (run.states, bool(run.relay)) == ({"queued": 1}, True)
    assert Notice.objects.get(pk=number).attempts == 0
    settings.EMAIL_URL = server.url
    hasten()
    assert send_notices(MORNING, 10).states == {"sent": 1}


def test_it_sends_twice_at_most_under_one_message_id_when_in_doubt(server: SmtpServer) -> None:
    number = ask("drop-1@reader.example")
    for _ in range(4):
        hasten()
        send_notices(MORNING, 10)
    assert Notice.objects.get(pk=number).state == "failed"
    found = {mail.data.split(b"Message-ID: ")[1].split(b"\r\n")[0] for mail in server.accepted}
    assert (len(server.accepted), len(found)) == (2, 1)


def test_it_takes_up_what_a_dead_worker_held(server: SmtpServer) -> None:
    number = ask()
    held = {"state": "sending", "owner": "dead", "attempts": 1}
    Notice.objects.update(**held, lease_until=timezone.now() + timedelta(minutes=5))
    assert send_notices(MORNING, 10).states == {}
    Notice.objects.update(lease_until=MORNING - timedelta(days=1000))
    hasten()
    assert send_notices(MORNING, 10).states == {"sent": 1}
    assert Notice.objects.get(pk=number).attempts == 2


def test_it_gives_up_what_kills_its_workers(server: SmtpServer) -> None:
    number = ask()
    Notice.objects.update(attempts=notices.POISON)
    assert send_notices(MORNING, 10).states == {"failed": 1}
    assert "ended without a word" in Notice.objects.get(pk=number).detail
    assert not server.accepted


@pytest.mark.parametrize("reason", ["suppressed", "confirmed meanwhile"])
def test_it_cancels_what_nobody_wants_by_now(server: SmtpServer, reason: str) -> None:
    number = ask()
    if reason == "suppressed":
        suppress_address("ok@reader.example", "complaint")
    else:
        Subscriber.objects.update(status="confirmed", confirmed_at=MORNING)
    assert send_notices(MORNING, 10).states == {"cancelled": 1}
    assert Notice.objects.get(pk=number).payload == {}
    assert not server.accepted
    assert not Grant.objects.exists()


def test_it_lets_one_broken_notice_stop_no_other(
    server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    broken = ask("broken@reader.example")
    Subscriber.objects.filter(email="broken@reader.example").update(email="üser@reader.example")
    ask()
    assert send_notices(MORNING, 10).states == {"failed": 1, "sent": 1}
    assert "could not be composed" in Notice.objects.get(pk=broken).detail


def test_it_goes_out_between_batches_of_letters(server: SmtpServer, settings: Settings) -> None:
    settings.BATCH = 1
    for _ in range(3):
        subscribe("reinforcement learning")
    store(RL)
    prepare_edition(DAY, MORNING)
    assert plan_deliveries(MORNING + timedelta(hours=2)) == 3

    ask()
    Notice.objects.update(next_at=timezone.now() + timedelta(days=1))
    # It becomes due once the first batch is out.
    drain_deliveries(lambda _line: hasten())
    recipients = [mail.recipient for mail in server.accepted]
    assert recipients.index("ok@reader.example") == 1
    assert len(recipients) == 4
    assert Delivery.objects.filter(state="sent").count() == 3


def test_it_goes_out_with_the_minute_where_no_broker_runs(server: SmtpServer) -> None:
    ask()
    run_minute(MORNING)
    assert [mail.recipient for mail in server.accepted] == ["ok@reader.example"]


def test_its_queue_is_looked_at_before_the_letters() -> None:
    assert list(app.amqp.queues) == ["at_once", "digests", "sources"]
    assert app.amqp.router.route({}, "newsletter.tasks.send_notices")["queue"].name == "at_once"
    assert app.amqp.router.route({}, "newsletter.tasks.deliver")["queue"].name == "digests"
    with app.connection_for_read() as broker:
        cycle = broker.default_channel._queue_cycle
        cycle.update(["digests", "at_once"])
        assert [cycle.consume(2) for _ in range(3)] == [["at_once", "digests"]] * 3


def test_it_cancels_and_forgets_on_request(server: SmtpServer) -> None:
    number = ask()
    reader = Notice.objects.get(pk=number).subscriber_id
    assert reader is not None
    assert cancel_notices(reader, "manage_link", now=MORNING) == 0
    assert cancel_notices(reader, "confirm", now=MORNING) == 1
    assert forget_notices(MORNING) == 0
    assert forget_notices(MORNING + timedelta(seconds=1)) == 1


def test_every_kind_has_its_folder_of_three() -> None:
    root = Path(__file__).resolve().parents[3] / "templates/email"
    assert set(KINDS) == set(Notice.Kind)
    missing = [
        f"{kind}/{name}"
        for kind in KINDS
        for name in ("subject.txt", "body.txt", "body.html")
        if not (root / kind / name).is_file()
    ]
    assert missing == []


def test_the_tables_refuse_a_finished_notice_that_remembers() -> None:
    number = ask()
    for state in ("sent", "failed", "cancelled"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.filter(pk=number).update(state=state, finished_at=MORNING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=number).update(subscriber=None)


WEEK = timedelta(days=7)


def test_it_gives_a_right_once() -> None:
    reader = subscribe("RL")
    token = issue_grant(reader, "manage", WEEK, {"a": 1}, now=MORNING)
    for _ in range(3):
        assert peek_grant(token, "manage", now=MORNING).payload == {"a": 1}
    assert use_grant(token, "manage", now=MORNING).subscriber_id == reader
    with pytest.raises(GrantUsed) as used:
        use_grant(token, "manage", now=MORNING)
    assert used.value.grant.subscriber_id == reader


def test_it_gives_a_right_to_one_of_two_who_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second passes every check the first did, then loses at the compare-and-set."""
    from subscribers import grants

    token = issue_grant(subscribe("RL"), "manage", WEEK, now=MORNING)
    stale = peek_grant(token, "manage", now=MORNING)
    use_grant(token, "manage", now=MORNING)
    monkeypatch.setattr(grants, "_read", lambda *_: stale)
    with pytest.raises(GrantUsed):
        use_grant(token, "manage", now=MORNING)


def test_it_gives_a_right_back_when_what_it_was_for_fails() -> None:
    token = issue_grant(subscribe("RL"), "manage", WEEK, now=MORNING)

    def use_in_vain() -> None:
        with transaction.atomic():
            use_grant(token, "manage", now=MORNING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use_in_vain()
    assert use_grant(token, "manage", now=MORNING).used_at is None


def test_it_ends_rights_in_time_and_on_request() -> None:
    reader = subscribe("RL")
    token = issue_grant(reader, "manage", WEEK, now=MORNING)
    with pytest.raises(GrantExpired):
        use_grant(token, "manage", now=MORNING + WEEK)
    other = issue_grant(reader, "undo", WEEK, now=MORNING)
    assert revoke_grants(reader, "manage", now=MORNING) == 1
    with pytest.raises(GrantExpired):
        peek_grant(token, "manage", now=MORNING)
    peek_grant(other, "undo", now=MORNING)
    assert forget_grants(MORNING + timedelta(seconds=1)) == 1


def test_it_gives_no_right_for_another_purpose_or_a_guess() -> None:
    token = issue_grant(subscribe("RL"), "manage", WEEK, now=MORNING)
    guesses = [token.swapcase(), token[:-1], token + "A", f" {token}", "", "\x00", "é" * 28]
    for wrong in guesses:
        with pytest.raises(GrantUnknown):
            peek_grant(wrong, "manage", now=MORNING)
    with pytest.raises(GrantUnknown):
        peek_grant(token, "undo", now=MORNING)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(g::text, '') FROM subscribers_grant AS g")
        assert token not in cursor.fetchone()[0]
