"""Connections opened in the background: a handshake is round trips, no lane waits for another's.

A thread each, as a handshake waits in a dozen places: the name's look-up, TCP, the banner, EHLO,
STARTTLS, AUTH. No letter is in a connection that opens or leaves, so whatever ends one of these
threads, also the process's end, is in no letter's way.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar

from newsletter.mail.connection import Connection


class Dialogue(Protocol):
    """A connection past EHLO, TLS and AUTH; `is_open`: of a refused letter a transaction is."""

    carried: int
    is_open: bool

    connection: Connection

    def has_extn(self, opt: str) -> bool: ...

    def close(self) -> None: ...

    def leave(self) -> None: ...


D = TypeVar("D", bound=Dialogue)


class Openings(Generic[D]):
    """Opens connections by `connect`; the selectable `fileno()` is readable once one has come.

    Made, asked and closed by one thread. `pending` counts those begun and not yet taken.
    """

    def __init__(self, connect: Callable[[], D]) -> None:
        self.pending = 0
        self._connect = connect
        self._come: deque[D | Exception] = deque()
        self._closed = False
        self._lock = Lock()  # a connection that comes as all is closed must not stay open
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._button.setblocking(False)

    def fileno(self) -> int:
        """Return the bell's number, for selectors."""
        return self._bell.fileno()

    def begin(self, leaving: D | None = None) -> None:
        """Open one, `leaving` another first: a relay counts the connections of a client."""
        self.pending += 1
        _start(lambda: self._open(leaving))

    def leave(self, dialogue: D) -> None:
        """Say QUIT over one and close it."""
        _start(lambda: _leave(dialogue))

    def take(self) -> list[D | Exception]:
        """Return what has come since: connections, and why one did not come."""
        with suppress(BlockingIOError):
            while len(self._bell.recv(64)) == 64:
                pass
        taken = []
        while self._come:
            taken.append(self._come.popleft())
        self.pending -= len(taken)
        return taken

    def close(self) -> None:
        """Close without a word what has come and was not taken, and what is still to come."""
        with self._lock:
            self._closed = True
        for each in self.take():
            if not isinstance(each, Exception):
                each.close()
        self._bell.close()
        self._button.close()

    def _open(self, leaving: D | None) -> None:
        found: D | Exception
        try:
            if leaving is not None:
                _leave(leaving)
            found = self._connect()
        except Exception as error:  # raised again where it is taken
            found = error
        with self._lock:
            if not self._closed:
                self._come.append(found)
                with suppress(BlockingIOError):  # a bell that was rung so often is heard
                    self._button.send(b"\0")
            elif not isinstance(found, Exception):
                found.close()


def _start(work: Callable[[], None]) -> None:
    try:
        Thread(target=work, name="connection", daemon=True).start()
    except RuntimeError:  # no thread is to be had: then all wait for this one
        work()


def _leave(dialogue: D) -> None:
    dialogue.leave()
    dialogue.close()
