"""One connection to a relay, below SMTP's commands: reach, encrypt, write, read a reply.

Each step has the relay's timeout as a whole. smtplib's timeout bounds each read, so a relay that
sends one octet a minute would hold a worker for ever. Every way to lose the link is an `Ended`.
"""

from __future__ import annotations

import re
import socket
import ssl
from time import monotonic

from newsletter.mail.relay import Relay, is_loopback

_LINES = 100  # of one reply
_UNREAD = 65536  # octets; RFC 5321 section 4.5.3.1.5 gives a line 512
_CHUNK = 16384
# To the kernel: keep what fills no packet until the next write, which follows at once.
_MORE = getattr(socket, "MSG_MORE", 0)
_REPLY = re.compile(rb"([2-5]\d\d)(?:([ -])(.*?))?\r*", re.DOTALL)  # without its LF


class RelayRefused(RuntimeError):  # noqa: N818 - it is what happened, and a caller's word
    """The relay may not be used at all; the text says why. Nothing was sent."""


class Ended(Exception):  # noqa: N818 - a reply that ends a transaction need not be an error
    """The dialogue cannot go on: the relay said so, or (`code` 0) it is gone."""

    def __init__(self, code: int, text: str, *, timed_out: bool = False) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.timed_out = timed_out
        self.written = 0  # octets of a group that left before the connection broke


