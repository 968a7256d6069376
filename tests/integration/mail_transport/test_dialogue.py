"""What goes over the wire when all is well, and who is asked and told when."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from newsletter.mail.message import Message, Verdict
from newsletter.mail.transport import Relay, RelayRefused, Transport, parse_relay
from tests.integration.mail_transport.batch import SENDER, Book, Stepping, make_messages, send_batch
from tests.smtp import SmtpServer

SENT, SOFT, HARD, CONTENT, RELAY, OURS, IN_DOUBT = Verdict


@pytest.fixture(autouse=True)
def _one_by_one(server: SmtpServer) -> None:
    server.pipelining = False


@pytest.fixture
def transport(server: SmtpServer) -> Iterator[Transport]:
    with Transport(parse_relay(server.url, 5), per_connection=10) as transport:
        yield transport


def test_it_hands_over_the_very_bytes(server: SmtpServer, transport: Transport) -> None:
    data = b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\na.\r\n\r\n.." + b"x" * 990 + b"\r\n.\r\n"
    Book().send(transport, [Message(1, SENDER, "ok@reader.example", data)])
    (accepted,) = server.accepted
    assert accepted.data == data
    assert (accepted.sender, accepted.recipient) == (SENDER, "ok@reader.example")
    assert server.longest_line == 993


def test_it_names_a_domain_in_ascii(server: SmtpServer, transport: Transport) -> None:
    Book().send(transport, [Message(1, SENDER, "ok@bücher.example", b"a\r\n")])
    assert server.recipients() == ["ok@xn--bcher-kva.example"]


def test_it_keeps_one_connection_for_its_share(server: SmtpServer, transport: Transport) -> None:
    book = Book()
    assert book.send(transport, make_messages(*["ok"] * 9))
    assert book.send(transport, make_messages("ok"))
    assert server.connections == 1
    assert book.send(transport, make_messages(*["ok"] * 11))
    assert server.connections == 3
    assert len(server.accepted) == 21


def test_it_says_quit(server: SmtpServer) -> None:
    send_batch(server.url, "ok")
    assert [line.split(" ")[0].upper() for line in server.commands] == [
        "EHLO",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]


def test_it_opens_a_new_connection_for_a_stale_one(server: SmtpServer) -> None:
    server.close_after = 2
    book = send_batch(server.url, *["ok"] * 5)
    assert book.verdicts() == [SENT] * 5
    assert server.connections == 3
    assert [number for name, number in book.calls if name == "before"] == [1, 2, 3, 3, 4, 5, 5]


def test_it_asks_before_and_tells_in_order(transport: Transport) -> None:
    book = Book()
    book.send(transport, make_messages("ok", "h550"))
    assert book.calls == [
        ("before", 1),
        ("handing", 1),
        ("done", 1),
        ("before", 2),
        ("done", 2),
    ]


def test_it_skips_who_is_vetoed(server: SmtpServer, transport: Transport) -> None:
    book = Book(vetoed={1, 3})
    assert book.send(transport, make_messages("a", "b", "c", "d"))
    assert server.recipients() == ["b@reader.example", "d@reader.example"]
    assert [outcome.delivery_id for outcome in book.outcomes] == [2, 4]
    assert "a@" not in "".join(server.commands)


def test_it_asks_right_before_mail(server: SmtpServer, transport: Transport) -> None:
    book = Book()
    seen: list[int] = []
    book.on_before = lambda: seen.append(sum("MAIL" in line for line in server.commands))
    book.send(transport, make_messages("ok", "ok", "ok"))
    assert seen == [0, 1, 2]
    assert server.connections == 1


def test_it_takes_letters_one_by_one(server: SmtpServer, transport: Transport) -> None:
    seen: list[int] = []
    source = Stepping(make_messages("ok", "ok", "ok"), few=1)
    source.at_work = lambda: seen.append(len(server.accepted))
    assert Book().send(transport, source)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    "message",
    [
        Message(1, SENDER, "üser@example.org", b"a\r\n"),
        Message(1, SENDER, "a@b.example>\r\nDATA", b"a\r\n"),
        Message(1, SENDER, "ok@b.example", b"a\n.\nMAIL FROM:<x@y>\r\n"),
    ],
)
def test_it_refuses_what_cannot_go_out(
    server: SmtpServer, transport: Transport, message: Message
) -> None:
    book = Book()
    assert book.send(transport, [message, *make_messages("ok")])
    assert book.verdicts() == [CONTENT, SENT]
    assert book.outcomes[0].code == 0
    assert server.recipients() == ["ok@reader.example"]


def test_it_writes_no_dot_when_the_receipt_fails(server: SmtpServer, transport: Transport) -> None:
    book = Book()

    def full(_: Message) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        transport.send(make_messages("ok", "ok"), book.before, full, book.done)
    assert book.outcomes == []
    assert book.send(transport, make_messages("later"))
    assert server.recipients() == ["later@reader.example"]


def test_it_knows_a_dot_that_never_left(server: SmtpServer, transport: Transport) -> None:
    """The dot cannot be written, so nobody can have read it: not in doubt."""
    book = Book()

    def handing(message: Message) -> None:
        book.handing(message)
        assert transport._dialogue
        transport._dialogue.connection._socket.shutdown(socket.SHUT_WR)

    assert not transport.send(make_messages("ok"), book.before, handing, book.done)
    assert book.verdicts() == [RELAY]
    assert book.handed() == [1]
    assert server.accepted == []


def test_it_reports_doubt_when_interrupted_after_the_dot(server: SmtpServer) -> None:

    class Interruption(BaseException):
        pass

    class Interrupted(Book):
        def handing(self, message: Message) -> None:
            super().handing(message)
            if message.delivery_id == 2:
                armed.set()

    armed = threading.Event()
    book = Interrupted()
    with Transport(parse_relay(server.url, 5)) as transport:
        _interrupt_reads(transport, armed, Interruption)
        with pytest.raises(Interruption):
            book.send(transport, make_messages("ok", "ok", "ok"))
    assert book.verdicts() == [SENT, IN_DOUBT]
    assert book.outcomes[1].detail == "interrupted after the final dot"


def _interrupt_reads(
    transport: Transport, armed: threading.Event, error: type[BaseException]
) -> None:
    """Let a signal's exception come up in the read of the reply, as a time limit's does."""
    assert transport.check() is None
    assert transport._dialogue
    connection = transport._dialogue.connection
    read = connection.read_reply

    def read_reply() -> tuple[int, bytes]:
        if armed.is_set():
            raise error
        return read()

    connection.read_reply = read_reply  # type: ignore[method-assign]


def test_it_keeps_replies_fit_to_store(server: SmtpServer, transport: Transport) -> None:
    server.banner = "554 \x00\x1b[31m" + "long " * 200
    book = Book()
    book.send(transport, make_messages("ok"))
    detail = book.outcomes[0].detail
    assert len(detail) <= 300
    assert detail.isprintable()


@pytest.mark.parametrize("host", ["192.0.2.1", "::ffff:192.0.2.1"])
def test_the_demo_refuses_another_machine(host: str) -> None:
    relay = Relay(host, 25, "", "", "none", 5)
    book = Book()
    transport = Transport(relay, loopback_only=True)
    with transport, pytest.raises(RelayRefused, match="demo sends to this machine only"):
        book.send(transport, make_messages("ok"))
    assert book.calls == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_demo_sends_to_this_machine(server: SmtpServer, host: str) -> None:
    relay = Relay(host, server.port, "", "", "none", 5)
    book = Book()
    with Transport(relay, loopback_only=True) as transport:
        book.send(transport, make_messages("ok"))
    assert book.verdicts() == [SENT]


def test_a_letter_withdrawn_after_rcpt_gets_no_data(server: SmtpServer) -> None:
    book = Book(withdrawn={2})
    with Transport(parse_relay(server.url, 5)) as transport:
        assert book.send(transport, make_messages("ok-1", "ok-2", "ok-3"))
    assert [mail.recipient for mail in server.accepted] == [
        "ok-1@reader.example",
        "ok-3@reader.example",
    ]
    assert server.commands.count("DATA") == 2
    assert server.commands.count("RSET") == 1
    assert server.connections == 1


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("local", "verdict"),
    [("ok", Verdict.SENT), ("h550", Verdict.HARD), ("t451", Verdict.SOFT), ("g421", Verdict.RELAY)],
)
def test_it_judges_the_same_with_and_without_groups(
    server: SmtpServer, pipelining: bool, local: str, verdict: Verdict
) -> None:
    server.pipelining = pipelining
    book = send_batch(server.url, "ok-1", local)
    assert book.verdicts() == [Verdict.SENT, verdict]


@pytest.mark.parametrize(("sender", "verdict"), [("s550", Verdict.OURS), ("s451", Verdict.SOFT)])
def test_a_refused_sender_is_judged_by_its_own_reply(
    server: SmtpServer, sender: str, verdict: Verdict
) -> None:
    book = Book()
    message = make_messages("h550-1")[0]._replace(sender=f"{sender}@papers.example")
    with Transport(parse_relay(server.url, 5)) as transport:
        book.send(transport, [message])
        assert book.verdicts() == [verdict]
        book.send(transport, make_messages("ok-2"))  # the reply to RCPT was read as well
    assert server.recipients() == ["ok-2@reader.example"]
    assert server.connections == 1
