"""Real PostgreSQL and a real Redis-protocol server from wheels: the default without DATABASE_URL.

A *keeper* process owns both servers. Everything that needs them (a command, the demo, the tests)
holds a shared lock on `var/run/users.lock`; the kernel drops that lock however its holder ends,
kill -9 included. When the keeper can take the lock for itself, nobody is left, so it stops the
servers and goes. Should the keeper be killed, the servers end with it (newsletter.processes).

Neither server listens on TCP: their sockets are in a private directory of mode 0700.
"""

from __future__ import annotations

import contextlib
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

from newsletter.paths import ROOT
from newsletter.processes import try_lock


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

    def make(self) -> None:
        """Make the directories; `EmbeddedError` where they are somebody else's."""
        try:
            for directory in (self.var, self.run, self.log):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.open_lock("users").close()
        except OSError as error:
            raise EmbeddedError(
                f"{error.filename} cannot be written ({error.strerror}): run as the owner of "
                f"{self.var}, or set PAPER_ROUND_VAR to a directory of your own"
            ) from error

    def open_lock(self, name: str) -> IO[str]:
        return open(self.run / f"{name}.lock", "a", encoding="utf-8")


def mark_throwaway(var: Path) -> None:
    """Have the keeper delete `var` when it ends, even if whoever made it was killed."""
    (var / "throwaway").touch()


class Servers:
    """Use of the servers: `with Servers(var) as urls:` has them up, and lets them go after.

    `urls` is {"DATABASE_URL": …, "REDIS_URL": …}. `fast` trades durability for speed (tests).
    """

    def __init__(self, var: Path, *, fast: bool = False) -> None:
        self.places = Places(var.resolve())
        self.fast = fast
        self._use: IO[str] | None = None

    def start(self) -> Mapping[str, str]:
        """Return the URLs, starting the keeper where none runs; `EmbeddedError` where it cannot."""
        self.places.make()
        self._use = self.places.open_lock("users")
        fcntl.flock(self._use, fcntl.LOCK_SH)  # waits while a keeper is closing down
        try:
            with self.places.open_lock("start") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                while not (urls := self._read_urls()):
                    if self.has_keeper():  # its starter was killed, or it is about to leave
                        time.sleep(0.02)
                    else:
                        self._start_keeper()
                return urls
        except BaseException:
            self.stop()
            raise

    def stop(self, *, wait: float = 0.0) -> None:
        """Let the servers go; if this was the last use, wait up to `wait` seconds for their end."""
        if not self._use:
            return
        self._use.close()
        self._use = None
        deadline = time.monotonic() + wait
        with contextlib.suppress(FileNotFoundError):  # a throwaway var/ is gone with its keeper
            while time.monotonic() < deadline and self.has_keeper() and not self._has_users():
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

    def _read_urls(self) -> Mapping[str, str]:
        """Return the running keeper's URLs; empty while there is none, or none that is ready."""
        try:
            urls: dict[str, str] = json.loads(self.places.state.read_text())["urls"]
        except FileNotFoundError:
            return {}
        return urls if self.has_keeper() else {}

    def has_keeper(self) -> bool:
        """Return whether the servers are kept; without a keeper they are ending, or gone."""
        with self.places.open_lock("keeper") as keeper:
            return not try_lock(keeper, fcntl.LOCK_SH)

    def _has_users(self) -> bool:
        """Return whether others use the servers; a keeper closing down is no user."""
        with self.places.open_lock("users") as users:
            return not try_lock(users, fcntl.LOCK_EX) and try_lock(users, fcntl.LOCK_SH)

    def _start_keeper(self) -> None:
        """Start the keeper and wait for its word: ready, or why not."""
        self.places.state.unlink(missing_ok=True)
        reader, writer = os.pipe()
        command = [sys.executable, "-m", "newsletter.keeper", str(self.places.var), str(writer)]
        log_path = self.places.log / "keeper.log"
        with open(log_path, "a", encoding="utf-8") as log:
            subprocess.run(  # returns at once: the keeper goes into the background
                [*command, *(["--fast"] if self.fast else [])],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writer],
                start_new_session=True,
                check=False,
            )
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as answer:
            word = answer.read().strip()
        if word != "ready":
            raise EmbeddedError(word or f"the embedded servers did not start: see {log_path}")
