"""A connection hears what the relay says unasked, and waits for nothing."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from newsletter.mail.connection import Connection, Ended
from newsletter.mail.transport import Relay


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    """Our end and the relay's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay("127.0.0.1", listener.getsockname()[1], "", "", "none", 5)
        connection = Connection(relay, loopback_only=True)
        with listener.accept()[0] as theirs:
            yield connection, theirs
        connection.close()


def await_news(connection: Connection) -> None:
    assert select.select([connection._socket], [], [], 5)[0]


def test_it_does_not_wait_for_a_silent_relay(ends: tuple[Connection, socket.socket]) -> None:
    began = time.monotonic()
    ends[0].check_silence()
    assert time.monotonic() - began < 1


def test_it_hears_what_was_said_unasked(ends: tuple[Connection, socket.socket]) -> None:
    connection, theirs = ends
    theirs.sendall(b"421 4.3.2 closing\r\n")
    await_news(connection)
    with pytest.raises(Ended) as end:
        connection.check_silence()
    assert (end.value.code, end.value.text) == (421, "4.3.2 closing")


def test_it_hears_that_the_relay_left(ends: tuple[Connection, socket.socket]) -> None:
    connection, theirs = ends
    theirs.close()
    await_news(connection)
    with pytest.raises(Ended, match="closed the connection") as end:
        connection.check_silence()
    assert end.value.code == 0


@pytest.mark.parametrize("reply", [b"250\r\n", b"250-a\r\n250 b\r\n", b"250 a\n"])
def test_it_reads_a_reply(ends: tuple[Connection, socket.socket], reply: bytes) -> None:
    connection, theirs = ends
    theirs.sendall(reply)
    assert connection.read_reply()[0] == 250


@pytest.mark.parametrize(
    "rubbish", [b"2500\r\n", b"25\r\n", b"650 x\r\n", b"ok\r\n", b"250-a\r\n" * 200, b"2" * 70000]
)
def test_it_refuses_rubbish(ends: tuple[Connection, socket.socket], rubbish: bytes) -> None:
    connection, theirs = ends
    theirs.sendall(rubbish)
    with pytest.raises(Ended) as end:
        connection.read_reply()
    assert end.value.code == 0


def test_it_takes_in_all_that_came_and_meets_rubbish_last(
    ends: tuple[Connection, socket.socket],
) -> None:
    connection, theirs = ends
    theirs.sendall(b"250 a\r\n250-b\r\n250 c\r\n354\nnonsense\r\n250 d\r\n")
    await_news(connection)
    assert connection.receive_ready()
    assert connection.take_replies() == [(250, b"a"), (250, b"b\nc"), (354, b"")]
    with pytest.raises(Ended, match="no SMTP reply"):
        connection.take_replies()


def test_it_keeps_half_a_reply_for_later(ends: tuple[Connection, socket.socket]) -> None:
    connection, theirs = ends
    for part, found in ((b"250-a\r\n25", []), (b"0 b\r\n22", [(250, b"a\nb")])):
        theirs.sendall(part)
        await_news(connection)
        connection.receive_ready()
        assert connection.take_replies() == found


def test_it_writes_more_than_is_taken_at_once(ends: tuple[Connection, socket.socket]) -> None:
    connection, theirs = ends
    letter = bytes(range(256)) * 100_000
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(lambda: theirs.makefile("rb").read(len(letter) + 6))
        connection.write(letter, more=True)
        connection.write_group(b".\r\nEND")
        assert whole.result(30) == letter + b".\r\nEND"
