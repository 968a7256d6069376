"""What an operator reads in a terminal, wide or narrow, and says there: status, doubts."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from newsletter.controls import pause_sending
from newsletter.days import drain_deliveries
from newsletter.models import Delivery
from tests.factories import DAY
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
