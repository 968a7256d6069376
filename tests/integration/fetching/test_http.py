"""One GET against real servers on loopback, honest and hostile ones."""

from __future__ import annotations

import gzip
import resource
import socket
import time
import zlib
from pathlib import Path

import pytest

from newsletter.sources.addresses import Policy
from newsletter.sources.connection import FetchError
from newsletter.sources.http import Fetched, Get, Limits, fetch
from tests.certificates import make_certificate
from tests.http_server import HttpServer, Reply, Seen

AGENT = "PaperRound/test (+https://papers.example.org)"
QUICK = Limits(seconds=1.5, connect=1, silence=1, wire=200_000, body=400_000)
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def get(server: HttpServer, path: str = "/", limits: Limits = QUICK, **fields: object) -> Fetched:
    wanted = Get(f"{server.url}{path}", AGENT, **fields)  # type: ignore[arg-type]
    return fetch(wanted, Policy(frozenset({server.allowed})), limits)


def fail(server: HttpServer, limits: Limits = QUICK) -> FetchError:
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        get(server, limits=limits)
    assert time.monotonic() - started < limits.seconds + 1
    return caught.value


def test_it_fetches_a_body_and_says_who_asks() -> None:
    with HttpServer(Reply(b"papers" * 1000, headers={"ETag": '"a"'}, packed=True)) as server:
        answer = get(server, "/list?day=2026-11-20", accept="application/json")
    assert (answer.status, answer.body, answer.etag) == (200, b"papers" * 1000, '"a"')
    (seen,) = server.seen
    assert seen.headers["user-agent"] == AGENT
    assert seen.headers["accept"] == "application/json"
    assert seen.query == {"day": "2026-11-20"}


def test_it_asks_only_for_what_changed() -> None:
    def answer(seen: Seen) -> Reply:
        return Reply(status=304 if seen.headers.get("if-none-match") == '"a"' else 200)

    with HttpServer(answer) as server:
        assert get(server).status == 200
        assert get(server, etag='"a"', last_modified="Fri, 20 Nov 2026 00:00:00 GMT").status == 304
    assert server.seen[1].headers["if-modified-since"] == "Fri, 20 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_it_hands_over_refusals_with_what_they_say(status: int) -> None:
    reply = Reply(b"why" * 30_000, status, {"X-Error-Message": "no such day", "Retry-After": "90"})
    with HttpServer(reply) as server:
        answer = get(server)
    assert (answer.status, answer.said, answer.retry_after) == (status, "no such day", 90.0)
    assert len(answer.body) <= 65_536


def test_it_follows_redirects_and_checks_each() -> None:
    with HttpServer(Reply(b"here")) as end, HttpServer(Reply()) as start:
        start.answer = Reply(status=301, headers={"Location": f"{end.url}/moved"})
        with pytest.raises(FetchError, match="not encrypted") as caught:
            get(start)
        assert caught.value.kind == "refused"
        assert end.connections == 0
        both = Policy(frozenset({start.allowed, end.allowed}))
        secrets = {"Authorization": "Bearer s3cret"}
        answer = fetch(Get(start.url, AGENT, secrets=secrets), both, QUICK)
    assert (answer.body, answer.url) == (b"here", f"{end.url}/moved")
    assert start.seen[-1].headers["authorization"] == "Bearer s3cret"
    assert "authorization" not in end.seen[-1].headers


def test_it_stops_after_three_redirects() -> None:
    with HttpServer(lambda seen: Reply(status=302, headers={"Location": "/again"})) as server:
        assert "more than 3 redirects" in str(fail(server))
    assert len(server.seen) == 4


