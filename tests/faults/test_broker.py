"""Redis flushed, killed, full, gone; beat dead or doubled: hints are lost, letters are not."""

from __future__ import annotations

import os
import signal
import time

import redis

from tests.faults.conftest import judge
from tests.faults.world import World

READERS = [f"slow1-{n}@reader.example" for n in range(30)]


def test_f7_everything_in_redis_flushed(world: World) -> None:
    world.day(*READERS)
    world.worker()
    world.beat()
    for reached in (3, 9, 16):
        world.wait(lambda reached=reached: len(world.relay.accepted) > reached)  # type: ignore[misc]
        world.broker().flushall()
    world.wait_done()
    assert judge(world).accepted == 30


def test_f7_redis_killed_in_the_middle(world: World) -> None:
    world.day(*READERS)
    world.worker()
    world.beat()
    world.wait(lambda: len(world.relay.accepted) > 8)
    os.kill(world.server_pid("redis"), signal.SIGKILL)
    world.wait_done()
    assert judge(world).accepted == 30


def test_f7_without_redis_a_tick_completes_the_day(world: World) -> None:
    world.day(*READERS[:20])
    gone = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    world.run("tick", **gone)
    assert world.states() == {"sent": 20}
    judge(world)


def test_f8_a_broker_that_takes_no_hint_stops_nothing(world: World) -> None:
    world.day(*READERS[:20])
    broker = world.broker()
    broker.config_set("maxmemory", "1")
    try:
        refused = False
        try:
            broker.set("full", "x")
        except redis.ResponseError:
            refused = True
        assert refused
        world.do("from newsletter import tasks\ntasks.ask_for_delivery()")
        world.do("from newsletter import tasks\ntasks.run_minute()")
    finally:
        broker.config_set("maxmemory", "0")
    world.worker()
    world.beat()
    world.wait_done()
    assert judge(world).accepted == 20


def test_f9_a_broker_that_may_evict_hints_is_named(world: World) -> None:
    broker = world.broker()
    broker.config_set("maxmemory-policy", "allkeys-lru")
    try:
        world.worker(1)
        world.wait(lambda: "set maxmemory-policy noeviction, not allkeys-lru" in world.logs())
    finally:
        broker.config_set("maxmemory-policy", "noeviction")


def test_f10_without_beat_a_worker_ticks(world: World) -> None:
    world.day(*READERS[:20])
    world.worker()
    assert world.wait_done() < 20
    assert judge(world).accepted == 20
    assert "this worker ticks" in world.logs()


def test_f10_two_beats_are_one_edition(world: World) -> None:
    world.people(*READERS[:20])
    world.papers()
    world.sql("UPDATE subscribers_subscriber SET next_send_at = now()")
    world.sql("UPDATE newsletter_paper SET stored_at = now() - interval '1 hour'")
    world.settings["PAPER_ROUND_CUTOFF"] = "00:00"
    world.worker()
    for _ in range(2):
        world.beat()
    world.wait(lambda: world.states() == {"sent": 20})
    time.sleep(2)
    assert world.sql("SELECT count(*) FROM newsletter_edition") == [(1,)]
    assert judge(world).accepted == 20


def test_no_address_is_logged(world: World) -> None:
    world.day(*READERS[:5], "h550@reader.example", "drop@reader.example")
    world.worker()
    world.beat()
    world.wait_done()
    logs = world.logs()
    assert "batch: relay=" in logs
    assert "sent=" in logs
    assert "reader.example" not in logs
