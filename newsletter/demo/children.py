"""The demo's own processes: web, mail catcher, worker, beat. No Django."""

from __future__ import annotations

import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from newsletter.embedded import Places
from newsletter.processes import Process

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before one that ended is started again
LONG_LIFE = 60.0  # seconds after which an end counts as the first again


@dataclass
class Child(Process):
    """A process that is started again when it ends by itself, later each time."""

    born: float = 0.0
    pause: float = FIRST_PAUSE
    due: float | None = None  # when it is to be started again

    def watch(self) -> str:
        """Look after it; return what to tell the operator, or ""."""
        now = time.monotonic()
        if not self.has_ended():
            return ""
        if self.due is None:
            self.pause = FIRST_PAUSE if now - self.born > LONG_LIFE else self.pause * 2
            self.pause = min(self.pause, LONGEST_PAUSE)
            self.due = now + self.pause
            code = self.popen.returncode if self.popen else None
            return f"{self.name} ended by itself ({code}): {self.last_words()} ({self.log})"
        if now < self.due:
            return ""
        self.due, self.born = None, now
        self.spawn()
        return f"{self.name} is started again"


def make_child(name: str, command: list[str], places: Places, **options: Any) -> Child:
    log, record = places.log / f"{name}.log", places.run / f"demo-{name}.pid"
    return Child(name, command, log, record, born=time.monotonic(), **options)


def make_web(places: Places, listener: socket.socket) -> Child:
    fd = listener.fileno()
    command = [sys.executable, "-m", "gunicorn", "newsletter.wsgi", "--bind", f"fd://{fd}"]
    command += ["--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
    command += ["--graceful-timeout", "1", "--worker-tmp-dir", str(places.run)]
    command += ["--logger-class", "newsletter.weblog.WebLog", "--access-logfile", "-"]
    return make_child(
        "web", command, places, stop_signal=signal.SIGINT, orphan_signal=signal.SIGINT, fds=(fd,)
    )


def make_catcher(places: Places, listener: socket.socket) -> Child:
    fd = listener.fileno()
    command = [sys.executable, "-m", "newsletter.demo.catcher", "--fd", str(fd)]
    command += ["--maildir", str(places.var / "inbox")]
    # Stopped when nobody is left who could be sending, so there is nothing to finish.
    return make_child("inbox", command, places, stop_signal=signal.SIGKILL, fds=(fd,))


def make_worker(places: Places) -> Child:
    command = [sys.executable, "-m", "celery", "-A", "newsletter.celery", "worker"]
    command += ["-P", "threads", "-c", "2", "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return make_child("worker", command, places)


def make_beat(places: Places) -> Child:
    command = [sys.executable, "-m", "celery", "-A", "newsletter.celery", "beat"]
    command += ["--schedule", str(places.run / "beat"), "--pidfile", "", "--loglevel", "INFO"]
    return make_child("beat", command, places)