def test_it_speaks_tls_and_checks_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    with HttpServer(Reply(b"secret"), tls=certificate) as server:
        error = fail(server)
        assert error.kind == "unreachable"
        assert "certificate" in str(error)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert get(server).body == b"secret"
    stranger = make_certificate(tmp_path, "stranger.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.path))
    with HttpServer(Reply(b"secret"), tls=stranger) as server:
        assert "localhost" in str(fail(server))
    assert not server.seen


def test_it_refuses_a_body_that_is_cut() -> None:
    with HttpServer(Reply(b"half", length=8)) as server:
        assert fail(server).kind == "cut"
        server.answer = lambda _: (
            lambda s: s.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        )
        assert fail(server).kind == "cut"
        packed = gzip.compress(b"whole" * 5000)[:-12]
        server.answer = Reply(packed, headers={"Content-Encoding": "gzip"})
        assert "no end" in str(fail(server))
        server.answer = Reply(b"x", headers={"Content-Encoding": "br"})
        assert "'br'" in str(fail(server))
        server.answer = Reply(b"not gzip", headers={"Content-Encoding": "gzip"})
        assert "no whole gzip" in str(fail(server))


def test_it_refuses_too_many_bytes() -> None:
    def endless(link: socket.socket) -> None:
        link.sendall(HEAD + b"\r\n")
        while True:
            link.sendall(b"x" * 65_536)

    with HttpServer(Reply(b"x", length=10**12)) as server:
        assert fail(server).kind == "too_large"
        server.answer = lambda _: endless
        assert fail(server).kind == "too_large"
        server.answer = Reply(gzip.compress(b"0" * 400_001), headers={"Content-Encoding": "gzip"})
        assert "unpacks to more" in str(fail(server))


def test_it_survives_a_decompression_bomb() -> None:
    """A gibibyte of zeros is a few megabytes on the wire."""
    packer = zlib.compressobj(1, wbits=31)
    zeros = bytes(1024**2)
    bomb = b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()
    with HttpServer(Reply(bomb, headers={"Content-Encoding": "gzip"})) as server:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        limits = Limits(seconds=15, wire=16 * 1024**2, body=8 * 1024**2)
        assert fail(server, limits).kind == "too_large"
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000  # KiB


def drip(data: bytes, seconds: float = 0.1) -> object:
    """Write a byte at a time, and never fall silent."""

    def write(link: socket.socket) -> None:
        link.sendall(data[:1])
        for byte in data[1:] + b"y" * 10_000:
            time.sleep(seconds)
            link.sendall(bytes([byte]))

    return write


@pytest.mark.parametrize(
    "data",
    [HEAD + b"X-Slow: ", HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n4;ext="],
    ids=["header", "body", "chunk"],
)
def test_it_does_not_wait_for_a_slow_loris(data: bytes) -> None:
    def write(link: socket.socket) -> None:
        link.sendall(data)
        drip(b"a")(link)  # type: ignore[operator]

    with HttpServer(lambda _: write) as server:
        error = fail(server)
    assert (error.kind, str(error)) == ("timeout", "no whole answer in 2 seconds")


def test_it_does_not_wait_for_silence() -> None:
    quiet = Limits(seconds=5, silence=0.5)
    with HttpServer(Reply()) as server:
        server.answer = lambda _: lambda link: (server.stopping.wait(20), None)[1]
        error = fail(server, quiet)
    assert (error.kind, str(error)) == ("timeout", "127.0.0.1 was silent for too long")


def test_it_does_not_wait_for_a_handshake() -> None:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        allowed = Policy(frozenset({("127.0.0.1", port)}))
        with pytest.raises(FetchError) as caught:
            fetch(Get(f"https://127.0.0.1:{port}/", AGENT), allowed, QUICK)
    assert caught.value.kind == "timeout"


def test_it_refuses_endless_headers() -> None:
    def write(link: socket.socket) -> None:
        link.sendall(HEAD)
        while True:
            link.sendall(b"X-Many: " + b"x" * 1000 + b"\r\n")

    with HttpServer(lambda _: write) as server:
        assert fail(server).kind == "cut"


def test_it_uses_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer(Reply(b"proxied")) as proxy, HttpServer(Reply(b"direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert get(server).body == b"direct"
    assert proxy.connections == 0


def test_it_says_when_nobody_listens() -> None:
    with HttpServer(Reply()) as server:
        pass
    error = fail(server)
    assert error.kind == "unreachable"
    assert "refused" in str(error)
