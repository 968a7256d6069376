"""SMTP in groups keeps every promise of the dialogue command by command, over any lanes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from newsletter.mail.message import Message, Verdict
from newsletter.mail.pipeline import Pipeline
from newsletter.mail.transport import Transport, parse_relay
from tests.certificates import Certificate
from tests.integration.mail_transport.batch import SENDER, Book, Stepping, make_messages
from tests.smtp import Accepted, SmtpServer

SENT, SOFT, HARD, CONTENT, RELAY, OURS, IN_DOUBT = Verdict
PASSING = {
    "ok": SENT, "h550": HARD, "t451": SOFT, "f552": SOFT, "d554": CONTENT, "d552": CONTENT,
    "d451": SOFT, "drop": IN_DOUBT, "wrong": IN_DOUBT, "slow1": SENT,
}  # fmt: skip
ENDING = {"p550": OURS, "g421": RELAY, "a515": OURS, "d421": RELAY, "early": RELAY}
LANES = (1, 3)


@pytest.fixture(autouse=True)
def _pipelining(server: SmtpServer) -> None:
    server.pipelining = True


def open_transport(
    server: SmtpServer, lanes: int, timeout: float = 5, each: int = 100
) -> Transport:
    relay = parse_relay(f"{server.url}?connections={lanes}", timeout)
    return Transport(relay, per_connection=each)


@pytest.fixture(params=LANES)
def transport(server: SmtpServer, request: pytest.FixtureRequest) -> Iterator[Transport]:
    with open_transport(server, request.param) as transport:
        yield transport


def by_id(book: Book) -> dict[int, Verdict]:
    assert len({o.delivery_id for o in book.outcomes}) == len(book.outcomes)
    return {outcome.delivery_id: outcome.verdict for outcome in book.outcomes}


def test_it_sends_a_letter_a_round_trip(server: SmtpServer, transport: Transport) -> None:
    book = Book()
    assert book.send(transport, make_messages(*["ok"] * 40))
    assert by_id(book) == dict.fromkeys(range(1, 41), SENT)
    assert len(server.recipients()) == 40
    assert 1 <= server.connections <= 3


def test_it_hands_over_the_very_bytes(server: SmtpServer, transport: Transport) -> None:
    data = b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\na.\r\n\r\n.." + b"x" * 990 + b"\r\n.\r\n"
    messages = [Message(n, SENDER, f"ok-{n}@reader.example", data) for n in range(9)]
    assert Book().send(transport, messages)
    assert [accepted.data for accepted in server.accepted] == [data] * 9


@pytest.mark.parametrize("enhanced", [True, False])
@pytest.mark.parametrize("local", sorted(PASSING))
def test_it_judges_a_fault_and_goes_on(
    server: SmtpServer, transport: Transport, local: str, enhanced: bool
) -> None:
    server.enhanced = enhanced
    book = Book()
    batch = ["ok", "ok", "ok", local, "ok", local, local, "ok", "ok"]
    assert book.send(transport, make_messages(*batch))
    assert by_id(book) == {n: PASSING[name] for n, name in enumerate(batch, 1)}
    assert all("503" not in outcome.detail for outcome in book.outcomes)


@pytest.mark.parametrize("local", sorted(ENDING))
def test_it_stops_where_the_relay_refuses_us(server: SmtpServer, local: str) -> None:
    book = Book()
    with open_transport(server, 1) as transport:
        assert book.send(transport, make_messages("ok", "ok", local, "ok", "ok")) is False
    assert by_id(book) == {1: SENT, 2: SENT, 3: ENDING[local]}
    assert server.recipients() == ["ok@reader.example"] * 2


@pytest.mark.parametrize("meanwhile", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_it_knows_of_every_letter_what_became_of_it(
    server: SmtpServer, seed: int, meanwhile: bool
) -> None:
    chance = random.Random(seed)
    kinds = ["ok"] * 8 + sorted(PASSING)
    server.close_after = chance.choice((0, 0, 1, 3, 7))
    server.multiline = chance.random() < 0.5
    batch = [f"{chance.choice(kinds)}-{n}" for n in range(60)]
    book = Book(vetoed={n for n in range(2, 61) if chance.random() < 0.1})
    with open_transport(server, chance.choice((1, 2, 4)), each=chance.choice((5, 100))) as link:
        messages = make_messages(*batch)
        assert book.send(link, Stepping(messages) if meanwhile else messages)
    found = by_id(book)
    assert found.keys() == set(range(1, 61)) - book.vetoed
    arrived = server.recipients()
    for number, name in enumerate(batch, 1):
        expected = PASSING[name.partition("-")[0]]
        copies = arrived.count(f"{name}@reader.example")
        assert found.get(number) in (None, expected)
        assert copies == (number in found and expected in (SENT, IN_DOUBT))
    assert set(book.handed()) >= {n for n, verdict in found.items() if verdict in (SENT, IN_DOUBT)}


def test_it_asks_before_mail_and_writes_the_receipt_before_the_dot(server: SmtpServer) -> None:
    book = Book()
    seen: dict[str, list[int]] = {"MAIL": [], "accepted": []}
    book.on_before = lambda: seen["MAIL"].append(sum("MAIL" in c for c in server.commands))
    with open_transport(server, 1) as transport:
        book.send(transport, make_messages(*["ok"] * 5))
    assert all(mails <= number for number, mails in enumerate(seen["MAIL"]))
    for number in range(1, 6):
        order = [book.calls.index((name, number)) for name in ("before", "handing", "done")]
        assert order == sorted(order)


def test_it_skips_who_is_vetoed(server: SmtpServer, transport: Transport) -> None:
    book = Book(vetoed={2, 3, 5})
    assert book.send(transport, make_messages("a", "b", "c", "d", "e"))
    assert sorted(server.recipients()) == ["a@reader.example", "d@reader.example"]
    assert not [line for line in server.commands if "b@" in line or "c@" in line or "e@" in line]


def test_a_letter_withdrawn_after_rcpt_gets_no_body(
    server: SmtpServer, transport: Transport
) -> None:
    book = Book(withdrawn={3, 4, 9})
    assert book.send(transport, make_messages(*[f"ok-{n}" for n in range(1, 13)]))
    assert by_id(book) == dict.fromkeys({*range(1, 13)} - {3, 4, 9}, SENT)
    assert sorted(book.handed()) == sorted(by_id(book))
    assert len(server.accepted) == 9


def test_it_hears_out_what_is_handed_over_when_the_database_goes(
    server: SmtpServer, transport: Transport
) -> None:
    book = Book()

    def permit(messages: Sequence[Message]) -> set[int]:
        if any(message.delivery_id > 6 for message in messages):
            raise OSError("the connection is closed")
        return book.permit(messages)

    with pytest.raises(OSError, match="closed"):
        transport.send(
            make_messages(*["ok"] * 12), book.before, book.handing, book.done, permit=permit
        )
    assert set(by_id(book).values()) == {SENT}
    assert sorted(by_id(book)) == sorted(book.handed())
    assert len(server.accepted) == len(book.outcomes) <= 6


def test_it_says_of_whom_it_asks_soon(server: SmtpServer) -> None:
    book, told = Book(), []
    with open_transport(server, 1) as transport:
        transport.send(
            make_messages(*["ok"] * 40),
            book.before,
            book.handing,
            book.done,
            soon=lambda some: told.append([message.delivery_id for message in some]),
        )
    assert [len(some) for some in told] == [32, 7]  # the first one goes out alone
    assert [key for some in told for key in some] == list(range(2, 41))


def test_it_says_which_letter_it_begins_while_it_hands_none_over(server: SmtpServer) -> None:
    book, begun = Book(), []
    with open_transport(server, 1) as transport:
        transport.send(
            make_messages("ok", "ok", "h550", "ok", "ok"),
            book.before,
            book.handing,
            book.done,
            begin=lambda message: begun.append((message.delivery_id, len(book.outcomes))),
        )
    # The first goes out alone, the second after its reply; the fourth follows the refused third.
    assert begun == [(1, 0), (2, 1), (4, 3)]


def test_it_begins_nothing_where_that_cannot_be_noted(server: SmtpServer) -> None:
    book = Book()

    def full(message: Message) -> None:
        if message.delivery_id == 2:
            raise OSError(28, "No space left on device")

    with open_transport(server, 1) as transport, pytest.raises(OSError, match="No space left"):
        transport.send(
            make_messages("ok", "ok", "ok"), book.before, book.handing, book.done, begin=full
        )
    assert by_id(book) == {1: SENT}
    assert server.recipients() == ["ok@reader.example"]


def test_it_is_in_doubt_when_no_reply_follows_the_dot(server: SmtpServer) -> None:
    book = Book()
    with open_transport(server, 1, timeout=0.4) as transport:
        assert book.send(transport, make_messages("ok", "ok", "hang", "ok"))
    assert by_id(book) == {1: SENT, 2: SENT, 3: IN_DOUBT, 4: SENT}
    assert book.outcomes[2].detail == "no reply within 0.4 s after the final dot"
    assert server.recipients().count("ok@reader.example") == 3


def test_it_writes_no_dot_when_the_receipt_fails(server: SmtpServer, transport: Transport) -> None:
    book = Book()

    def full(message: Message) -> None:
        book.handing(message)
        if message.delivery_id == 5:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        transport.send(
            make_messages(*[f"ok-{n}" for n in range(1, 12)]), book.before, full, book.done
        )
    found = by_id(book)
    assert 5 not in found
    assert "ok-5@reader.example" not in server.recipients()
    handed = set(book.handed()) - {5}
    assert found == dict.fromkeys(handed, SENT)
    assert len(server.recipients()) == len(handed)


def test_it_reports_doubt_when_interrupted_after_the_dot(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interruption(BaseException):
        pass

    waiting = threading.Event()

    def hold(accepted: Accepted) -> None:
        if accepted.recipient.startswith("c"):
            waiting.set()
            server.stopping.wait(0.3)

    server.on_dot = hold
    hear = Pipeline._wait

    def interrupt(pipeline: Pipeline[Any]) -> None:
        server.stopping.wait(0.05)  # long enough for the relay to take what was written
        if waiting.is_set():
            raise Interruption
        hear(pipeline)

    monkeypatch.setattr(Pipeline, "_wait", interrupt)
    book = Book()
    with open_transport(server, 1) as transport, pytest.raises(Interruption):
        book.send(transport, make_messages("a", "b", "c", "d", "e"))
    assert by_id(book) == {1: SENT, 2: SENT, 3: IN_DOUBT}
    assert book.outcomes[-1].detail == "interrupted after the final dot"
    assert book.handed() == [1, 2, 3]


def test_it_refuses_what_cannot_go_out(server: SmtpServer, transport: Transport) -> None:
    bad = Message(3, SENDER, "üser@example.org", b"a\r\n")
    first, second, *_, last = make_messages("ok", "ok", "x", "ok")
    book = Book()
    assert book.send(transport, [first, second, bad, last])
    assert by_id(book) == {1: SENT, 2: SENT, 3: CONTENT, 4: SENT}


@pytest.mark.parametrize("size", [200, 8_000_000])
def test_it_hears_a_refusal_within_the_letter(server: SmtpServer, size: int) -> None:
    (big,) = make_messages("e552", size=size)
    first, second, *_ = make_messages("ok", "ok")
    book = Book()
    with open_transport(server, 1) as transport:
        assert book.send(transport, [first, big._replace(delivery_id=9), second])
    assert by_id(book) == {1: SENT, 9: CONTENT, 2: SENT}
    assert size == 200 or 9 not in book.handed()  # of the long one no dot was written


def test_it_opens_new_connections_for_stale_ones(server: SmtpServer, transport: Transport) -> None:
    book = Book()
    assert book.send(transport, make_messages(*["ok"] * 12))
    for link in list(server._links):
        link.shutdown(2)
    again = Book()
    assert again.send(transport, make_messages(*["ok"] * 12))
    assert again.verdicts() == [SENT] * 12
    assert len(server.accepted) == 24


def test_it_says_what_a_relay_that_went_away_was_at(server: SmtpServer) -> None:
    book = Book()
    with open_transport(server, 2, timeout=2) as transport:
        book.send(transport, make_messages("ok", "ok"))
        server.stop()
        assert book.send(transport, make_messages("ok", "ok", "ok")) is False
    assert book.outcomes[2].verdict is RELAY
    assert len(book.outcomes) == 3


def test_it_pipelines_over_tls(certificate: Certificate) -> None:
    with SmtpServer(tls=certificate, users={"paper": "round"}) as server:
        server.pipelining = True
        url = f"{server.url}?cafile={certificate.path}&connections=2"
        with Transport(parse_relay(url, 5)) as transport:
            book = Book()
            assert book.send(transport, make_messages(*["ok", "h550"] * 10, size=60_000))
        assert by_id(book) == {n: SENT if n % 2 else HARD for n in range(1, 21)}
