"""One connection's commands (RFC 5321), by smtplib: the one file that uses it.

smtplib's own sendmail is not used: it raises one exception for a 421, a 451 and a 550, and one for
a link lost before and after the final dot, and the difference is the whole promise.
"""

from __future__ import annotations

import base64
import smtplib
import socket
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from newsletter.mail.connection import Connection, Ended
from newsletter.mail.message import Phase
from newsletter.mail.relay import Relay
from newsletter.mail.wire import to_wire

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_GOODBYE = 2.0  # seconds we wait for the answer to QUIT, which nothing depends on


class Dialogue(smtplib.SMTP):
    """The commands of one connection. smtplib writes them and reads EHLO's list, no more."""

    def __init__(self, relay: Relay, *, loopback_only: bool) -> None:
        super().__init__(local_hostname=relay.hello or _own_name(), timeout=relay.timeout)
        self.phase = Phase.CONNECT
        self.carried = 0  # transactions begun
        self._relay = relay
        self.is_open = False  # a transaction the relay may still hold
        self.connection = Connection(relay, loopback_only=loopback_only)

    def open(self) -> None:
        """Read the banner, then EHLO, STARTTLS and AUTH as the relay's URL asks."""
        self._expect(*self.getreply(), 2)
        self._greet()
        if self._relay.security == "starttls":
            self._start_tls()
        if self._relay.username:
            self._log_in()

    def step(self, phase: Phase, command: str, expected: int) -> None:
        """Say one command of a transaction; `Ended` unless the reply's first digit is expected."""
        self.phase = phase
        self.is_open = True
        self._expect(*self.docmd(command), expected)

    def address(self, mail: str, rcpt: str) -> None:
        """Say MAIL and RCPT, at once where the relay takes commands in groups (RFC 2920).

        `Ended` with the first refusal; a reply to RCPT after a refused MAIL says no more.
        """
        if not self.has_extn("pipelining"):
            self.step(Phase.MAIL, mail, 2)
            return self.step(Phase.RCPT, rcpt, 2)
        self.phase = Phase.MAIL
        self.is_open = True
        self.send(f"{mail}\r\n{rcpt}\r\n")
        code, text = self.getreply()
        if code // 100 != 2:
            with suppress(Ended):  # the relay may close instead
                self.getreply()
            raise Ended(code, _decode(text))
        self.phase = Phase.RCPT
        return self._expect(*self.getreply(), 2)

    def write_body(self, data: bytes) -> None:
        """Write the letter, and see whether the relay gave up in its midst: then without a dot."""
        self.phase = Phase.BODY
        self.send(to_wire(data))
        self.connection.check_silence()

    def finish(self) -> Ended:
        """Write the final dot and return the reply to it."""
        # A write that fails is still "before the dot": the relay sees the end of a mail only when
        # all three octets have left, so such a letter is known not to be delivered.
        self.send(b".\r\n")
        self.phase = Phase.DOT
        code, text = self.getreply()
        self.is_open = False
        return Ended(code, _decode(text))

    def reset(self) -> None:
        """Clear what a refused message left behind (RSET, RFC 5321 section 4.1.1.5)."""
        self.phase = Phase.MAIL
        if not self.is_open:
            return
        code, _ = self.docmd("RSET")
        if code != 250:
            raise Ended(0, f"the relay answered {code} to RSET")
        self.is_open = False

    def answers(self) -> bool:
        """Return whether the relay still takes commands; a transaction left open is cleared."""
        try:
            self.is_open = True
            self.reset()
        except Ended:
            return False
        return True

    def leave(self) -> None:
        """Say QUIT; whether anybody listens does not matter."""
        self.connection.timeout = min(self._relay.timeout, _GOODBYE)
        with suppress(Ended):
            self.docmd("QUIT")

    def send(self, s: ReadableBuffer | str) -> None:
        self.connection.write(s.encode("ascii") if isinstance(s, str) else bytes(s))

    def getreply(self) -> tuple[int, bytes]:
        return self.connection.read_reply()

    def close(self) -> None:
        self.connection.close()

    def _greet(self) -> None:
        """EHLO, or HELO for a relay that does not know it (RFC 5321 section 3.2)."""
        code, text = self.ehlo()
        if 500 <= code < 505:
            code, text = self.helo()
        self._expect(code, text, 2)

    def _start_tls(self) -> None:
        """RFC 3207. What was said in clear text before counts for nothing after."""
        if not self.has_extn("starttls"):
            raise Ended(0, "the relay offers no STARTTLS, and nothing is sent in clear text")
        self._expect(*self.docmd("STARTTLS"), 2)
        self.connection.encrypt()
        self._greet()

    def _log_in(self) -> None:
        """AUTH PLAIN (RFC 4616) or LOGIN, in UTF-8; always encrypted, or on this machine."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        user, password = self._relay.username.encode(), self._relay.password.encode()
        if "PLAIN" in offered:
            answer = self.docmd("AUTH", "PLAIN " + _base64(b"\0" + user + b"\0" + password))
        elif "LOGIN" in offered:
            self._expect(*self.docmd("AUTH", "LOGIN"), 3)
            self._expect(*self.docmd(_base64(user)), 3)
            answer = self.docmd(_base64(password))
        else:
            names = " ".join(offered) or "no AUTH"
            raise Ended(0, f"the relay offers {names}, and AUTH PLAIN or LOGIN is needed")
        self._expect(*answer, 2)

    def _expect(self, code: int, text: bytes, expected: int) -> None:
        if code // 100 != expected:
            raise Ended(code, _decode(text))


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@cache
def _own_name() -> str:
    """Return this machine's name for EHLO, or its address literal (RFC 5321 section 4.1.3)."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"
