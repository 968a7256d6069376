"""Every fault of a relay gives the outcome of its phase."""

from __future__ import annotations

import time

import pytest

from newsletter.mail.message import Verdict
from newsletter.mail.transport import Transport, parse_relay
from tests.integration.mail_transport.batch import SENDER, Book, make_messages, send_batch
from tests.smtp import SmtpServer, closed_port

SENT, SOFT, HARD, CONTENT, RELAY, OURS, IN_DOUBT = Verdict


@pytest.fixture(autouse=True)
def _one_by_one(server: SmtpServer) -> None:
    server.pipelining = False


@pytest.mark.parametrize(
    ("local", "verdict", "code", "bare_verdict"),
    [
        ("ok", SENT, 250, SENT),
        ("h550", HARD, 550, HARD),
        ("t451", SOFT, 451, SOFT),
        ("p550", OURS, 550, HARD),  # without 5.7.1 nothing tells it from an unknown user
        ("f552", SOFT, 552, SOFT),
        ("r550", OURS, 550, OURS),
        ("g421", RELAY, 421, RELAY),
        ("d554", CONTENT, 554, CONTENT),
        ("d552", CONTENT, 552, CONTENT),
        ("d451", SOFT, 451, SOFT),
        ("a515", OURS, 550, OURS),
        ("d421", RELAY, 421, RELAY),
        ("early", RELAY, 0, RELAY),
        ("drop", IN_DOUBT, 0, IN_DOUBT),
        ("wrong", IN_DOUBT, 0, IN_DOUBT),
        ("slow2", SENT, 250, SENT),
    ],
)
@pytest.mark.parametrize("style", ["plain", "multiline", "not enhanced", "HELO only"])
def test_it_judges_a_fault(
    server: SmtpServer, style: str, local: str, verdict: Verdict, code: int, bare_verdict: Verdict
) -> None:
    server.multiline = style == "multiline"
    server.enhanced = style != "not enhanced"
    server.esmtp = style != "HELO only"
    (outcome,) = send_batch(server.url, local).outcomes
    assert outcome.verdict is (verdict if server.enhanced else bare_verdict)
    assert (outcome.delivery_id, outcome.code) == (1, code)
    assert outcome.detail
    assert len(server.accepted) == (verdict in {SENT, IN_DOUBT})


def test_it_is_in_doubt_when_no_reply_follows_the_dot(server: SmtpServer) -> None:
    book = send_batch(server.url, "hang", "ok", timeout=0.3)
    assert book.verdicts() == [IN_DOUBT, SENT]
    assert book.outcomes[0].detail == "no reply within 0.3 s after the final dot"
    assert server.recipients() == ["hang@reader.example", "ok@reader.example"]


def test_it_goes_on_after_a_mail_in_doubt(server: SmtpServer) -> None:
    book = send_batch(server.url, "ok", "drop", "ok", "drop", "ok")
    assert book.verdicts() == [SENT, IN_DOUBT, SENT, IN_DOUBT, SENT]
    assert server.connections == 3
    assert len(server.accepted) == 5


@pytest.mark.parametrize("local", ["h550", "t451", "d451", "d552", "d554"])
def test_it_goes_on_after_a_refusal(server: SmtpServer, local: str) -> None:
    book = send_batch(server.url, "ok", local, "ok")
    assert book.verdicts()[::2] == [SENT, SENT]
    assert server.connections == 1
    assert "503" not in "".join(outcome.detail for outcome in book.outcomes)


@pytest.mark.parametrize("local", ["g421", "early", "d421", "p550", "a515"])
def test_it_offers_nothing_after_the_relay_said_no(server: SmtpServer, local: str) -> None:
    book = Book()
    with Transport(parse_relay(server.url, 5)) as transport:
        assert book.send(transport, make_messages("ok", local, "ok", "ok")) is False
    assert [outcome.delivery_id for outcome in book.outcomes] == [1, 2]
    assert server.recipients() == ["ok@reader.example"]


def test_it_knows_a_letter_cut_short_from_one_in_doubt(server: SmtpServer) -> None:
    book = Book()
    with Transport(parse_relay(server.url, 5)) as transport:
        assert not book.send(transport, make_messages("cut", "ok", size=8_000_000))
    assert book.verdicts() == [RELAY]
    assert book.outcomes[0].detail.endswith("before the final dot")
    assert book.handed() == []


