"""A real SMTP server that fails on demand, for the whole suite.

What it does to a mail is chosen by the recipient's local part, up to the first "-": `ok-7@…` is
accepted, `h550-7@…` refused at RCPT. Every mail whose final dot arrived is in `accepted`, those of
`drop` and `hang` too: this is the ground truth a ledger is compared with. As a process of its own,
for tests that kill others: `python -m tests.smtp --port 0 --log accepted.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from tests.certificates import Certificate
from tests.smtp_session import REFUSALS, Accepted, Session

__all__ = ["REFUSALS", "Accepted", "SmtpServer", "closed_port"]

BANNER = "220 relay.test ESMTP"


class SmtpServer:
    """Listens on 127.0.0.1 while open. Attributes may be changed between mails, from any thread.

    `drop` closes after the dot, `hang` never answers it, `wrong` answers rubbish, `slowN` waits N
    tenths of a second. `early` closes when DATA is said, `cut` while the body arrives, and `e552`
    refuses it there. The rest is in `REFUSALS`; senders s550 and s451 are refused at MAIL.

    The server as a whole: `banner` and `banner_delay`, `trickle` (an endless slow banner), `esmtp`
    False (HELO only), `enhanced` False strips 5.1.1, `multiline` replies, `pipelining` offered,
    `users` demands AUTH, `tls` offers STARTTLS (`implicit`: TLS from the first byte), `close_after`
    N mails of one connection. `mood(recipient)` may name another behaviour than the local part
    does. Hooks: `on_rcpt(recipient)` before the reply to RCPT, `on_dot(accepted)` once a mail is
    recorded and before its reply.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        users: Mapping[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN",
        tls: Certificate | None = None,
        implicit: bool = False,
        log: Path | None = None,
    ) -> None:
        self.banner = BANNER
        self.banner_delay = 0.0
        self.trickle = False
        self.esmtp = True
        self.enhanced = True
        self.multiline = False
        self.pipelining = True
        self.injected = b""  # clear text right behind the answer to STARTTLS
        self.close_after = 0
        self.users = users or {}
        self.mechanisms = mechanisms
        self.implicit = implicit
        self.mood: Callable[[str], str] = lambda _: ""
        self.on_rcpt: Callable[[str], None] = lambda _: None
        self.on_dot: Callable[[Accepted], None] = lambda _: None
        self.accepted: list[Accepted] = []
        self.commands: list[str] = []
        self.connections = 0
        self.longest_line = 0  # octets of DATA on the wire, without CRLF
        self.stopping = threading.Event()
        self.context = tls.server_context() if tls else None
        self._log = log
        self._lock = threading.Lock()
        self._links: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> SmtpServer:
        self._start(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """An EMAIL_URL for this server; over TLS add `?cafile=`."""
        scheme = ("smtps" if self.implicit else "submission") if self.context else "smtp"
        name, password = next(iter(self.users.items()), ("", ""))
        login = f"{quote(name, safe='')}:{quote(password, safe='')}@" if name else ""
        return f"{scheme}://{login}{'localhost' if self.context else '127.0.0.1'}:{self.port}"

    def recipients(self) -> list[str]:
        """Who was sent to, in order, once for each copy."""
        return [accepted.recipient for accepted in self.accepted]

    def stop(self) -> None:
        """Close every connection at once, as a machine that goes down, and wait for the threads."""
        self.stopping.set()
        with self._lock:
            links = [self._listener, *self._links]
        for link in links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits in accept or recv
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def close_listener(self) -> None:
        """Refuse new connections; those that are open go on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._listener.close()

    def open_listener(self) -> None:
        """Listen again, on the same port."""
        if self._listener.fileno() < 0 and not self.stopping.is_set():
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._start(self._listen)

    def record(self, accepted: Accepted) -> None:
        with self._lock:
            self.accepted.append(accepted)
            if self._log:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(_as_json(accepted)) + "\n")
        self.on_dot(accepted)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self.stopping.is_set():
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._links.add(link)
            self._start(self._serve, link)

    def _serve(self, link: socket.socket) -> None:
        session = None
        try:
            if self.context and self.implicit:
                link = self.swap(link, self.context)
            session = Session(self, link)
            session.run()
        except (OSError, EOFError):
            pass
        finally:
            if session:
                link = session.link
                session.close()
            with self._lock:
                self._links.discard(link)
            link.close()

    def swap(self, plain: socket.socket, context: ssl.SSLContext) -> socket.socket:
        """Encrypt a connection, keeping it known to `stop`."""
        link = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._links.discard(plain)
            self._links.add(link)
        try:
            link.do_handshake()
        except OSError:
            link.close()
            raise
        return link


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port that refuses connections for as long as the block runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def _as_json(accepted: Accepted) -> dict[str, object]:
    return {
        "sender": accepted.sender,
        "recipient": accepted.recipient,
        "message_id": accepted.message_id,
        "data": accepted.data.decode("latin-1"),
        "at": accepted.at,
    }


def main() -> None:
    """Serve until SIGTERM, one JSON line in the log for each accepted mail; tells its port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with SmtpServer(port=options.port, log=options.log) as server:
        sys.stdout.write(f"listening on 127.0.0.1:{server.port}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
