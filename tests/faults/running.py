"""Real processes of a `var/`: started, found and waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USE = """
import sys, time
from pathlib import Path
from newsletter.embedded import Servers
servers = Servers(Path(sys.argv[1]), fast=True)
print(servers.start()["DATABASE_URL"], flush=True)
time.sleep(600)
"""


def clean_environment(var: Path, **more: str) -> dict[str, str]:
    """Return an environment without what the tests' own servers set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PAPER_ROUND_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    return {**kept, "PAPER_ROUND_VAR": str(var), "PYTHONUNBUFFERED": "1", **more}


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Return the seconds until `condition` held; fails after `seconds`."""
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < seconds, f"not so after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - started


def list_processes(var: Path) -> dict[int, str]:
    """Return {pid: command line} of the processes that belong to `var`, by command or by setting.

    The environment tells too: a worker's command line does not name its var/.
    """
    found = {}
    marks = (os.fsencode(var) + b"/", b"PAPER_ROUND_VAR=" + os.fsencode(var) + b"\0")
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes()
            texts = command.replace(b"\0", b"/"), (directory / "environ").read_bytes()
        except OSError:
            continue
        if any(mark in text for mark in marks for text in texts) and command:
            found[int(directory.name)] = command.replace(b"\0", b" ").decode()
    return found


def use_servers(var: Path) -> subprocess.Popen[str]:
    """Start a process that uses the embedded servers; returns once they are up."""
    user = subprocess.Popen(
        [sys.executable, "-c", USE, str(var)],
        cwd=ROOT,
        env=clean_environment(var),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    assert user.stdout.readline().startswith("postgresql://")
    return user


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.communicate()


class RunningDemo:
    """A `manage.py demo` and what it printed."""

    def __init__(self, var: Path, *arguments: str, **settings: str) -> None:
        self.var = var
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", *arguments],
            cwd=ROOT,
            env=clean_environment(var, **settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def await_ready(self) -> str:
        """Return the site's URL, once the demo says that it runs."""
        assert self.process.stdout is not None
        limit = threading.Timer(90, self.process.kill)
        limit.start()
        for line in self.process.stdout:
            self.lines.append(line)
            if "Ctrl-C" in line:
                limit.cancel()
                site = next(line for line in self.lines if "Site " in line)
                return site.split()[1].rstrip("/")
        limit.cancel()
        raise AssertionError("".join(self.lines))

    def kill(self, pid: int) -> None:
        assert pid in list_processes(self.var)
        os.kill(pid, signal.SIGKILL)

    def stop(self, number: signal.Signals) -> float:
        """Send the signal; return the seconds until nothing of its var/ is left."""
        self.process.send_signal(number)
        started = time.monotonic()
        output, _ = self.process.communicate(timeout=45)  # a last checkpoint may be slow
        self.lines.append(output)
        wait_for(lambda: not list_processes(self.var), 5)
        return time.monotonic() - started


@contextmanager
def running_demo(var: Path, *arguments: str, **settings: str) -> Iterator[RunningDemo]:
    demo = RunningDemo(var, *arguments, **settings)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.communicate()


def run_manage(
    var: Path, *arguments: str, root: str | Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=root,
        env=clean_environment(var, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def get_status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)
