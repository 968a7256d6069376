"""Letters that are composed while a relay is waited for, and what ends that."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from newsletter.mail.message import Verdict
from newsletter.mail.transport import Transport, parse_relay
from newsletter.mail.waiting import Source
from tests.integration.mail_transport.batch import Book, Stepping, make_messages
from tests.smtp import SmtpServer

SENT = Verdict.SENT


@pytest.fixture(params=[1, 3])
def transport(server: SmtpServer, request: pytest.FixtureRequest) -> Iterator[Transport]:
    with Transport(parse_relay(f"{server.url}?connections={request.param}", 5)) as transport:
        yield transport


def under_way(book: Book) -> int:
    """How many dots are out and unanswered, after the moment that composing takes."""
    time.sleep(0.02)
    return len(book.handed()) - len(book.outcomes)


def test_a_source_gives_what_is_at_hand() -> None:
    messages = make_messages(*["ok"] * 5)
    source = Source(messages)
    assert source.draw(2) == messages[:2]
    assert source.has_more()
    assert source.next() == messages[2]
    assert source.draw(9) == messages[3:]
    assert (source.has_more(), source.next(), source.work()) == (False, None, False)


@pytest.mark.parametrize("pipelining", [True, False])
def test_all_that_is_composed_is_sent(
    server: SmtpServer, transport: Transport, pipelining: bool
) -> None:
    server.pipelining = pipelining
    book = Book()
    assert book.send(transport, Stepping(make_messages(*["ok"] * 40), few=7))
    assert book.verdicts() == [SENT] * 40
    assert len(server.accepted) == 40


def test_letters_are_composed_while_replies_are_waited_for(
    server: SmtpServer, transport: Transport
) -> None:
    book, busy = Book(), []
    source = Stepping(make_messages(*["slow1"] * 30), few=1)
    source.at_work = lambda: busy.append(under_way(book))
    assert book.send(transport, source)
    assert book.verdicts() == [SENT] * 30
    assert sum(map(bool, busy)) >= 6


def test_what_is_handed_over_is_heard_out_where_composing_fails(
    server: SmtpServer, transport: Transport
) -> None:
    book = Book()
    source = Stepping(make_messages(*["slow1"] * 30), few=1)

    def fail() -> None:
        if under_way(book):
            raise OSError("the database is gone")

    source.at_work = fail
    with pytest.raises(OSError, match="is gone"):
        book.send(transport, source)
    assert book.verdicts() == [SENT] * len(server.accepted)
    assert 1 <= len(book.outcomes) < 30
    assert len(book.handed()) == len(book.outcomes)


def test_an_interrupt_while_composing_leaves_what_is_under_way_in_doubt(
    server: SmtpServer, transport: Transport
) -> None:
    book = Book()
    source = Stepping(make_messages(*["slow2"] * 30), few=1)

    def interrupt() -> None:
        if under_way(book):
            raise KeyboardInterrupt

    source.at_work = interrupt
    with pytest.raises(KeyboardInterrupt):
        book.send(transport, source)
    assert book.outcomes[-1].verdict is Verdict.IN_DOUBT
    assert len(book.handed()) == len(book.outcomes)


def test_a_letter_whose_connection_is_lost_before_its_body_goes_over_a_new_one(
    server: SmtpServer,
) -> None:
    """It waits to be asked about, with its 354, while others are composed: the relay leaves."""
    with Transport(parse_relay(f"{server.url}?connections=8", 5)) as transport:
        book = Book()
        assert book.send(transport, make_messages(*["ok"] * 40))
        source = Stepping(make_messages(*["ok"] * 40), few=1)
        kept = list(server._links)
        number = len(kept)

        def cut() -> None:
            time.sleep(0.01)
            if kept:
                kept.pop().shutdown(2)

        source.at_work = cut
        again = Book()
        assert again.send(transport, source)
    assert len(again.outcomes) == 40
    assert set(again.verdicts()) <= {SENT, Verdict.IN_DOUBT}
    assert number > 1
    assert not kept
    assert again.verdicts().count(SENT) <= len(server.accepted) - 40 <= 40
