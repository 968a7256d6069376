"""A process killed in mid-batch: its receipts say what the relay has, but for one letter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.mail.message import Verdict
from newsletter.mail.receipts import Replay, dead_owners, is_alive, read_receipts
from tests.smtp import Accepted, SmtpServer

LANES = {False: 1, True: 4}  # whether in groups: over how many connections
ROOT = Path(__file__).resolve().parents[3]
BATCH = 40
SENDER = """
import resource, sys
from pathlib import Path
from newsletter.mail.receipts import Receipts
from newsletter.mail.transport import Transport, parse_relay
from tests.integration.mail_transport.batch import make_messages

url, directory, owner, room = sys.argv[1:]
messages = make_messages(*(f"ok-{n}" for n in range(1, 41)))
with Receipts(Path(directory), owner) as receipts, Transport(parse_relay(url, 5)) as transport:
    if int(room):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    handing = lambda message: receipts.handing(message.delivery_id)
    transport.send(messages, lambda _: True, handing, receipts.outcome)
    receipts.close(remove=True)
"""


class Child:
    """A process that sends the batch, as the owner "child"."""

    def __init__(self, server: SmtpServer, directory: Path) -> None:
        self.server = server
        self.url = f"{server.url}?connections={LANES[server.pipelining]}"
        self.lanes = LANES[server.pipelining]
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None

    def start(self, room: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SENDER, self.url, str(self.directory), "child"]
        self.process = subprocess.Popen(
            [*command, str(room)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        return self.process

    def kill(self) -> None:
        assert self.process
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def replay(self) -> Replay:
        return read_receipts(self.directory / "child.receipts")

    def accepted(self) -> list[int]:
        return [int(mail.message_id[1:].partition(".")[0]) for mail in self.server.accepted]


@pytest.fixture(params=LANES, ids=["one by one", "in groups"])
def child(server: SmtpServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Child]:
    server.pipelining = request.param
    child = Child(server, tmp_path)
    yield child
    if child.process:
        child.process.kill()
        child.process.communicate()


def sent(replay: Replay) -> set[int]:
    return {o.delivery_id for o in replay.outcomes if o.verdict is Verdict.SENT}


@pytest.mark.parametrize("number", [1, 2, 20, 39, 40])
def test_a_kill_between_dot_and_reply_leaves_one_in_doubt(child: Child, number: int) -> None:
    def kill(_: Accepted) -> None:
        if len(child.server.accepted) == number:
            child.kill()

    child.server.on_dot = kill
    assert child.start().wait(30) == -signal.SIGKILL
    replay = child.replay()
    assert replay.complete
    accepted = set(child.accepted())
    assert sent(replay) < accepted <= sent(replay) | replay.in_doubt
    assert 1 <= len(replay.in_doubt) <= child.lanes  # one on each connection at most


@pytest.mark.parametrize("number", [1, 20, 40])
def test_a_kill_before_the_dot_leaves_none_in_doubt(child: Child, number: int) -> None:
    killed = threading.Event()  # other connections' commands may still be read then

    def kill(recipient: str) -> None:
        alive = is_alive(child.directory, "child")
        assert alive is True or killed.is_set()
        if recipient.startswith(f"ok-{number}@"):
            killed.set()
            child.kill()

    child.server.on_rcpt = kill
    assert child.start().wait(30) == -signal.SIGKILL
    replay, accepted = child.replay(), set(child.accepted())
    assert number not in accepted | replay.in_doubt
    assert sent(replay) <= accepted <= sent(replay) | replay.in_doubt
    assert len(replay.in_doubt) <= (child.lanes if child.server.pipelining else 0)
    assert is_alive(child.directory, "child") is False
    assert dead_owners(child.directory) == ["child"]


def test_it_leaves_no_receipts_when_nothing_happens(child: Child) -> None:
    assert child.start().wait(30) == 0
    assert sorted(child.accepted()) == list(range(1, BATCH + 1))
    assert list(child.directory.iterdir()) == []


@pytest.mark.parametrize("room", range(60, 200, 10))
def test_a_full_disk_stops_before_the_dot(child: Child, room: int) -> None:
    assert child.start(room).wait(30) == 1
    replay = child.replay()
    accepted = set(child.accepted())
    assert replay.complete
    assert accepted == sent(replay) | replay.in_doubt
    # Full while the outcome was written: such a letter's reply is known to the process alone.
    assert len(replay.in_doubt) <= child.lanes


def test_the_server_stands_alone(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    command = [sys.executable, "-m", "tests.smtp", "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip().rpartition(":")[2]
        url = f"smtp://127.0.0.1:{port}"
        code = [sys.executable, "-c", SENDER, url, str(tmp_path), "child", "0"]
        assert subprocess.run(code, cwd=ROOT).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["recipient"] for line in lines} == {
        f"ok-{n}@reader.example" for n in range(1, BATCH + 1)
    }
    assert len({line["message_id"] for line in lines}) == BATCH
