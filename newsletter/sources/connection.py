"""One connection: to addresses that were checked, and cut at a deadline whatever it waits for."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Literal

from urllib3.connection import HTTPConnection, HTTPSConnection

from newsletter.sources.addresses import Pinned

ErrorKind = Literal["refused", "unreachable", "timeout", "too_large", "cut"]


class FetchError(Exception):
    """A request without an answer: one line on why, and what the server sent, cut short."""

    def __init__(self, kind: ErrorKind, text: str, sample: bytes = b"") -> None:
        super().__init__(text)
        self.kind = kind
        self.sample = sample


class Deadline:
    """Ends a request at its time, whatever it waits for: the connection is shut under its reader.

    A duplicate of the socket is held, because TLS moves the connection into another object.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self.release()

    def left(self) -> float:
        """Return the seconds left; FetchError where there are none."""
        left = self._ends - time.monotonic()
        if self.passed or left <= 0:
            raise self.error()
        return left

    def watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._socket = connection.dup()

    def release(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None

    def error(self) -> FetchError:
        return FetchError("timeout", f"no whole answer in {self.seconds:.0f} seconds")

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class PinnedConnection(HTTPConnection):
    """Connects to the addresses that were checked, and asks no resolver again."""

    addresses: list[Pinned]
    deadline: Deadline
    connect_seconds: float

    def _new_conn(self) -> socket.socket:
        last: OSError | None = None
        for pinned in self.addresses:
            made = socket.socket(pinned.family, socket.SOCK_STREAM)
            try:
                made.settimeout(min(self.connect_seconds, self.deadline.left()))
                made.connect(pinned.sockaddr)
                self.deadline.watch(made)
            except OSError as error:
                made.close()
                last = error
            except FetchError:
                made.close()
                raise
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return made
        raise last or OSError("no address")


class PinnedTlsConnection(PinnedConnection, HTTPSConnection):
    """The same with TLS, which names and checks the host, not the address."""
