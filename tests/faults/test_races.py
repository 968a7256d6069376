"""Readers who leave at the last moment, clocks that jump, a letter too large for any machine."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.faults.conftest import judge
from tests.faults.running import ROOT
from tests.faults.world import World

LEAVE = """
from django.utils import timezone
from subscribers.models import Subscriber
from subscribers.services import unsubscribe
for email in emails:
    unsubscribe(Subscriber.objects.values_list("pk", flat=True).get(email=email), "test",
        timezone.now())
"""

ERASE = """
from django.utils import timezone
from newsletter.erasure import erase_reader
from subscribers.models import Subscriber
for email in emails:
    erase_reader(Subscriber.objects.values_list("pk", flat=True).get(email=email),
        timezone.now(), tell=False)
"""


def test_f23_who_leaves_before_the_body_gets_nothing(world: World) -> None:
    emails = [f"ok-{n}@reader.example" for n in range(1000)]
    world.day(*emails)
    chance, lock = random.Random(23), threading.Lock()
    left: dict[str, str] = {}

    def leave(recipient: str) -> None:  # committed before the relay answers RCPT
        with lock:
            if recipient not in left and chance.random() < 0.4:
                how = chance.choice((LEAVE, LEAVE, ERASE))
                world.do(how, emails=[recipient])
                left[recipient] = how

    world.relay.on_rcpt = leave
    world.worker()
    world.beat()
    world.wait_done(300)
    assert len(left) > 300
    assert not {mail.recipient for mail in world.relay.accepted} & left.keys()
    states = judge(world).states
    stayed_in_the_ledger = list(left.values()).count(LEAVE)
    assert (states["cancelled"], states["sent"]) == (stayed_in_the_ledger, 1000 - len(left))


def test_f23_who_leaves_while_letters_go_out_gets_none_a_second_later(world: World) -> None:
    emails = [f"ok-{n}@reader.example" for n in range(150)]
    world.day(*emails)
    world.worker()
    world.ask(2)
    leavers = random.Random(24).sample(emails, 60)
    for start in range(0, 60, 6):
        world.do(LEAVE, emails=leavers[start : start + 6])
    world.wait_done()
    judge(world)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="no faketime command")
def test_f19_a_clock_a_month_ahead_plans_and_puts_off_nobody(world: World) -> None:
    world.day("ok@reader.example")
    world.run("tick")
    before = world.sql("SELECT next_send_at FROM subscribers_subscriber")
    command = ["faketime", "-f", "+31d", sys.executable, "manage.py", "tick"]
    done = subprocess.run(
        command, cwd=ROOT, env=world.environment(), capture_output=True, text=True, timeout=60
    )
    assert "held: the clock went 31 days ahead" in done.stdout + done.stderr
    assert world.sql("SELECT next_send_at FROM subscribers_subscriber") == before
    assert world.sql("SELECT count(*) FROM newsletter_edition") == [(1,)]
    world.run("tick")  # the clock is right again: nothing to mend
    judge(world)


CHANGES = [  # the reader's zone and hour, the date on which the clocks change there
    ("Europe/London", "2026-03-29", "01:30"),  # skipped
    ("Europe/London", "2026-10-25", "01:30"),  # twice
    ("America/New_York", "2026-03-08", "02:30"),
    ("America/New_York", "2026-11-01", "01:30"),
    ("Australia/Lord_Howe", "2026-10-04", "02:15"),  # by half an hour
    ("Africa/Cairo", "2026-04-24", "00:30"),  # at midnight
    ("America/Havana", "2026-03-08", "00:30"),
    ("Asia/Kolkata", "2026-03-29", "05:45"),  # never
]


def really() -> str:
    """The clock and the machine's uptime, for a process whose clock is faked."""
    uptime = Path("/proc/uptime").read_text(encoding="ascii").split()[0]
    return f"{time.time()} {uptime}"


@pytest.mark.skipif(shutil.which("faketime") is None, reason="no faketime command")
def test_f20_each_local_date_has_one_letter_where_the_clocks_change(world: World) -> None:
    for zone, day, at in CHANGES:
        world.reset()
        world.settings |= {
            "PAPER_ROUND_CUTOFF": "00:00",
            "PAPER_ROUND_TIME_ZONE": "Pacific/Kiritimati",
            "FAKETIME_NO_CACHE": "1",
        }
        told = subprocess.run(
            ["faketime", "-f", f"@{day} 00:00:00", sys.executable, "-m", "tests.faults.walker"],
            cwd=ROOT, env=world.environment(WALK=f"{zone} {day} {at}", REALLY=really()),
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        change = date.fromisoformat(day)
        around = [str(change + timedelta(days=n)) for n in (-1, 0, 1)]
        assert told.stdout.split() == around, (zone, day)
        judge(world)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="no faketime command")
@pytest.mark.parametrize("spec", ["-1h", "+1d", "@2026-11-20 08:00:00 x0"])
def test_f19_any_clock_sends_nothing_twice(world: World, spec: str) -> None:
    """Set back by an hour, ahead by a day, frozen: while a letter waits, and after it is out."""
    faked = ["faketime", "-f", spec, sys.executable, "manage.py", "tick"]

    def tick() -> None:
        subprocess.run(faked, cwd=ROOT, env=world.environment(), check=True, timeout=60)

    world.day("ok@reader.example", "ok2@reader.example")
    tick()
    world.run("tick")
    tick()
    world.run("tick")
    assert world.states() == {"sent": 2}
    assert judge(world).accepted == 2


@pytest.mark.skipif(shutil.which("faketime") is None, reason="no faketime command")
def test_f19_a_clock_an_hour_back_sends_nothing_twice(world: World) -> None:
    world.day("ok@reader.example", "ok2@reader.example")
    world.run("tick")
    command = ["faketime", "-f", "-1h", sys.executable, "manage.py", "tick"]
    subprocess.run(command, cwd=ROOT, env=world.environment(), check=True, timeout=60)
    assert judge(world).accepted == 2


def test_f22_a_letter_too_large_for_the_machine_is_given_up_alone(world: World) -> None:
    world.day(*[f"ok-{n}@reader.example" for n in range(5)], "greedy@reader.example")
    for _ in range(7):  # a run that ends at the letter, and one that finds out
        world.start(sys.executable, "-m", "tests.faults.greedy").wait(60)
        world.sql("UPDATE newsletter_delivery SET next_at = now() WHERE state = 'queued'")
        if not world.states().keys() & {"queued", "sending"}:
            break
    found = world.sql("SELECT state, crashes, detail FROM newsletter_delivery WHERE crashes > 0")
    assert found == [("failed", 3, "poison: 3 workers ended while they were at this letter")]
    assert judge(world).states["sent"] == 5
