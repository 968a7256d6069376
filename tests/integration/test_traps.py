"""What once broke other people's mail, tried on the bytes that an SMTP server received."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from pytest_django import Settings

from newsletter.days import run_day
from newsletter.models import Delivery, Paper
from subscribers.models import Subscriber
from tests.factories import MORNING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
RELAY = Path(__file__).resolve().parents[2] / "docs" / "relay.md"
KEPT = ("From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe")


def mail_day(server: SmtpServer) -> tuple[bytes, EmailMessage]:
    """The one letter of the day as the server took it, raw and parsed."""
    run_day(None, MORNING, everyone=True)
    (mail,) = server.accepted
    parsed: EmailMessage = message_from_bytes(mail.data, policy=policy.default)
    return mail.data, parsed


def read_part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("control", ["\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u202e"])
def test_t1_controls_in_a_title_break_no_header(server: SmtpServer, control: str) -> None:
    subscribe()
    store(f"{RL}{control}Bcc: x@example.org")
    Paper.objects.update(title=f"{RL}{control}Bcc: x@example.org")
    _, mail = mail_day(server)
    assert all(len(mail.get_all(name, [])) == 1 for name in KEPT)
    assert mail["Bcc"] is None
    assert mail["List-Unsubscribe"].strip().startswith("<http")


def test_t2_the_relay_is_told_to_sign_what_unsubscribes(server: SmtpServer) -> None:
    subscribe()
    store(RL)
    _, mail = mail_day(server)
    signed = re.search(r"^SignHeaders \*,(.+)$", RELAY.read_text(encoding="utf-8"), re.MULTILINE)
    assert signed
    for name in re.findall(r"\+([\w-]+)", signed[1]):
        assert len(mail.get_all(name, [])) == 1, f"{name} is to be signed and is not there once"
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(
        signed[1].replace("+", "").split(",")
    )


def test_t3_dark_mode_survives_inlining(server: SmtpServer) -> None:
    subscribe()
    store(RL)
    html = read_part(mail_day(server)[1], "html")
    dark = html.split("prefers-color-scheme")[1].split("</style>")[0]
    assert dark.count("!important") >= 5


def test_t4_a_silent_relay_does_not_hold_the_worker(server: SmtpServer, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    subscribe(email="hang@reader.example")
    store(RL)
    assert run_day(None, MORNING, everyone=True).seconds < 5
    assert Delivery.objects.get().state == "in_doubt"


@pytest.mark.parametrize(
    ("local", "state"),
    [("h550", "failed"), ("t451", "deferred"), ("g421", "queued"), ("drop", "in_doubt")],
)
def test_t5_refusals_are_told_apart_by_code_and_phase(
    server: SmtpServer, local: str, state: str
) -> None:
    subscribe(email=f"{local}@reader.example")
    store(RL)
    run_day(None, MORNING, everyone=True)
    assert Delivery.objects.get().state == state


def test_t6_an_address_that_would_be_another_is_not_mailed(server: SmtpServer) -> None:
    reader = subscribe()
    Subscriber.objects.filter(pk=reader).update(email="üser@reader.example")
    store(RL)
    run_day(None, MORNING, everyone=True)
    delivery = Delivery.objects.get()
    assert (server.accepted, delivery.state) == ([], "failed")
    assert "üser" in delivery.detail


def test_t7_nothing_needs_8bit_and_no_line_is_long(server: SmtpServer) -> None:
    subscribe()
    store(f"{RL} – Überlänge {'x' * 1200}")
    data, mail = mail_day(server)
    assert data.isascii()
    assert {part["Content-Transfer-Encoding"] for part in mail.iter_parts()} == {"quoted-printable"}
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert len(mail["Subject"]) <= 150


def test_t12_an_abstract_is_text(server: SmtpServer) -> None:
    subscribe()
    store(RL, abstract="Where a < b and $x_{1}<y$ & c, learning <script>alert(1)</script> helps.")
    _, mail = mail_day(server)
    text, html = read_part(mail, "plain"), read_part(mail, "html")
    assert "a < b and x₁<y & c" in text
    assert "a &lt; b and x₁&lt;y &amp; c" in html
    assert "<script" not in html


def test_t14_celery_comes_with_what_its_redis_transport_needs() -> None:
    locked = (RELAY.parents[1] / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert re.search(r"^packaging==", locked, re.MULTILINE)
    assert re.search(r"^redis==", locked, re.MULTILINE)
