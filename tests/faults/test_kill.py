"""kill -9 in the middle of a day: the next run completes it, and nobody is mailed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from newsletter.models import Delivery
from tests.factories import DAY, RL, store, subscribe
from tests.smtp import SmtpServer

ROOT = Path(__file__).resolve().parents[2]
READERS = 120
CONNECTIONS = 4  # that a worker keeps


def start_day(server: SmtpServer, var: Path) -> subprocess.Popen[bytes]:
    """Start `manage.py run_day` in a process of its own, on the test's database and relay."""
    database = connection.settings_dict
    where = str(database["HOST"]).replace("/", "%2F")
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{database['USER']}@{where}/{database['NAME']}",
        "EMAIL_URL": server.url,
        "PAPER_ROUND_VAR": str(var),
        "PAPER_ROUND_BATCH": "30",
        "SECRET_KEY": settings.SECRET_KEY,
        "PAPER_ROUND_LINK_KEY": settings.LINK_KEY,
    }
    command = [sys.executable, "manage.py", "run_day", "--everyone", "--date", str(DAY)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_for(server: SmtpServer, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(server.accepted) < number:
        assert time.monotonic() < deadline, f"only {len(server.accepted)} letters came"
        time.sleep(0.002)


@pytest.mark.django_db(transaction=True)
def test_a_killed_day_is_completed_by_the_next(tmp_path: Path) -> None:
    for _ in range(READERS):
        subscribe()
    store(RL)
    kills = 0
    with SmtpServer() as server:
        for stop_at in (1, 25, 31, 62, 90):
            process = start_day(server, tmp_path)
            wait_for(server, stop_at)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        process = start_day(server, tmp_path)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        got = Counter(mail.recipient for mail in server.accepted)
        ids = Counter(message_from_bytes(mail.data)["Message-ID"] for mail in server.accepted)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(got) == len(ids) == READERS
    # Only a letter between its final dot and its reply is in doubt, one of each connection at most:
    # resent once, same id.
    doubtful = Delivery.objects.filter(doubts__gt=0).count()
    repeated = sum(number - 1 for number in got.values())
    assert repeated <= doubtful <= kills * CONNECTIONS
    assert max(got.values()) <= 2
