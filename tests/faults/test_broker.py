"""Redis flushed, killed, full, gone; beat dead or doubled: hints are lost, letters are not."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.faults.conftest import judge
from tests.faults.world import World

# A form sent as by a browser, some seconds after it was shown; prints how long the answer took.
SUBSCRIBE = """
import re, time
from datetime import timedelta
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
settings.ALLOWED_HOSTS = ["testserver"]
client = Client()
page = client.get("/subscribe").content.decode()
data = dict(re.findall('<input type="hidden" name="(\\w+)" value="([^"]+)"', page))
data |= {"email": "someone@elsewhere.example", "interests": "reinforcement learning"}
with time_machine.travel(timezone.now() + timedelta(seconds=20), tick=True):
    started = time.perf_counter()
    answer = client.post("/subscribe", data)
assert answer.status_code == 302, answer.content
print(f"took={time.perf_counter() - started}")
"""
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


def test_f8_a_broker_that_cannot_save_stops_nothing(world: World) -> None:
    """As on a full disk its dump fails, and it refuses every write: MISCONF."""
    world.day(*READERS[:20])
    broker = world.broker()
    usual = str(broker.config_get("save")["save"])
    where = {name: str(broker.config_get(name)[name]) for name in ("dir", "dbfilename")}
    dump = Path(where["dir"], where["dbfilename"])
    dump.unlink(missing_ok=True)
    (dump / "in the way").mkdir(parents=True)
    try:
        broker.config_set("save", "1 1")
        broker.set("something", "to save")
        world.wait(lambda: broker.info("persistence")["rdb_last_bgsave_status"] == "err")
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            broker.set("full", "x")
        world.do("from newsletter import tasks\ntasks.ask_for_delivery()")
        world.do("from newsletter import tasks\ntasks.run_minute()")
        world.run("tick")  # needs no broker
        assert world.states() == {"sent": 20}
    finally:
        broker.config_set("save", usual)
        shutil.rmtree(dump)
        broker.bgsave()
        world.wait(lambda: broker.info("persistence")["rdb_last_bgsave_status"] == "ok")
    judge(world)


@pytest.mark.parametrize("fault", ["gone", "hangs"])
def test_f7_a_form_is_answered_without_a_broker(world: World, fault: str) -> None:
    settings = {"REDIS_URL": "redis://127.0.0.1:1/0"} if fault == "gone" else {}
    pid = world.server_pid("redis")
    if fault == "hangs":
        os.kill(pid, signal.SIGSTOP)
    try:
        told = world.run("shell", "-v0", "-c", SUBSCRIBE, **settings)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert float(told.partition("took=")[2].split()[0]) < 8, told  # seconds
    assert world.sql("SELECT count(*) FROM subscribers_signup") == [(1,)]
    world.run("tick")
    (mail,) = world.relay.accepted
    assert mail.recipient == "someone@elsewhere.example"


def test_events_carry_counts_and_never_an_address(world: World) -> None:
    world.day(*READERS[:6], "h550@reader.example")
    heard: list[bytes] = []
    with world.broker().pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.psubscribe("*celeryev*")
        world.worker(events=True)
        world.beat()
        world.wait_done()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if message := channel.get_message(timeout=0.2):
                heard.append(message["data"] if isinstance(message["data"], bytes) else b"")
    bodies = [base64.b64decode(json.loads(one)["body"]) for one in heard if one.startswith(b"{")]
    told = b"\n".join(bodies)
    assert b"task-succeeded" in told
    assert b"newsletter.tasks.deliver" in told
    assert b"'sent': " in told
    assert b"example" not in told


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
    assert re.search(r"editions=\d{4}-\d\d-\d\d:\d+ ", logs)
    # That no address is: by the fixture, after each of these tests.
