"""Connections are opened, replaced and left in the background: no lane waits for another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any

import pytest

from newsletter.mail.message import Verdict
from newsletter.mail.transport import Transport, parse_relay
from tests.integration.mail_transport.batch import Book, make_messages
from tests.smtp import Accepted, SmtpServer

SENT, RELAY = Verdict.SENT, Verdict.RELAY
LATE = 60.0  # seconds that nothing here waits for
TOO_MANY = "421 4.7.0 too many connections"


@pytest.fixture(autouse=True)
def _pipelining(server: SmtpServer) -> None:
    server.pipelining = True


def open_transport(server: SmtpServer, lanes: int, each: int = 100) -> Transport:
    return Transport(parse_relay(f"{server.url}?connections={lanes}", LATE), per_connection=each)


def once_greeted(server: SmtpServer, change: Callable[[], None]) -> None:
    """Have `change` done at the first letter, so that the first connection is as usual."""

    def on_dot(_: Accepted) -> None:
        if len(server.accepted) == 1:
            change()

    server.on_dot = on_dot


def count(server: SmtpServer, verb: str) -> int:
    return sum(line.upper().startswith(verb) for line in server.commands)


def wait_for(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_letters_go_on_while_a_connection_opens(server: SmtpServer) -> None:
    once_greeted(server, lambda: setattr(server, "banner_delay", LATE))
    book = Book()
    started = time.monotonic()
    with open_transport(server, 3) as transport:
        assert book.send(transport, make_messages(*["ok"] * 60))
    assert book.verdicts() == [SENT] * 60
    assert server.connections == 3  # two of them were still waited for at the end
    assert count(server, "EHLO") == 1
    assert time.monotonic() - started < LATE / 2


def test_a_connection_that_comes_late_serves_the_next_batch(server: SmtpServer) -> None:
    def slow_down() -> None:
        server.banner_delay = 0.5

    once_greeted(server, slow_down)
    with open_transport(server, 2) as transport:
        assert Book().send(transport, make_messages(*["ok"] * 20))
        wait_for(lambda: count(server, "EHLO") == 2)
        assert server.connections == 2
        threads = set()
        server.on_dot = lambda _: threads.add(get_ident())
        assert Book().send(transport, make_messages(*["slow1"] * 20))
    assert len(threads) == server.connections == 2


def test_what_comes_after_the_end_is_closed(server: SmtpServer) -> None:
    once_greeted(server, lambda: setattr(server, "banner_delay", 0.5))
    with open_transport(server, 3) as transport:
        assert Book().send(transport, make_messages(*["ok"] * 20))
        wait_for(lambda: server.connections == 3)
    wait_for(lambda: not server._links)
    assert len(server.accepted) == 20


def test_a_connection_that_carried_its_number_is_left_before_another_one_opens(
    server: SmtpServer,
) -> None:
    most = []
    server.on_dot = lambda _: most.append(len(server._links))
    book = Book()
    with open_transport(server, 1, each=5) as transport:
        assert book.send(transport, make_messages(*["ok"] * 20))
    assert book.verdicts() == [SENT] * 20
    assert max(most) == 1  # a relay that takes one connection of a client is never asked for two
    wait_for(lambda: count(server, "QUIT") == server.connections)
    assert server.connections in (4, 5)  # the last may be ready for a letter that never came


@pytest.mark.parametrize("lanes", [2, 5])
def test_a_relay_that_takes_no_further_connection_gets_all_over_those_it_took(
    server: SmtpServer, lanes: int
) -> None:
    once_greeted(server, lambda: setattr(server, "banner", TOO_MANY))
    book = Book()
    with open_transport(server, lanes) as transport:
        assert book.send(transport, make_messages(*["ok"] * 40))
        wait_for(lambda: server.connections > 1)
        assert book.send(transport, make_messages(*["ok"] * 40))
    assert book.verdicts() == [SENT] * 80
    assert server.connections <= 2 * lanes  # it is not asked over and over


def test_where_no_connection_is_left_and_none_opens_one_letter_says_why(
    server: SmtpServer,
) -> None:
    def turn_away() -> None:
        server.banner = TOO_MANY

    once_greeted(server, turn_away)
    book = Book()
    with open_transport(server, 3, each=10) as transport:
        assert not book.send(transport, make_messages(*["ok"] * 60))
    assert [v for v in book.verdicts() if v is not SENT] == [RELAY]
    assert book.outcomes[-1].code == 421
    assert len(server.accepted) == len(book.outcomes) - 1


def test_what_was_lost_with_a_kept_connection_goes_over_a_new_one(server: SmtpServer) -> None:
    with open_transport(server, 1) as transport:
        assert Book().send(transport, make_messages("ok", "ok"))
        for link in list(server._links):
            link.shutdown(2)
        server.banner_delay = 0.2
        book = Book()
        assert book.send(transport, make_messages(*["ok"] * 3))
    assert book.verdicts() == [SENT] * 3
    assert server.connections == 2


def test_where_no_thread_is_to_be_had_connections_open_all_the_same(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def refuse(thread: Thread, *arguments: Any, **named: Any) -> None:
        if thread.name == "connection":
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    start = Thread.start
    monkeypatch.setattr(Thread, "start", refuse)
    book = Book()
    with open_transport(server, 3, each=10) as transport:
        assert book.send(transport, make_messages(*["ok"] * 60))
    assert book.verdicts() == [SENT] * 60
    assert refused


def test_an_error_of_ours_while_opening_is_raised_once_all_is_heard(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def fail(transport: Transport) -> Any:
        opened.append(transport)
        if len(opened) > 1:
            raise ValueError("a bad name")
        return first(transport)

    first = Transport._open
    monkeypatch.setattr(Transport, "_open", fail)
    book = Book()
    with open_transport(server, 3) as transport, pytest.raises(ValueError, match="a bad name"):
        book.send(transport, make_messages(*["slow1"] * 60))
    assert book.verdicts() == [SENT] * len(server.accepted)
    assert len(book.handed()) == len(book.outcomes)