class Connection:
    """A TCP connection to `relay`, encrypted at once or by `encrypt`; raises `Ended` when lost."""

    def __init__(self, relay: Relay, *, loopback_only: bool) -> None:
        self.timeout = relay.timeout
        self._relay = relay
        self._unread = bytearray()
        self._limited = -1.0
        self._is_encrypted = False
        try:
            self._socket = _reach(relay, loopback_only=loopback_only)
            if relay.security == "tls":
                self.encrypt()
        except OSError as error:  # DNS and TCP
            raise Ended(0, str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close without a word. Safe to repeat."""
        self._socket.close()

    def encrypt(self) -> None:
        """Begin TLS, the certificate verified for the relay's name (RFC 8314 section 4.4)."""
        if self._unread:  # section 4.2's injection: text put in before the encryption began
            raise Ended(0, "the relay's answer to STARTTLS is followed by clear text")
        self._limit(self.timeout)
        try:
            context = ssl.create_default_context(cafile=self._relay.cafile or None)
            self._socket = context.wrap_socket(self._socket, server_hostname=self._relay.host)
            self._is_encrypted = True
        except OSError as error:
            self.close()
            raise Ended(0, f"TLS failed: {error}") from error

    def write(self, data: bytes, *, more: bool = False) -> None:
        """Write all of `data`; `more`: further octets come within moments, or none at all."""
        try:
            written = self._write_at_once(data, _MORE if more else 0)
            if written < len(data):
                self._limit(self.timeout)
                self._socket.sendall(memoryview(data)[written:])  # its timeout is for the whole
        except TimeoutError as error:
            text = f"the relay took no data within {self.timeout:g} s"
            raise Ended(0, text, timed_out=True) from error
        except OSError as error:
            raise Ended(0, f"the connection broke: {error}") from error

    def write_group(self, data: bytes) -> None:
        """Write all of `data`; `Ended.written` of a failure says how many octets left before it."""
        written = 0
        try:
            written = self._write_at_once(data)
            while written < len(data):
                self._limit(self.timeout)
                written += self._socket.send(data[written:])
        except OSError as error:
            late = isinstance(error, TimeoutError)
            text = f"the connection broke: {error}"
            ended = Ended(0, text, timed_out=late)
            ended.written = written
            raise ended from error

    def _write_at_once(self, data: bytes, flags: int = 0) -> int:
        """Write what is taken without waiting, all as a rule; return how many octets that were."""
        if self._is_encrypted:
            return 0
        self._limit(0)
        try:
            return self._socket.send(data, flags)
        except BlockingIOError:
            return 0

    def _limit(self, seconds: float) -> None:
        """Have the socket wait for so long at most; a system call only where that changes."""
        if seconds != self._limited:
            self._limited = -1.0
            self._socket.settimeout(seconds)
            self._limited = seconds

    def fileno(self) -> int:
        """Return the socket's number, for selectors."""
        return self._socket.fileno()

    def receive_ready(self) -> bool:
        """Take in what has arrived, waiting for nothing; return False where the relay left."""
        try:
            self._limit(0)
            while True:
                chunk = self._socket.recv(_CHUNK)
                if not chunk:
                    return False
                self._unread += chunk
                if len(self._unread) > _UNREAD:
                    raise Ended(0, f"the relay sent more than {_UNREAD} octets unasked")
                if len(chunk) < _CHUNK and not self._is_encrypted:
                    return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError as error:
            raise Ended(0, f"the connection broke: {error}") from error

    def take_replies(self) -> list[tuple[int, bytes]]:
        """Return the whole replies that have arrived, as `read_reply` does each.

        `Ended` where the first is no reply; one further on ends the list, and is met next time.
        """
        found: list[tuple[int, bytes]] = []
        lines: list[bytes] = []
        at = end = 0  # `end`: of the replies found
        *whole, _ = self._unread.split(b"\n")
        try:
            for line in whole:
                at += len(line) + 1
                if code := _read_line(line, lines):
                    found.append((code, lines[0] if len(lines) == 1 else b"\n".join(lines)))
                    lines.clear()
                    end = at
        except Ended:
            if not found:
                raise
        del self._unread[:end]
        return found

    def read_reply(self) -> tuple[int, bytes]:
        """Return the code of the next reply and its lines joined by newlines (RFC 5321 4.2.1)."""
        deadline = monotonic() + self.timeout
        lines: list[bytes] = []
        while not (code := _read_line(self._next_line(deadline), lines)):
            pass
        return code, b"\n".join(lines)

    def check_silence(self) -> None:
        """Raise `Ended` if the relay spoke or left unasked: do not go on to what binds it.

        Waits for nothing: what is still on its way is not seen.
        """
        try:
            self._limit(0)
            self._unread += self._socket.recv(4096) or b""
            closed = not self._unread
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise Ended(0, f"the connection broke: {error}") from error
        if closed:
            raise Ended(0, "the relay closed the connection")
        code, text = self.read_reply()
        raise Ended(code, text.decode("utf-8", "replace"))

    def _next_line(self, deadline: float) -> bytearray:
        while (end := self._unread.find(b"\n")) < 0:
            self._receive(deadline)
        line = self._unread[:end]
        del self._unread[: end + 1]
        return line

    def _receive(self, deadline: float) -> None:
        try:
            self._limit(max(deadline - monotonic(), 0.001))
            chunk = self._socket.recv(4096)
        except TimeoutError as error:
            raise Ended(0, f"no reply within {self.timeout:g} s", timed_out=True) from error
        except OSError as error:
            raise Ended(0, f"the connection broke: {error}") from error
        if not chunk:
            raise Ended(0, "the relay closed the connection")
        self._unread += chunk
        if len(self._unread) > _UNREAD:
            raise Ended(0, f"the relay sent more than {_UNREAD} octets unasked")


def _read_line(line: bytearray, lines: list[bytes]) -> int:
    """Add a line's text to `lines`; return the reply's code where it is its last, 0 before.

    `Ended` for what is no reply.
    """
    match = _REPLY.fullmatch(line)
    if match is None:
        raise Ended(0, f"the relay answered {bytes(line[:80])!r}, which is no SMTP reply")
    code, sign, text = match.groups()
    lines.append(text or b"")
    if sign != b"-":
        return int(code)
    if len(lines) >= _LINES:
        raise Ended(0, f"the relay answered with more than {_LINES} lines")
    return 0


def _reach(relay: Relay, *, loopback_only: bool) -> socket.socket:
    """Return a TCP connection to the relay, trying its addresses in turn."""
    found = socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    if loopback_only and not all(map(is_loopback, addresses)):
        raise RelayRefused(
            f"the demo sends to this machine only, and EMAIL_URL names {relay.host}: "
            "name a relay on localhost"
        )
    error = OSError(f"{relay.host} has no address")
    for address in addresses:  # those looked at above: a second look-up might say otherwise
        try:
            link = socket.create_connection((address, relay.port), relay.timeout)
        except OSError as refusal:
            error = OSError(f"{relay.host} port {relay.port}: {refusal}")
            continue
        # The dot is a small write after a large one: Nagle would hold it for a delayed ACK.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link
    raise error
