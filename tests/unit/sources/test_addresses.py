"""Only public addresses over https are fetched from, whatever a name says they are."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from newsletter.sources.addresses import Policy, RefusedAddressError, check_url, is_public
from newsletter.sources.connection import FetchError
from newsletter.sources.http import Get, fetch, read_wait
from tests.http_server import HttpServer, Reply

PUBLIC = ["93.184.216.34", "151.101.3.42", "2606:2800:220:1::1", "64:ff9b::5db8:d822"]
PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1", "192.0.0.8", "192.168.1.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.7", "224.0.0.251", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
    "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_it_takes_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_it_refuses_every_other_address(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://arxiv.org/", "ftp://arxiv.org/", "file:///etc/passwd", "//arxiv.org/", "arxiv.org",
        "https://user@arxiv.org/", "https://arxiv.org@127.0.0.1/", "https://", "https:///x",
        "https:\\\\arxiv.org/", "https://arxiv.org/\r\nHost: x", "https://arxiv.org/a b",
        "https://arxiv.org:99999/", "https://[::1", "https://аrxiv.org/", "gopher://arxiv.org:70/",
    ],
)  # fmt: skip
def test_it_refuses_odd_addresses(url: str) -> None:
    with pytest.raises(RefusedAddressError):
        check_url(url, Policy())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_it_connects_nowhere_private_whatever_the_spelling(host: str) -> None:
    with HttpServer(Reply(b"inside")) as server:
        with pytest.raises(FetchError) as caught:
            fetch(Get(f"https://{host}:{server.port}/", "test"))
        assert server.connections == 0
    assert caught.value.kind in ("refused", "unreachable")


def test_it_refuses_a_name_with_one_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(FetchError, match=r"papers\.example is 127\.0\.0\.1"):
        fetch(Get("https://papers.example/", "test"))


def test_it_asks_the_resolver_once_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time (rebinding) gets no second time."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, **options: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with HttpServer(Reply(b"first")) as server:
        policy = Policy(frozenset({("papers.example", server.port)}))
        got = fetch(Get(f"http://papers.example:{server.port}/", "test"), policy)
    assert got.body == b"first"
    assert asked == ["papers.example"]
    assert server.seen[0].headers["host"] == f"papers.example:{server.port}"


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "limit", "seconds"),
    [
        ("120", "", 120.0),
        ("Fri, 20 Nov 2026 12:05:00 GMT", "", 300.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", "", 0.0),
        ("99999999999999", "", 86_400.0),
        ("Fri, 20 Nov 2099 12:00:00 GMT", "", 86_400.0),
        ("soon", "", None),
        ("-5", "", None),
        ("", '"api";r=0;t=55', 55.0),
        ("", '"api";r=12;t=55', None),
        ("", "", None),
    ],
)
def test_it_reads_how_long_to_wait(header: str, limit: str, seconds: float | None) -> None:
    assert read_wait(header, limit, NOW) == seconds
