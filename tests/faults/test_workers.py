"""Workers killed, stopped, doubled: every letter goes out once, or is in doubt and known."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pytest

from tests.faults.conftest import judge, receipts_left
from tests.faults.world import World
from tests.smtp import Accepted

READERS = [f"ok-{n}@reader.example" for n in range(70)]


@pytest.mark.parametrize("policy", ["resend", "park"])
def test_f1_children_killed_at_random(world: World, policy: str) -> None:
    world.settings["IN_DOUBT"] = policy
    readers = [f"slow{n % 3}-{n}@reader.example" for n in range(200)]
    world.day(*readers)
    worker = world.worker()
    world.beat()
    chance = random.Random(1)
    kills = 0
    world.wait(lambda: len(world.relay.accepted) > 5)
    while len(world.relay.accepted) < 180 and kills < 60:
        if pids := world.children(worker):
            os.kill(chance.choice(pids), signal.SIGKILL)
            kills += 1
        time.sleep(chance.uniform(0.02, 0.4))
    world.wait_done(90)
    report = judge(world)
    assert kills >= 20
    assert report.states["sent"] + report.states["in_doubt"] == len(readers)
    assert report.duplicates <= (kills if policy == "resend" else 0)
    assert len({mail.message_id for mail in world.relay.accepted}) <= len(readers)


def test_f2_the_whole_worker_killed(world: World) -> None:
    world.day(*READERS)
    worker = world.worker()
    world.ask()
    world.wait(lambda: len(world.relay.accepted) > 20)
    world.kill(worker)
    world.worker()
    world.beat()
    assert world.wait_done() < 30
    assert judge(world).duplicates <= 2


def test_f3_a_worker_stopped_past_its_lease_sends_nothing_after(world: World) -> None:
    world.day(*READERS[:40])
    stopped = threading.Event()

    def stop(recipient: str) -> None:  # in mid-transaction: after the claim, before DATA
        if recipient == READERS[5] and not stopped.is_set():
            os.killpg(worker.pid, signal.SIGSTOP)
            stopped.set()

    world.relay.on_rcpt = stop
    worker = world.worker(1)
    world.ask()
    assert stopped.wait(20)
    other = world.tick("--loop", "--every", "1")
    world.wait_done(40)
    before = len(world.relay.accepted)
    os.killpg(worker.pid, signal.SIGCONT)
    time.sleep(2)
    assert len(world.relay.accepted) == before
    assert other.poll() is None
    duplicates = judge(world).duplicates
    assert before == 40 + duplicates
    assert duplicates <= 4  # on each connection the one whose reply nobody read: in doubt


def test_f4_a_deploy_finishes_the_letter_in_hand(world: World) -> None:
    world.day(*[f"slow5-{n}@reader.example" for n in range(30)])
    worker = world.worker()
    world.ask(2)
    world.wait(lambda: len(world.relay.accepted) > 3)
    assert world.stop(worker) < 10
    states = world.states()
    assert "in_doubt" not in states
    assert "sending" not in states
    assert 3 < states["sent"] < 30
    assert receipts_left(world.var) == []
    judge(world, finished=False)


def test_letters_behind_a_throttle_keep_no_minute_waiting(world: World) -> None:
    world.settings["EMAIL_URL"] = f"{world.relay.url}?hourly=60"  # five letters take four minutes
    world.day(*READERS[:5])
    tick = world.tick("--loop", "--every", "1")
    world.wait(lambda: len(world.relay.accepted) == 1)
    world.people("late@reader.example")
    whose = "email = 'late@reader.example'"
    world.sql(f"UPDATE subscribers_subscriber SET next_send_at = now() WHERE {whose}")
    planned = "SELECT count(*) FROM newsletter_delivery AS d JOIN subscribers_subscriber AS s"
    world.wait(lambda: world.sql(f"{planned} ON s.id = d.subscriber_id WHERE {whose}") == [(1,)])
    assert world.stop(tick) < 10
    assert world.states() == {"sent": 1, "queued": 5}
    judge(world, finished=False)


def test_f5_ten_hints_are_one_letter_each(world: World) -> None:
    world.day(*READERS[:50])
    world.worker(4)
    world.ask(10)
    world.wait_done()
    assert judge(world).accepted == 50


def test_f6_a_task_that_outlives_the_visibility_timeout(world: World) -> None:
    world.day(*[f"slow10-{n}@reader.example" for n in range(6)])
    for _ in range(2):
        world.worker(1, app="tests.faults.impatient")
    world.ask()
    world.wait_done()
    world.wait(lambda: world.logs().count("tasks.deliver[") >= 2)  # the broker gave it out twice
    assert judge(world).accepted == 6


def test_a_kill_after_the_dot_resends_once_under_the_same_id(world: World) -> None:
    world.day("ok@reader.example")
    killed = threading.Event()

    def kill(_: Accepted) -> None:
        if not killed.is_set():
            killed.set()
            world.kill(worker)

    world.relay.on_dot = kill
    worker = world.tick()
    assert killed.wait(20)
    world.tick("--loop", "--every", "0.5")
    world.wait(lambda: world.states() == {"sent": 1})
    report = judge(world)
    assert (report.accepted, report.duplicates) == (2, 1)
    assert len({mail.message_id for mail in world.relay.accepted}) == 1


def test_by_the_policy_park_a_kill_after_the_dot_is_only_listed(world: World) -> None:
    world.settings["IN_DOUBT"] = "park"
    world.day("ok@reader.example")
    world.relay.on_dot = lambda _: world.kill(worker)
    worker = world.tick()
    world.wait(lambda: len(world.relay.accepted) == 1)
    worker.wait(10)
    world.relay.on_dot = lambda _: None
    world.run("tick")
    assert world.states() == {"in_doubt": 1}
    assert judge(world).accepted == 1
