"""What an operator reads in a terminal, wide or narrow, and says there: status, doubts."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from newsletter.controls import pause_sending, resume_sending
from newsletter.days import drain_deliveries
from newsletter.models import Circuit, Delivery, Edition, Tally
from newsletter.planning import plan_edition
from newsletter.progress import read_progress
from tests.factories import DAY, MORNING, subscribe
from tests.integration.planned import plan, states
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def say(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out, no_color=True)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_status_fits_the_terminal(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    plan("ok1", "ok2", "h550", "t451", "drop", "d552")
    drain_deliveries()
    pause_sending("the first letters looked wrong to three of the editors", DAY)
    monkeypatch.setenv("COLUMNS", str(width))
    shown = say("status")
    assert max(map(len, shown.splitlines())) <= width
    heads = [line for line in shown.splitlines() if line.startswith("edition")]
    assert ("in doubt" in heads[0]) == (width >= 80)  # a table, where there is room for it
    assert "2 sent" in shown or width >= 80
    assert "manage.py doubts" in shown
    assert "looked" in shown


@pytest.mark.parametrize("pause", ["0", "-1", "soon"])
def test_the_status_refuses_a_pause_that_is_none(pause: str) -> None:
    with pytest.raises(CommandError, match="write seconds, such as 2"):
        call_command("status", "--watch", f"--every={pause}")


def test_the_doubts_are_listed_and_settled(server: SmtpServer, settings: Settings) -> None:
    settings.IN_DOUBT = "park"
    plan("drop")
    drain_deliveries()
    letter = Delivery.objects.get()
    shown = say("doubts")
    assert letter.message_id in shown
    assert "waits for your word" in shown
    assert say("doubts", "--resend", str(letter.pk)) == "1 letter goes out again.\n"
    assert states() == {"queued": 1}
    assert say("doubts") == "No letter is in doubt.\n"
    assert "1 of those named is not in doubt" in say("doubts", "--park", str(letter.pk))
    drain_deliveries()
    assert say("doubts", "--park", "all") == "1 letter parked.\n"
    assert say("doubts") == "No letter is in doubt.\n"


def test_the_doubts_that_are_sent_again_say_so(server: SmtpServer) -> None:
    plan("drop")
    drain_deliveries()
    assert "is sent again by itself" in say("doubts")


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (["12"], "--resend or --park"),
        (["--resend"], "no letter is named"),
        (["--park", "x"], "'x' is no letter's number"),
        (["--park", "1", "99999999999999999999"], "no letter's number"),
    ],
)
def test_the_doubts_say_the_mend(words: list[str], mend: str) -> None:
    with pytest.raises(CommandError, match=mend):
        call_command("doubts", *words)


def test_the_status_promises_no_end_to_what_is_paused_or_without_a_relay() -> None:
    plan("ok1", "ok2")
    Tally.objects.create(relay="gone:25", minute=timezone.now(), sent=60)
    assert read_progress().finish is not None
    pause_sending("the papers are wrong", DAY)
    found = read_progress()
    assert (found.due, found.due_paused, found.finish) == (2, 2, None)
    assert "2 due (2 of paused editions)" in say("status")
    resume_sending(DAY)
    assert read_progress().finish is not None
    name = read_progress().relays[0].name
    Circuit.objects.create(relay=name, failures=2, code=421, detail="closing")
    (relay,) = read_progress().relays
    assert (relay.state, relay.failures, relay.trouble) == ("closed", 2, "421 closing")
    assert "421 closing; 2 in a row, 5 make it away" in say("status")
    Circuit.objects.update(opened_at=timezone.now(), probe_at=timezone.now())
    assert read_progress().finish is None


def test_the_status_says_of_each_edition_how_fast_it_goes_out(server: SmtpServer) -> None:
    plan("ok1", "ok2", "ok3")
    drain_deliveries()
    Delivery.objects.update(finished_at=timezone.now() - timedelta(seconds=6))
    plan("ok4", "ok5")
    (edition,) = read_progress().editions
    assert edition.rate == pytest.approx(0.5, rel=0.1)
    assert edition.finish is not None
    assert (edition.finish - timezone.now()).total_seconds() == pytest.approx(4, abs=1)
    assert say("status").count("done in") == 1  # of one edition the first line has said it
    other = Edition.objects.create(
        date=DAY - timedelta(days=1), frozen_at=timezone.now(), matched_at=timezone.now()
    )
    moved = Delivery.objects.filter(state="queued").values_list("pk", flat=True)[:1]
    Delivery.objects.filter(pk__in=list(moved)).update(edition=other)
    told = say("status")
    assert told.count("done in") == 2  # in all, and the one that moves
    assert "    0 letters a second" in told
    pause_sending("a wrong paper", DAY)
    assert [one.finish for one in read_progress().editions] == [None, None]


def test_a_closed_edition_is_not_counted_again() -> None:
    plan("ok1")
    Delivery.objects.update(state="empty", finished_at=timezone.now())
    Edition.objects.update(closed_at=timezone.now())
    first = read_progress()
    assert first.editions[0].empty == 1
    Delivery.objects.all().delete()
    assert read_progress(first.editions).editions == first.editions
    assert read_progress().editions[0].empty == 0
    Edition.objects.update(closed_at=None)
    assert read_progress(first.editions).editions[0].empty == 0  # open again


def test_resuming_an_edition_says_that_all_sending_is_paused() -> None:
    plan("ok1")
    pause_sending("the relay moves")
    pause_sending("a wrong paper", DAY)
    assert "All sending is paused still (the relay moves)" in say("resume", "--date", str(DAY))


def test_cancel_says_what_it_parks(server: SmtpServer) -> None:
    plan("drop")
    drain_deliveries()
    subscribe()
    plan_edition(Edition.objects.get().pk, MORNING, everyone=True)
    assert say("cancel", "--everything") == (
        "1 letter cancelled, 1 in doubt parked: not sent again.\n"
    )


@pytest.mark.parametrize(("word", "left"), [("yes", 0), ("no", 2), ("", 2)])
def test_cancel_asks_in_a_terminal(monkeypatch: pytest.MonkeyPatch, word: str, left: int) -> None:
    plan("ok1", "ok2")
    monkeypatch.setattr("sys.stdin", Terminal(f"{word}\n" if word else ""))
    if left:
        with pytest.raises(CommandError, match="nothing was cancelled"):
            say("cancel", "--date", str(DAY))
    else:
        told = say("cancel", "--date", str(DAY))
        assert f"2 letters of {DAY} wait: never sent, if you say yes." in told
    assert Delivery.objects.filter(state="queued").count() == left


def test_cancel_asks_nothing_where_it_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plan("ok1")
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert say("cancel", "--everything", "--yes") == "1 letter cancelled.\n"


class Terminal(StringIO):
    """Somebody's keyboard, as far as a command can tell."""

    def isatty(self) -> bool:
        return True