def test_it_ends_a_small_letter_cut_short_in_doubt_at_worst(server: SmtpServer) -> None:
    """The dot may have left this machine before the news came that nobody reads it."""
    (outcome,) = send_batch(server.url, "cut").outcomes
    assert outcome.verdict in {RELAY, IN_DOUBT}
    assert server.accepted == []


@pytest.mark.parametrize("size", [200, 8_000_000])
def test_it_hears_a_refusal_within_the_letter(server: SmtpServer, size: int) -> None:
    book = Book()
    with Transport(parse_relay(server.url, 5)) as transport:
        assert book.send(transport, [*make_messages("e552", size=size), *make_messages("ok")])
    assert book.verdicts() == [CONTENT, SENT]
    assert book.outcomes[0].code == 552
    assert len(server.accepted) == 1
    assert size == 200 or len(book.handed()) == 1  # of the long one no dot was written


@pytest.mark.parametrize(("local", "verdict"), [("s550", OURS), ("s451", SOFT)])
def test_it_never_blames_the_reader_for_our_sender(
    server: SmtpServer, local: str, verdict: Verdict
) -> None:
    (message,) = make_messages("ok")
    message = type(message)(1, f"{local}@papers.example", message.recipient, message.data)
    book = Book()
    with Transport(parse_relay(server.url, 5)) as transport:
        book.send(transport, [message])
    assert book.verdicts() == [verdict]
    assert message.sender != SENDER


@pytest.mark.parametrize(
    ("banner", "verdict", "code"),
    [
        ("421 4.3.2 going down", RELAY, 421),
        ("554 no SMTP service here", RELAY, 554),
        ("554 5.7.1 your address is blocked", OURS, 554),
        ("HTTP/1.1 400 Bad Request", RELAY, 0),
        ("", RELAY, 0),
    ],
)
def test_it_judges_a_banner(server: SmtpServer, banner: str, verdict: Verdict, code: int) -> None:
    server.banner = banner
    book = send_batch(server.url, "ok", "ok")
    assert [(o.delivery_id, o.verdict, o.code) for o in book.outcomes] == [(1, verdict, code)]
    assert book.calls == [("done", 1)]


def test_it_says_that_nobody_listens() -> None:
    with closed_port() as port:
        (outcome,) = send_batch(f"smtp://127.0.0.1:{port}", "ok", "ok").outcomes
    assert (outcome.verdict, outcome.code) == (RELAY, 0)
    assert f"127.0.0.1 port {port}" in outcome.detail
    assert "refused" in outcome.detail


def test_it_says_that_a_host_has_no_address() -> None:
    (outcome,) = send_batch("smtp://no-such-host.invalid", "ok").outcomes
    assert outcome.verdict is RELAY


@pytest.mark.parametrize("fault", ["silent", "trickle"])
def test_it_waits_no_longer_than_the_timeout(server: SmtpServer, fault: str) -> None:
    server.banner_delay = 30 if fault == "silent" else 0
    server.trickle = fault == "trickle"  # each read succeeds in time; the reply never ends
    began = time.monotonic()
    book = send_batch(server.url, "ok", timeout=0.5)
    assert time.monotonic() - began < 2
    assert book.verdicts() == [RELAY]
    assert book.outcomes[0].detail == "no reply within 0.5 s while connecting"


def test_it_waits_for_a_slow_banner(server: SmtpServer) -> None:
    server.banner_delay = 0.3
    assert send_batch(server.url, "ok").verdicts() == [SENT]


def test_it_comes_back_when_the_relay_does(server: SmtpServer) -> None:
    book = Book()
    with Transport(parse_relay(server.url, 5)) as transport:
        server.banner = "421 4.3.2 going down"
        assert not book.send(transport, make_messages("ok"))
        server.banner = "220 relay.test ESMTP"
        assert book.send(transport, make_messages("ok"))
    assert book.verdicts() == [RELAY, SENT]


def test_it_checks_a_relay_without_mailing(server: SmtpServer) -> None:
    with Transport(parse_relay(server.url, 5)) as transport:
        assert transport.check() is None
    server.banner = "421 4.3.2 going down"
    with Transport(parse_relay(server.url, 5)) as transport:
        outcome = transport.check()
    assert outcome is not None
    assert (outcome.delivery_id, outcome.verdict) == (0, RELAY)
    assert server.accepted == []
