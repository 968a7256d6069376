"""Five days in a minute, and something breaks every second: does every promise hold?

The days are real editions, planned one after the other for every reader; workers and beat are real;
what breaks is drawn by a seed. Run by the gate, and for longer by `manage.py chaos`.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import redis

from tests.faults.checker import Report, check
from tests.faults.world import World

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
LEAVE = """
from django.utils import timezone
from subscribers.models import Subscriber
from subscribers.services import unsubscribe
reader = Subscriber.objects.filter(email=email).values_list("pk", flat=True).first()
unsubscribe(reader, "storm", timezone.now())
"""
PAUSE = """
from newsletter.controls import pause_sending
pause_sending("the storm")
"""
RESUME = """
from newsletter.controls import resume_sending
resume_sending()
"""
MOODS = ("drop", "t451", "d451", "g421", "d421", "early", "cut", "wrong", "slow2", "hang")
WORKERS = 2


@dataclass
class Storm:
    """A seeded run of faults over a world; `run` returns the checker's report."""

    world: World
    seed: int
    readers: int = 2000
    days: int = 5
    seconds: float = 60.0
    say: Callable[[str], None] = lambda _: None
    faults: Counter[str] = field(default_factory=Counter)
    settled: float = 0.0  # seconds from the last fault until nothing waited

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.emails = [f"ok-{n}@reader{n % 7}.example" for n in range(self.readers)]
        self.staying = list(self.emails)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.beats: list[subprocess.Popen[bytes]] = []
        self.heal: list[tuple[float, Callable[[], object]]] = []
        self.menu: list[tuple[Callable[[], object], int]] = [
            (self.kill_child, 6),
            (self.kill_worker, 3),
            (self.freeze_worker, 2),
            (self.deploy, 2),
            (self.kill_beat, 1),
            (self.second_beat, 1),
            (self.flush_broker, 2),
            (self.kill_broker, 1),
            (self.cut_connections, 3),
            (self.kill_database, 1),
            (self.relay_turns_away, 2),
            (self.relay_sulks, 4),
            (self.hints_doubled, 3),
            (self.readers_leave, 6),
            (self.fill_disk, 2),
            (self.freeze_broker, 1),
            (self.pause, 1),
            (self.relay_refuses, 1),
        ]

    def run(self) -> Report:
        """Let the days pass and the faults fall; return what the checker says of the end."""
        self.world.people(*self.emails)
        self.keep_processes()
        started = time.monotonic()
        turn = self.seconds / self.days
        for number in range(self.days):
            back = self.days - 1 - number
            self.world.papers(back, number=1)
            planned = self.world.plan(back)
            self.say(f"day {number + 1}: {planned} letters planned, {self.describe()}")
            while time.monotonic() < started + turn * (number + 1):
                self.pass_time()
        return self.end()

    def pass_time(self) -> None:
        """Break one thing, mend what is due, and wait a little."""
        actions, weights = zip(*self.menu, strict=True)
        (action,) = self.chance.choices(actions, weights)
        self.faults[action.__name__] += 1
        with contextlib.suppress(ProcessLookupError, redis.RedisError):
            action()
        until = time.monotonic() + self.chance.uniform(0.2, 2.0)
        while time.monotonic() < until:
            self.mend(time.monotonic())
            self.keep_processes()
            time.sleep(0.05)

    def mend(self, now: float) -> None:
        due = [one for one in self.heal if one[0] <= now]
        self.heal = [one for one in self.heal if one[0] > now]
        for _, undo in due:
            with contextlib.suppress(ProcessLookupError):
                undo()

    def end(self) -> Report:
        """Mend everything, wait for the last letter, and judge."""
        self.mend(float("inf"))
        self.keep_processes()
        self.settled = self.world.wait_done(240)
        self.say(f"settled {self.settled:.1f} s after the last fault, {self.describe()}")
        with self.world.connect() as connection:
            return check(self.world.log, connection, everyone=True)

    def describe(self) -> str:
        return ", ".join(
            f"{number} {state}" for state, number in sorted(self.world.states().items())
        )

    def keep_processes(self) -> None:
        """Start again what ended, as a supervisor does."""
        self.workers = [one for one in self.workers if one.poll() is None]
        self.beats = [one for one in self.beats if one.poll() is None]
        while len(self.workers) < WORKERS:
            self.workers.append(self.world.worker())
        if not self.beats:
            self.beats.append(self.world.beat())

    def later(self, seconds: float, undo: Callable[[], object]) -> None:
        self.heal.append((time.monotonic() + seconds, undo))

    # What breaks

    def kill_child(self) -> None:
        if pids := self.world.children(self.chance.choice(self.workers)):
            os.kill(self.chance.choice(pids), signal.SIGKILL)

    def kill_worker(self) -> None:
        self.world.kill(self.chance.choice(self.workers))

    def freeze_worker(self) -> None:
        worker = self.chance.choice(self.workers)
        os.killpg(worker.pid, signal.SIGSTOP)
        self.later(self.chance.choice([0.5, 3, 9]), lambda: os.killpg(worker.pid, signal.SIGCONT))

    def deploy(self) -> None:
        self.chance.choice(self.workers).terminate()

    def kill_beat(self) -> None:
        self.world.kill(self.chance.choice(self.beats))

    def second_beat(self) -> None:
        if len(self.beats) < 2:
            self.beats.append(self.world.beat())

    def flush_broker(self) -> None:
        self.world.broker().flushall()

    def kill_broker(self) -> None:
        os.kill(self.world.server_pid("redis"), signal.SIGKILL)

    def cut_connections(self) -> None:
        self.world.sql(CUT)

    def kill_database(self) -> None:
        os.kill(self.world.server_pid("postgresql"), signal.SIGKILL)

    def freeze_broker(self) -> None:
        """Redis takes connections and answers nothing."""
        pid = self.world.server_pid("redis")
        os.kill(pid, signal.SIGSTOP)
        # By a clock of its own: whoever asks the broker meanwhile waits, this storm too.
        go_on = threading.Timer(self.chance.choice([0.5, 3, 7]), wake, [pid])
        go_on.daemon = True
        go_on.start()

    def fill_disk(self) -> None:
        """A worker can write to no file: its receipts, its log."""
        worker = self.chance.choice(self.workers)
        self.limit_files(worker, 0)
        unlimited = resource.RLIM_INFINITY
        self.later(self.chance.uniform(0.5, 3), lambda: self.limit_files(worker, unlimited))

    def limit_files(self, worker: subprocess.Popen[bytes], size: int) -> None:
        for pid in (worker.pid, *self.world.children(worker)):
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def pause(self) -> None:
        """An operator holds everything, and lets it go again."""
        self.world.do(PAUSE)
        self.later(self.chance.uniform(0.3, 2), lambda: self.world.do(RESUME))

    def relay_refuses(self) -> None:
        """Nobody listens at the relay's port; what is open goes on."""
        self.world.relay.close_listener()
        self.later(self.chance.uniform(0.3, 3), self.world.relay.open_listener)

    def relay_turns_away(self) -> None:
        relay, usual = self.world.relay, "220 relay.test ESMTP"
        relay.banner = "421 4.3.2 not now"
        self.later(self.chance.uniform(0.3, 2), lambda: setattr(relay, "banner", usual))

    def relay_sulks(self) -> None:
        relay, moods = self.world.relay, random.Random(self.chance.random())
        share = self.chance.choice([0.05, 0.3])
        relay.mood = lambda _: moods.choice(MOODS) if moods.random() < share else ""
        self.later(self.chance.uniform(0.3, 2), lambda: setattr(relay, "mood", lambda _: ""))

    def hints_doubled(self) -> None:
        with contextlib.suppress(AssertionError):  # the broker may be away
            self.world.ask(10)

    def readers_leave(self) -> None:
        for _ in range(self.chance.randrange(1, 4)):
            email = self.staying.pop(self.chance.randrange(len(self.staying)))
            self.world.do(LEAVE, email=email)


def wake(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


LATE = "later than the 60 s promised: was the machine busy with something else?"


def summarise(storm: Storm, report: Report) -> str:
    """Return the storm in a few lines."""
    faults = ", ".join(f"{number} {name}" for name, number in storm.faults.most_common())
    took = timedelta(seconds=round(storm.settled))
    return (
        f"seed {storm.seed}: {sum(storm.faults.values())} faults ({faults})\n"
        f"all settled {took} after the last{f', {LATE}' if storm.settled > 60 else ''}\n{report}\n"
        f"{'promises were broken' if report.broken else 'all clear'}"
    )
