"""A whole installation for fault tests: real servers of its own, real workers, one relay that logs.

What is under test runs in processes of its own, on a `var/` of its own: killing PostgreSQL or Redis
here harms no other test. The relay's log is the truth that the ledger is compared with.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import redis

from newsletter.embedded import Servers, mark_throwaway
from tests.faults.hand import PAPERS, PEOPLE, PLAN, Hand
from tests.faults.running import ROOT, clean_environment, list_processes
from tests.smtp import SmtpServer

CELERY = [sys.executable, "-m", "celery", "-A", "newsletter.celery"]
# Short leases, sweeps and retries: what takes minutes in an installation takes seconds here.
QUICK = {
    "PAPER_ROUND_LEASE": "6",
    "PAPER_ROUND_SWEEP": "1",
    "PAPER_ROUND_BATCH": "20",
    "PAPER_ROUND_EMAIL_TIMEOUT": "5",
    "PAPER_ROUND_RETRIES": "1s 1s 2s 2s 3s",
    "PAPER_ROUND_CANARY": "0",
    "PAPER_ROUND_ENV_FILE": "",
}
KEPT = {"django_migrations", "newsletter_synonym", "newsletter_definition", "django_content_type"}


class World:
    """The installation; a context manager. `settings` are given to every process started."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.log = var / "accepted.jsonl"
        self.settings = dict(QUICK)
        self.servers = Servers(var, fast=True)
        self.relay = SmtpServer(log=self.log)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._hand: Hand | None = None

    def __enter__(self) -> World:
        self.var.mkdir(parents=True, exist_ok=True)
        mark_throwaway(self.var)
        self.urls = self.servers.start()
        self.relay.__enter__()
        self.run("migrate", "--noinput")
        return self

    def __exit__(self, *_: object) -> None:
        self.end_all()
        self.relay.stop()
        self.servers.stop(wait=10)

    def environment(self, **more: str) -> dict[str, str]:
        given = {
            **self.urls,
            "EMAIL_URL": self.relay.url,
            "PAPER_ROUND_EMBEDDED": "1",
            **self.settings,
            **more,
        }
        return clean_environment(self.var, **given)

    # Processes

    def start(self, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own; its output goes to `var/log/`."""
        name = next((word for word in command if word in {"worker", "beat", "tick"}), "command")
        with open(self.var / "log" / f"{name}-{len(self.processes)}.log", "ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(
        self, concurrency: int = 2, app: str = "", *, events: bool = False, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start a prefork worker that consumes every queue; `app` configures Celery otherwise."""
        celery = [*CELERY[:-1], app] if app else CELERY
        return self.start(
            *celery, "worker", "-c", str(concurrency), "--loglevel", "INFO", "--without-gossip",
            "--without-mingle", "-n", f"w{len(self.processes)}@here", *["-E"] * events, **settings,
        )  # fmt: skip

    def beat(self, **settings: str) -> subprocess.Popen[bytes]:
        schedule = self.var / f"beat-{len(self.processes)}"
        return self.start(*CELERY, "beat", "-s", str(schedule), "--pidfile=", **settings)

    def tick(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, "manage.py", "tick", *arguments, **settings)

    def run(self, *arguments: str, **settings: str) -> str:
        """Run a management command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def children(self, process: subprocess.Popen[bytes]) -> list[int]:
        """Return the pids of a worker's children."""
        tasks = Path(f"/proc/{process.pid}/task")
        with contextlib.suppress(OSError):
            found = [(task / "children").read_text().split() for task in tasks.iterdir()]
            return sorted(int(pid) for some in found for pid in some)
        return []

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and all its children at once, as a machine that loses power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self, process: subprocess.Popen[bytes], seconds: float = 35) -> float:
        """Ask a process to end as a deploy does; return how long it took."""
        started = time.monotonic()
        process.terminate()
        process.wait(seconds)
        return time.monotonic() - started

    def end_all(self) -> None:
        for process in self.processes:
            self.kill(process)
        self.processes.clear()
        if self._hand:
            self._hand.close()
            self._hand = None

    def server_pid(self, name: str) -> int:
        """Return the pid of "postgresql" or "redis"."""
        record = json.loads((self.var / "run" / f"{name}.pid").read_text(encoding="utf-8"))
        words = {"postgresql": "postgres -D", "redis": "valkey-server"}[name]
        for pid, command in list_processes(self.var).items():
            if words in command and not command.startswith("unshare") and pid >= record["pid"]:
                return pid
        return int(record["pid"])

    # The database and the broker

    def connect(self) -> psycopg.Connection[Any]:
        parts = urlsplit(self.urls["DATABASE_URL"])
        host = unquote(parts.netloc.rpartition("@")[2])
        return psycopg.connect(
            host=host, user="postgres", dbname=parts.path[1:], autocommit=True, connect_timeout=5
        )

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; waits for a server that is restarting."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.connect() as connection:
                    cursor = connection.execute(query, values or None)
                    return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def states(self) -> dict[str, int]:
        return dict(self.sql("SELECT state, count(*) FROM newsletter_delivery GROUP BY 1"))

    def broker(self) -> redis.Redis:
        path = self.urls["REDIS_URL"].removeprefix("redis+socket://").partition("?")[0]
        return redis.Redis(unix_socket_path=path)

    # What people do

    def hand(self) -> Hand:
        """Return a process that does in Django what it is told: a web server's or operator's."""
        if self._hand is None:
            self._hand = Hand(self.environment())
        return self._hand

    def do(self, code: str, **values: Any) -> Any:
        return self.hand().do(code, **values)

    def reset(self) -> None:
        """Empty every table but what migrations wrote, the broker, the log and the receipts."""
        self.end_all()
        tables = [row[0] for row in self.sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )]  # fmt: skip
        names = ", ".join(f'"{name}"' for name in tables if name not in KEPT)
        self.sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        with contextlib.suppress(redis.RedisError):
            self.broker().flushall()
        for path in [*self.var.glob("receipts/*"), self.var / "last-sent.json"]:
            path.unlink(missing_ok=True)
        for path in self.list_logs():
            path.unlink()
        self.relay.accepted.clear()
        self.log.write_text("")
        self.settings = dict(QUICK)
        self.relay.on_dot = lambda _: None
        self.relay.on_rcpt = lambda _: None
        self.relay.mood = lambda _: ""
        self.relay.open_listener()

    def people(self, *emails: str) -> None:
        """Readers who match every paper of `papers`, and have had nothing yet."""
        self.do(PEOPLE, emails=emails)

    def papers(self, back: int = 0, number: int = 3) -> None:
        """Papers listed `back` days ago."""
        self.do(PAPERS, back=back, number=number)

    def plan(self, back: int = 0) -> int:
        """Freeze and match the edition of `back` days ago, and plan it for everyone."""
        return int(self.do(PLAN, back=back))

    def day(self, *emails: str) -> None:
        """Readers, papers, and today's edition planned: letters wait."""
        self.people(*emails)
        self.papers()
        assert self.plan() == len(emails)

    def ask(self, times: int = 1) -> None:
        """Hint that letters are due, as the minute does."""
        self.do(
            "from newsletter import tasks\nfor _ in range(times): tasks.deliver.delay()",
            times=times,
        )

    def wait(self, condition: Callable[[], bool], seconds: float = 30) -> float:
        """Return the seconds until `condition` held; fails with the ledger's states after that."""
        started = time.monotonic()
        while not condition():
            waited = time.monotonic() - started
            assert waited < seconds, f"not so after {seconds} s: {self.states()}"
            time.sleep(0.05)
        return time.monotonic() - started

    def wait_done(self, seconds: float = 60) -> float:
        """Wait until no letter waits or is in hand."""
        return self.wait(
            lambda: not self.states().keys() & {"queued", "sending", "deferred"}, seconds
        )

    def logs(self) -> str:
        """Return what every process wrote since the last reset."""
        return "".join(
            path.read_text(encoding="utf-8", errors="replace") for path in self.list_logs()
        )

    def list_logs(self) -> list[Path]:
        ours = {"worker", "beat", "tick", "command"}
        logs = sorted((self.var / "log").glob("*.log"))
        return [path for path in logs if path.stem.split("-")[0] in ours]
