"""Who we talk to, and who hears the password."""

from __future__ import annotations

import re

import pytest

from newsletter.mail.message import Verdict
from tests.certificates import Certificate
from tests.integration.mail_transport.batch import send_batch
from tests.smtp import SmtpServer

SENT, RELAY, OURS = Verdict.SENT, Verdict.RELAY, Verdict.OURS
LOGIN = {"me@papers.example": "pä/ss:w@rd%"}


@pytest.mark.parametrize("implicit", [True, False])
def test_it_sends_over_verified_tls(certificate: Certificate, implicit: bool) -> None:
    with SmtpServer(tls=certificate, implicit=implicit, users=LOGIN) as server:
        book = send_batch(f"{server.url}?cafile={certificate.path}", "ok", "ok")
    assert book.verdicts() == [SENT, SENT]
    assert server.connections == 1


@pytest.mark.parametrize("implicit", [True, False])
def test_it_refuses_a_self_signed_certificate(certificate: Certificate, implicit: bool) -> None:
    with SmtpServer(tls=certificate, implicit=implicit, users=LOGIN) as server:
        (outcome,) = send_batch(server.url, "ok", "ok").outcomes
    assert outcome.verdict is RELAY
    assert "TLS failed" in outcome.detail
    assert "self-signed" in outcome.detail
    assert not any("AUTH" in line for line in server.commands)


def test_it_refuses_a_certificate_of_another_name(other_certificate: Certificate) -> None:
    with SmtpServer(tls=other_certificate) as server:
        (outcome,) = send_batch(f"{server.url}?cafile={other_certificate.path}", "ok").outcomes
    assert outcome.verdict is RELAY
    assert "Hostname mismatch" in outcome.detail


def test_it_sends_nothing_when_starttls_is_missing(server: SmtpServer) -> None:
    url = server.url.replace("smtp://", "submission://u:p@")
    (outcome,) = send_batch(url, "ok").outcomes
    assert (outcome.verdict, outcome.code) == (RELAY, 0)
    assert "no STARTTLS" in outcome.detail
    assert [line.split(" ")[0] for line in server.commands] == ["ehlo", "QUIT"][:1]


def test_it_refuses_text_put_in_before_the_encryption(certificate: Certificate) -> None:
    with SmtpServer(tls=certificate) as server:
        server.injected = b"250 injected\r\n"
        (outcome,) = send_batch(f"{server.url}?cafile={certificate.path}", "ok").outcomes
    assert outcome.verdict is RELAY
    assert "followed by clear text" in outcome.detail


def test_it_survives_rubbish_in_place_of_tls(server: SmtpServer) -> None:
    (outcome,) = send_batch(f"smtps://localhost:{server.port}", "ok").outcomes
    assert outcome.verdict is RELAY
    assert "TLS failed" in outcome.detail


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5 LOGIN PLAIN"])
def test_it_logs_in(mechanisms: str) -> None:
    with SmtpServer(users=LOGIN, mechanisms=mechanisms) as server:
        assert send_batch(server.url, "ok").verdicts() == [SENT]


def test_it_stops_at_a_wrong_password() -> None:
    with SmtpServer(users=LOGIN) as server:
        url = re.sub("//.*@", "//me:wrong@", server.url)
        (outcome,) = send_batch(url, "ok", "ok").outcomes
    assert (outcome.verdict, outcome.code) == (OURS, 535)
    assert server.accepted == []


def test_it_says_which_authentication_is_missing() -> None:
    with SmtpServer(users=LOGIN, mechanisms="CRAM-MD5") as server:
        (outcome,) = send_batch(server.url, "ok").outcomes
    assert outcome.verdict is RELAY
    assert "offers CRAM-MD5, and AUTH PLAIN or LOGIN is needed" in outcome.detail


def test_it_stops_where_a_password_is_demanded() -> None:
    with SmtpServer(users=LOGIN) as server:
        (outcome,) = send_batch(f"smtp://127.0.0.1:{server.port}", "ok", "ok").outcomes
    assert (outcome.verdict, outcome.code) == (OURS, 530)
