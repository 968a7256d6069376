"""Child processes that end with their parent, and the search for those that did not. No Django.

Linux ends a child with its parent (PR_SET_PDEATHSIG). Elsewhere, and where a change of user cleared
that, the child's record under `var/run/` lets whoever comes next end it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from newsletter.paths import ROOT

PR_SET_PDEATHSIG = 1


def try_lock(file: IO[str], kind: int) -> bool:
    """Return whether the lock was had without waiting."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` by which a child gets `number` when its parent ends (Linux), or None.

    The kernel means the parent's thread: start such children from the main thread only.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return ask


@dataclass
class Process:
    """One child with its log and its record, leader of a group of its own.

    `prefix` goes before `command` and hands over to it (unshare, setpriv).
    """

    name: str
    command: list[str]
    log: Path
    record: Path
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL  # what it gets when its parent is killed
    prefix: list[str] = field(default_factory=list)
    fds: tuple[int, ...] = ()
    popen: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Start it. One of the same record that outlived its parent is ended first."""
        end_recorded(self.record, self.stop_signal, 5.0)
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                [*self.prefix, *self.command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.fds,
                preexec_fn=die_with_parent(self.orphan_signal),
            )
        write_record(self.record, self.popen.pid, self.command)

    def has_ended(self) -> bool:
        return self.popen is None or self.popen.poll() is not None

    def last_words(self) -> str:
        """Return the last line of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def ask_to_stop(self) -> None:
        if not self.has_ended():
            self._send(self.stop_signal)

    def await_end(self, deadline: float) -> None:
        """Wait until `deadline` (of time.monotonic), then kill; nothing of its group is left."""
        if self.popen is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.01, deadline - time.monotonic()))
        self._send(signal.SIGKILL)
        self.popen.wait()
        self.popen = None
        self.record.unlink(missing_ok=True)

    def end_group(self) -> None:
        """Kill what is left of its group: children may outlive one that was killed."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, number)


def write_record(path: Path, pid: int, command: list[str]) -> None:
    """Note a running process; `command` is what tells it from a later one of the same number."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"pid": pid, "command": command}), encoding="utf-8")
    part.replace(path)


def end_recorded(path: Path, number: signal.Signals, seconds: float) -> None:
    """End the process of a record, if it is still that process, and forget the record.

    Asked with `number`, killed after `seconds`.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        pid, command = int(record["pid"]), list(record["command"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return
    for attempt in (number, signal.SIGKILL):
        if is_running(pid, command):
            _send(pid, attempt)
        deadline = time.monotonic() + seconds
        while is_running(pid, command) and time.monotonic() < deadline:
            time.sleep(0.02)
    path.unlink(missing_ok=True)


def is_running(pid: int, command: list[str]) -> bool:
    """Return whether `pid` lives and was started as `command`."""
    if sys.platform == "linux":
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[1 : len(command)] == [os.fsencode(word) for word in command[1:]]
    found = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True)
    return bool(found.stdout) and os.fsencode(" ".join(command[1:])) in found.stdout


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or not ours to end
        os.kill(pid, number)
