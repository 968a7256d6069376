"""`manage.py demo` as a whole: it starts, says where, stops, and leaves nothing behind."""

from __future__ import annotations

import json
import re
import shutil
import signal
import smtplib
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from mailbox import Maildir
from pathlib import Path

import pytest

from tests.faults.running import (
    RunningDemo,
    get_status,
    list_processes,
    run_manage,
    running_demo,
    wait_for,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """A var/ that has had its first run, shared: each test is a later start."""
    directory = Path(tempfile.mkdtemp(prefix="paper-round-demo-"))
    yield directory
    wait_for(lambda: not list_processes(directory), 15)
    shutil.rmtree(directory)


def test_it_runs_and_stops_on_ctrl_c_leaving_nothing(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        url = demo.await_ready()
        assert get_status(f"{url}/healthz") == 200
        assert get_status(f"{url}/admin/login/") == 200
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
            assert json.load(answer)["broker"] == "ok"
        took = demo.stop(signal.SIGINT)
    assert demo.process.returncode == 0
    assert took < 5, f"stopping took {took:.1f} s"


def test_it_starts_again_with_the_same_password_and_data(var: Path) -> None:
    passwords = []
    for _ in range(2):
        with running_demo(var, "--port", "0") as demo:
            demo.await_ready()
            demo.stop(signal.SIGTERM)
        passwords += re.findall(r"password (\S+)", "".join(demo.lines))
    assert len(passwords) == 2
    assert len(set(passwords)) == 1
    assert (var / "demo-password").stat().st_mode & 0o777 == 0o600
    counted = run_manage(
        var, "shell", "-v0", "-c", "from newsletter.models import *; print(Paper.objects.count())"
    )
    assert counted.stdout.strip() == "60", counted.stderr


def test_it_leaves_nothing_when_killed(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        assert len(list_processes(var)) > 6
        assert demo.stop(signal.SIGKILL) < 5


def test_it_says_where_the_running_one_is(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        url = demo.await_ready()
        second = run_manage(var, "demo")
        assert second.returncode == 1
        assert second.stderr.strip() == f"manage.py demo: the demo runs already: {url}"
        # Any other command shares its servers.
        assert run_manage(var, "migrate", "--check").returncode == 0
        assert get_status(f"{url}/healthz") == 200
        demo.stop(signal.SIGINT)


def test_it_refuses_a_taken_port_and_names_who_has_it(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run_manage(var, "demo", "--port", str(port))
    assert refused.returncode == 1
    assert f"port {port} is taken by " in refused.stderr
    assert "choose another with --port" in refused.stderr


def test_it_refuses_a_number_that_is_no_port(var: Path) -> None:
    refused = run_manage(var, "demo", "--port", "70000")
    assert refused.returncode == 1
    assert "--port 70000 is no port" in refused.stderr


def test_it_starts_again_what_ends_by_itself(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        inbox = next(pid for pid, line in list_processes(var).items() if "catcher" in line)
        demo.kill(inbox)
        assert demo.process.stdout is not None
        assert "inbox ended by itself (-9)" in demo.process.stdout.readline()
        assert "inbox is started again" in demo.process.stdout.readline()
        demo.stop(signal.SIGINT)


def test_it_ends_with_a_word_when_its_servers_do(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        keeper = next(pid for pid, line in list_processes(var).items() if "keeper" in line)
        demo.kill(keeper)
        output, _ = demo.process.communicate(timeout=20)
    assert demo.process.returncode == 1
    assert output.splitlines()[-1].startswith("manage.py demo: the embedded servers ended")
    wait_for(lambda: not list_processes(var), 5)


def test_it_keeps_mail_for_the_relay_of_the_operator_from_leaving(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as relay:
        settings = {
            "EMAIL_URL": f"smtp://127.0.0.1:{relay.getsockname()[1]}",
            "ALLOWED_HOSTS": "papers.example.org",
        }
        with running_demo(var, "--port", "0", **settings) as demo:
            url = demo.await_ready()
            assert get_status(f"{url}/healthz") == 200
            environment = find_environment(demo)
            demo.stop(signal.SIGINT)
    assert environment["EMAIL_URL"] != settings["EMAIL_URL"]
    assert environment["EMAIL_URL"].startswith("smtp://127.0.0.1:")


def test_it_catches_mail_in_its_maildir(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        port = int(find_environment(demo)["EMAIL_URL"].rsplit(":", 1)[1])
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("a@example.org", ["b@example.org"], b"Subject: caught\r\n\r\nText\r\n")
        demo.stop(signal.SIGINT)
    found = [mail for mail in Maildir(var / "inbox") if mail["Subject"] == "caught"]
    assert [mail["X-Envelope-From"] for mail in found] == ["a@example.org"]
    assert [mail["X-Envelope-To"] for mail in found] == ["b@example.org"]


def test_it_takes_the_mail_of_commands_beside_it_and_keeps_readers_of_ones_own(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        words = ["own@reader.example", "--interest", "language models"]
        assert run_manage(var, "add_subscriber", *words).returncode == 0
        day = run_manage(var, "run_day", "--everyone")
        assert day.returncode == 0, day.stderr
        demo.stop(signal.SIGINT)
    assert "own@reader.example" in {mail["To"] for mail in Maildir(var / "inbox")}
    with running_demo(var, "--port", "0") as demo:  # a stranger among the sample's readers
        demo.await_ready()
        demo.stop(signal.SIGINT)


def find_environment(demo: RunningDemo) -> dict[str, str]:
    """Return what the demo's worker runs with."""
    processes = list_processes(demo.var).items()
    worker = next(pid for pid, command in processes if " worker " in command)
    items = Path(f"/proc/{worker}/environ").read_text().split("\0")
    return dict(item.split("=", 1) for item in items if "=" in item)
