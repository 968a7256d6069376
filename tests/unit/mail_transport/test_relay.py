"""EMAIL_URL read into a relay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from newsletter.mail.relay import is_loopback
from newsletter.mail.transport import Relay, parse_relay


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example", Relay("mail.example", 25, "", "", "none", 9)),
        ("smtp://localhost:2525/", Relay("localhost", 2525, "", "", "none", 9)),
        ("smtp://a:b@127.0.0.1", Relay("127.0.0.1", 25, "a", "b", "none", 9)),
        ("smtp://a:b@[::1]:26", Relay("::1", 26, "a", "b", "none", 9)),
        ("smtp+tls://m.example", Relay("m.example", 587, "", "", "starttls", 9)),
        ("smtp+starttls://m.example", Relay("m.example", 587, "", "", "starttls", 9)),
        ("submission://u:p@m.example", Relay("m.example", 587, "u", "p", "starttls", 9)),
        ("smtps://u:p@m.example", Relay("m.example", 465, "u", "p", "tls", 9)),
        (
            "smtps://me%40x.example:p%2Fa%3As%25s@m.example:2465",
            Relay("m.example", 2465, "me@x.example", "p/a:s%s", "tls", 9),
        ),
        (
            "smtp://m.example?hello=out.example",
            Relay("m.example", 25, "", "", "none", 9, hello="out.example"),
        ),
    ],
)
def test_it_reads_a_url(url: str, relay: Relay) -> None:
    assert parse_relay(url, timeout=9) == relay


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("", "unknown scheme"),
        ("mail.example:25", "unknown scheme"),
        ("http://mail.example", "unknown scheme"),
        ("smtp://", "one host alone"),
        ("smtp://mail.example/inbox", "one host alone"),
        ("smtp://mail.example:0", "one host alone"),
        ("smtp://mail.example:99999", "readable host and port"),
        ("smtps://u:sec/ret@mail.example", "percent-encode"),
        ("smtps://u@mail.example", "both a user and a password"),
        ("smtps://:secret@mail.example", "both a user and a password"),
        ("smtp://u:secret@mail.example", "clear text: write submission://"),
        ("smtp://u:secret@localhost.example", "clear text"),
        ("smtps://u:secret@mail.example?timeout=3", "unknown option 'timeout'"),
        ("smtps://u:secret@mail.example?cafile=/no/such.pem", "is no file"),
        ("smtp://mail.example?cafile=/no/such.pem", "without TLS"),
        ("smtp://mail.example?hello=a%0Ab", "no host name"),
    ],
)
def test_it_refuses_a_url_and_says_the_mend(url: str, mend: str) -> None:
    with pytest.raises(ValueError, match=re.escape(mend)) as refusal:
        parse_relay(url, timeout=9)
    assert "sec" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_it_reads_the_private_authority(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.touch()
    assert parse_relay(f"smtps://m.example?cafile={path}", timeout=9).cafile == str(path)


def test_it_never_shows_the_password() -> None:
    relay = parse_relay("smtps://u:topsecret@mail.example", timeout=9)
    assert "topsecret" not in f"{relay} {relay!r}"


@pytest.mark.parametrize("timeout", [0, -1])
def test_it_demands_a_timeout(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        parse_relay("smtp://localhost", timeout)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("localhost.example", False),
    ],
)
def test_it_knows_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) is here
