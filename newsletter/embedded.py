"""Real PostgreSQL and a real Redis-protocol server from wheels: the default without DATABASE_URL.

A *keeper* process owns both servers. Everything that needs them (a command, the demo, the tests)
holds a shared lock on `var/run/users.lock`; the kernel drops that lock however its holder ends,
kill -9 included. When the keeper can take the lock for itself, nobody is left, so it stops the
servers and goes. Should the keeper be killed, the servers end with it (Linux: PR_SET_PDEATHSIG).

Neither server listens on TCP: their sockets are in a private directory of mode 0700.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
NO_WHEELS = (
    "the embedded PostgreSQL and Redis have no wheel for this platform: start your own with "
    "`docker compose up -d db redis`, or set DATABASE_URL and REDIS_URL"
)


class EmbeddedError(RuntimeError):
    """The servers cannot be had; the text is one line with the mend."""


@dataclass(frozen=True)
class Places:
    """Where the servers of one `var/` keep their things."""

    var: Path

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def state(self) -> Path:
        return self.run / "servers.json"

    def open_lock(self, name: str) -> IO[str]:
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(self.run / f"{name}.lock", "a", encoding="utf-8")


def try_lock(file: IO[str], kind: int) -> bool:
    """Return whether the lock was had without waiting."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Servers:
    """Use of the servers: `with Servers(var) as urls:` has them up, and lets them go after.

    `urls` is {"DATABASE_URL": …, "REDIS_URL": …}. `fast` trades durability for speed (tests).
    """

    def __init__(self, var: Path, *, fast: bool = False) -> None:
        self.places = Places(var)
        self.fast = fast
        self._use: IO[str] | None = None

    def start(self) -> Mapping[str, str]:
        """Return the URLs, starting the keeper where none runs; `EmbeddedError` where it cannot."""
        self._use = self.places.open_lock("users")
        fcntl.flock(self._use, fcntl.LOCK_SH)  # waits while a keeper is closing down
        with self.places.open_lock("start") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not self._has_keeper():
                self._start_keeper()
            urls: dict[str, str] = json.loads(self.places.state.read_text())["urls"]
        return urls

    def stop(self, *, wait: float = 0.0) -> None:
        """Let the servers go; if this was the last use, wait up to `wait` seconds for their end."""
        if not self._use:
            return
        last = try_lock(self._use, fcntl.LOCK_EX)
        self._use.close()
        self._use = None
        deadline = time.monotonic() + wait
        while last and time.monotonic() < deadline and self._has_keeper():
            time.sleep(0.02)

    def __enter__(self) -> Mapping[str, str]:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(wait=10)

    def _has_keeper(self) -> bool:
        with self.places.open_lock("keeper") as keeper:
            return not try_lock(keeper, fcntl.LOCK_SH)

    def _start_keeper(self) -> None:
        """Start the keeper and wait for its word: ready, or why not."""
        self.places.log.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.places.state.unlink(missing_ok=True)
        reader, writer = os.pipe()
        command = [sys.executable, "-m", "newsletter.keeper", str(self.places.var), str(writer)]
        with open(self.places.log / "keeper.log", "a", encoding="utf-8") as log:
            subprocess.Popen(
                [*command, *(["--fast"] if self.fast else [])],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writer],
                start_new_session=True,
            )
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as answer:
            word = answer.read().strip()
        if word != "ready":
            log_name = self.places.log / "keeper.log"
            raise EmbeddedError(word or f"the embedded servers did not start: see {log_name}")
