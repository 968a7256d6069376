"""The relay refuses, hangs, lies, goes away, swallows everything: by real workers, end to end."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import judge
from tests.faults.world import World
from tests.smtp import BANNER, SmtpServer

READERS = [f"ok-{n}@reader.example" for n in range(12)]
ALWAYS = {  # what the relay does with a reader, each time; what the ledger says in the end
    "ok": "sent",
    "slow10": "sent",
    "h550": "failed",
    "d554": "failed",
    "d552": "failed",
    "e552": "failed",
    "t451": "failed",  # greylisted longer than the schedule of retries
    "f552": "failed",
    "drop": "in_doubt",
    "wrong": "in_doubt",
    "hang": "in_doubt",
}
AT_FIRST = ("t451", "d451", "g421", "d421", "early", "cut")  # and all is well the second time
LETTERS = """
SELECT s.email, d.state, d.doubts FROM newsletter_delivery d
JOIN subscribers_subscriber s ON s.id = d.subscriber_id
"""


def moody(*locals_: str) -> Callable[[str], str]:
    """Return a mood that shows each of these once, to the reader "first" of that name."""
    seen: Counter[str] = Counter()

    def mood(recipient: str) -> str:
        name = recipient.partition("@")[0]
        seen[name] += 1
        wanted = name.removeprefix("first-")
        times = 2 if wanted == "t451" else 1  # 451 twice
        return wanted if wanted in locals_ and seen[name] <= times else ""

    return mood


def test_f16_each_reply_comes_to_what_it_means(world: World) -> None:
    world.settings["PAPER_ROUND_RETRIES"] = "1s 1s"
    always = [f"{local}@reader.example" for local in ALWAYS]
    at_first = [f"first-{local}@reader.example" for local in AT_FIRST]
    world.day(*always, *at_first)
    world.relay.mood = moody(*AT_FIRST)
    world.worker()
    world.beat()
    doubted = "SELECT count(*) FROM newsletter_delivery WHERE state = 'in_doubt' AND doubts = 1"
    world.wait_done(90)
    world.wait(lambda: world.sql(doubted) == [(0,)])  # each of these goes out once more
    world.wait_done()
    rows = {email.partition("@")[0]: state for email, state, _ in world.sql(LETTERS)}
    assert rows == ALWAYS | {f"first-{local}": "sent" for local in AT_FIRST}
    # Resent once under the same Message-ID, then left to the operator.
    got = Counter(mail.recipient.partition("@")[0] for mail in world.relay.accepted)
    assert {name: got[name] for name in ("drop", "wrong", "hang")} == dict.fromkeys(
        ("drop", "wrong", "hang"), 2
    )
    assert world.sql("SELECT count(*), min(reason) FROM subscribers_suppression") == [
        (1, "hard_bounce")
    ]
    assert judge(world).duplicates == 3


@pytest.mark.parametrize(
    "style",
    [
        {"multiline": True},
        {"enhanced": False},
        {"esmtp": False},  # HELO alone: no SIZE, no 8BITMIME, no PIPELINING
        {"pipelining": False},
        {"close_after": 3},
        {"banner_delay": 2.0},
    ],
)
def test_f16_a_relay_of_any_style_takes_the_day(world: World, style: dict[str, object]) -> None:
    usual = {name: getattr(world.relay, name) for name in style}
    for name, value in style.items():
        setattr(world.relay, name, value)
    try:
        world.day(*READERS)
        world.run("tick")
    finally:
        for name, value in usual.items():
            setattr(world.relay, name, value)
    assert world.states() == {"sent": 12}
    assert judge(world).duplicates == 0


@contextmanager
def away(world: World, how: str) -> Iterator[None]:
    """The relay takes no mail, in one of the ways there are."""
    relay = world.relay
    if how == "refuses":
        relay.close_listener()
    elif how == "421":
        relay.banner = "421 4.3.2 not now"
    elif how == "trickles":
        relay.trickle = True
    elif how == "unpolicied":
        relay.mood = lambda _: "p550"
    try:
        yield
    finally:
        relay.banner, relay.trickle, relay.mood = BANNER, False, lambda _: ""
        relay.open_listener()


@pytest.mark.parametrize("how", ["refuses", "421", "trickles", "unpolicied"])
def test_f17_a_relay_that_is_away_costs_no_letter_and_no_attempt(world: World, how: str) -> None:
    world.day(*READERS)
    before = world.relay.connections
    with away(world, how):
        world.worker()
        world.beat()
        opened = "SELECT count(*) FROM newsletter_circuit WHERE opened_at IS NOT NULL"
        world.wait(lambda: world.sql(opened) == [(1,)], 60)
        time.sleep(3)
        tried = world.relay.connections - before
        assert tried <= 20  # five failures open the circuit; then one letter of one worker tries
        assert not world.states().keys() - {"queued", "sending"}
    world.wait_done(90)
    assert world.states() == {"sent": 12}
    assert world.sql("SELECT DISTINCT attempts FROM newsletter_delivery") == [(1,)]
    assert world.sql("SELECT count(*) FROM subscribers_suppression") == [(0,)]
    judge(world)


def test_f17_what_waited_is_drained_at_the_relays_rate(world: World) -> None:
    world.settings["EMAIL_URL"] = f"{world.relay.url}?rate=15"
    world.day(*[f"ok-{n}@reader.example" for n in range(60)])
    tick = ("--loop", "--every", "0.2")
    with away(world, "refuses"):
        world.tick(*tick)
        opened = "SELECT count(*) FROM newsletter_circuit WHERE opened_at IS NOT NULL"
        world.wait(lambda: world.sql(opened) == [(1,)])
    world.wait_done(60)
    times = sorted(mail.at for mail in world.relay.accepted)
    busiest = max(sum(at <= other < at + 1 for other in times) for at in times)
    assert busiest <= 2 * 15  # a second's worth at once, and a second's worth in that second
    assert times[-1] - times[0] > 2.5
    judge(world)


def test_f18_packets_that_vanish_are_a_timeout_not_a_hang(world: World) -> None:
    world.day(*READERS)
    with socket.socket() as hole:  # its queue is full: the kernel drops what comes
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        started = time.monotonic()
        said = world.run("tick", EMAIL_URL=f"smtp://127.0.0.1:{port}")
        took = time.monotonic() - started
        for one in crowd:
            one.close()
    assert 4 < took < 30, said  # one timeout of five seconds, and what a command takes
    assert world.states() == {"queued": 12}
    assert world.sql("SELECT DISTINCT attempts FROM newsletter_delivery") == [(0,)]
    world.run("tick")
    assert world.states() == {"sent": 12}
    judge(world)


def test_f18_a_line_that_falls_silent_in_the_middle_keeps_the_others_going(world: World) -> None:
    silent: list[str] = []

    def swallow(recipient: str) -> None:
        if recipient == READERS[3] and not silent:
            silent.append(recipient)
            time.sleep(12)  # longer than anyone waits

    world.relay.on_rcpt = swallow
    world.day(*READERS)
    world.worker()
    world.beat()
    world.wait_done(60)
    assert silent
    assert world.states() == {"sent": 12}
    assert judge(world).duplicates == 0


def test_a_second_relay_takes_over_and_gives_back(world: World) -> None:
    with SmtpServer(log=world.log) as spare:
        world.settings["EMAIL_URL"] = f"{world.relay.url} {spare.url}?weight=0"
        world.people(*READERS)
        world.papers(1, number=1)
        assert world.plan(1) == 12
        with away(world, "refuses"):
            world.run("tick")
        assert len(spare.accepted) == 12
        world.papers()
        assert world.plan() == 12
        # Its circuit is not open (one failure): the first relay is tried again, and keeps the rest.
        world.run("tick")
        assert len(spare.accepted) == len(world.relay.accepted) == 12
    assert judge(world).accepted == 24
