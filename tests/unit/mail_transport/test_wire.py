"""A message as octets: addresses, flaws, dots."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.message import Message
from newsletter.mail.wire import find_flaw, to_wire, wire_address

SENDER = "bounces@papers.example"


def make(recipient: str = "a@b.example", data: bytes = b"A: b\r\n\r\nc\r\n") -> Message:
    return Message(1, SENDER, recipient, data)


@given(st.lists(st.sampled_from([b".", b"..", b"", b".a", b"a.", b"a"]), min_size=1))
def test_it_stuffs_dots_so_that_unstuffing_gives_the_same(lines: list[bytes]) -> None:
    data = b"".join(line + b"\r\n" for line in lines)
    wire = to_wire(data)
    assert re.sub(rb"(?m)^\.", b"", wire) == data
    assert b"\r\n.\r\n" not in b"\r\n" + wire


def test_it_ends_the_last_line() -> None:
    assert to_wire(b"a") == b"a\r\n"
    assert to_wire(b"") == b""


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("a@b.example", "a@b.example"),
        ("", ""),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@faß.example", "a@xn--fa-hia.example"),  # IDNA 2008: the codec's "fass" is another's
    ],
)
def test_it_writes_an_address_in_ascii(address: str, wire: str) -> None:
    assert wire_address(address) == wire


@pytest.mark.parametrize(
    ("recipient", "flaw"),
    [
        ("üser@example.org", "SMTPUTF8"),
        ("a\r\nDATA@b.example", "SMTP path"),
        ("a b@b.example", "SMTP path"),
        ("a>@b.example", "SMTP path"),
        ("ü", "no mail address"),
        ("", "no recipient"),
    ],
)
def test_it_finds_an_address_that_cannot_go_out(recipient: str, flaw: str) -> None:
    assert flaw in find_flaw(make(recipient))


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"a\nb\r\n", "CRLF"),
        (b"a\rb\r\n", "CRLF"),
        (b"a\r\n\n.\r\n", "CRLF"),
        ("ü\r\n".encode(), "8-bit"),
        (b"a" * 999 + b"\r\n", "998"),
    ],
)
def test_it_finds_octets_that_cannot_go_out(data: bytes, flaw: str) -> None:
    assert flaw in find_flaw(make(data=data))


def test_it_finds_nothing_in_a_sound_letter() -> None:
    assert find_flaw(make(data=b"a" * 998 + b"\r\n.\r\n..\r\n")) == ""
