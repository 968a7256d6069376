"""A real HTTP server that answers as told, truthfully or not: what `seen` holds is what was asked.

An answer is a `Reply`, or a function that writes what it likes to the socket: a trickle, a cut
body, an endless header. One thread and one request per connection.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from tests.certificates import Certificate


@dataclass(frozen=True)
class Seen:
    """A request as it came: `path` without the query, header names in lower case."""

    at: datetime
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What to answer. `length` lies about the body's; `packed` compresses it if gzip is taken."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    packed: bool = False

    def write(self, seen: Seen) -> bytes:
        headers, body = dict(self.headers), self.body
        if self.packed and "gzip" in seen.headers.get("accept-encoding", ""):
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body) if self.length is None else self.length)
        phrase = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


Writer = Callable[[socket.socket], None]
Handler = Callable[[Seen], "Reply | Writer"]


class HttpServer:
    """Listens on 127.0.0.1 while open; `answer` may be changed between requests."""

    def __init__(self, answer: Handler | Reply, tls: Certificate | None = None) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._context = tls.server_context() if tls else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = []
        self._links: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        scheme, host = ("https", "localhost") if self._context else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}"

    @property
    def allowed(self) -> tuple[str, int]:
        """The pair that lets a client come here."""
        return urlsplit(self.url).hostname or "", self.port

    def __enter__(self) -> HttpServer:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in list(self._links):
            with suppress(OSError):
                socket.socket.shutdown(link, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._spawn(self._serve, link)

    def _serve(self, link: socket.socket) -> None:
        self._links.add(link)
        plain = link
        try:
            link.settimeout(30)
            if self._context:
                link = self._context.wrap_socket(link, server_side=True)
                self._links.add(link)
            if seen := self._read(link):
                self.seen.append(seen)
                reply = self.answer if isinstance(self.answer, Reply) else self.answer(seen)
                if isinstance(reply, Reply):
                    link.sendall(reply.write(seen))
                else:
                    reply(link)
        except (OSError, ssl.SSLError):
            pass  # the client left: what it saw is its test's to say
        finally:
            self._links -= {link, plain}
            link.close()

    @staticmethod
    def _read(link: socket.socket) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = link.recv(65_536)
            if not more:
                return None
            data += more
        first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        parts = urlsplit(first.split(" ")[1])
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        return Seen(datetime.now(UTC), parts.path, query, headers)
