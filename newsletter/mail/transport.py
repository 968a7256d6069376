"""The one place that speaks SMTP (RFC 5321): messages in, an outcome for each, phase by phase.

smtplib's own sendmail is not used: it raises one exception for a 421, a 451 and a 550, and one for
a link lost before and after the final dot, and the difference is the whole promise.
"""

from __future__ import annotations

import base64
import smtplib
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from newsletter.mail.connection import Connection, Ended, RelayRefused
from newsletter.mail.lanes import Callbacks, Permit, permit_all
from newsletter.mail.message import Message, Outcome, Phase, Verdict
from newsletter.mail.pipeline import Pipeline
from newsletter.mail.relay import Relay, parse_relay
from newsletter.mail.replies import judge_reply
from newsletter.mail.wire import find_flaw, to_wire, wire_address

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["Relay", "RelayRefused", "Transport", "parse_relay"]

_PLACES = {
    Phase.CONNECT: "while connecting",
    Phase.MAIL: "at MAIL",
    Phase.RCPT: "at RCPT",
    Phase.DATA: "at DATA",
    Phase.BODY: "before the final dot",
    Phase.DOT: "after the final dot",
}
_STOPS = frozenset({Verdict.RELAY, Verdict.OURS})
_LOST = frozenset({Verdict.RELAY, Verdict.IN_DOUBT})
_GOODBYE = 2.0  # seconds we wait for the answer to QUIT, which nothing depends on
_DETAIL = 300  # characters of a reply that are kept


class Transport:
    """Sends batches to one relay over kept connections; a context manager, for one thread.

    To a relay that offers PIPELINING up to `relay.connections` at once, to any other one. A
    connection carries at most `per_connection` messages. With `loopback_only` (the demo) a relay
    that is not on this machine raises `RelayRefused` before anything is sent.
    """

    def __init__(
        self, relay: Relay, *, loopback_only: bool = False, per_connection: int = 100
    ) -> None:
        self._relay = relay
        self._loopback_only = loopback_only
        self._per_connection = per_connection
        self._dialogue: _Dialogue | None = None
        self._spare: list[_Dialogue] = []  # further connections, for pipelining
        self._handed = False

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT and close the connections, if there are any."""
        for dialogue in [*self._spare, *filter(None, [self._dialogue])]:
            dialogue.leave()
            dialogue.close()
        self._spare.clear()
        self._drop()

    def check(self) -> Outcome | None:
        """Connect, greet, encrypt and log in; None when the relay is ready for mail.

        A connection that is kept is asked for a reply. Otherwise what a first message would meet,
        with delivery_id 0. Sends no mail: it is for the doctor and for probing a relay that was
        away.
        """
        if self._dialogue and not self._dialogue.answers():
            self._discard()
        try:
            self._connect()
        except Ended as end:
            return _conclude(0, Phase.CONNECT, end)
        return None

    def send(
        self,
        messages: Iterable[Message],
        before: Callable[[Message], bool],
        handing: Callable[[Message], None],
        done: Callable[[Outcome], None],
        permit: Permit = permit_all,
        soon: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> bool:
        """Offer each message to the relay; return False when RELAY or OURS ended the batch early.

        `before` is asked right before MAIL, and again if a stale connection makes a second MAIL
        necessary; False skips the message without a transaction and without an outcome. `permit`
        is asked last, of several messages where several are under way, and returns the ids that may
        go: after the relay took the recipient, and before a letter's first octet; the others are
        skipped too. `handing` is told right before the final dot is written; if it raises, no dot
        is written, the connection is cut and the error goes on. `done` gets each outcome as soon as
        it is known. The message that ended the batch has an outcome, those after it have none.

        With pipelining `before` is asked while the letter before is handed over, and `soon` is told
        which messages it is to be asked about within moments; several are under way at once.

        An exception between the dot and the reply (a time limit's signal) reports IN_DOUBT to
        `done` and goes on. A killed process reports nothing: that is what receipts are for.
        """
        coming = iter(messages)
        for message in coming:
            if self._dialogue and self._dialogue.has_extn("pipelining"):
                calls = Callbacks(before, permit, handing, done, soon)
                return self._send_pipelined(chain([message], coming), calls)
            self._handed = False
            try:
                outcome = self._offer(message, before, permit, handing)
            except BaseException:
                self._drop()
                if self._handed:
                    text = "interrupted after the final dot"
                    done(Outcome(message.delivery_id, Verdict.IN_DOUBT, 0, text))
                raise
            if outcome is None:
                continue
            done(outcome)
            if outcome.verdict in _STOPS:
                return False
        return True

    def _discard(self) -> None:
        """Close all connections without a word: the relay hears none."""
        for dialogue in self._spare:
            dialogue.close()
        self._spare.clear()
        self._drop()

    def _send_pipelined(self, messages: Iterable[Message], calls: Callbacks) -> bool:
        kept = [*filter(None, [self._dialogue]), *self._spare]
        most, each = self._relay.connections, self._per_connection
        pipeline = Pipeline(kept, most, each, self._open, _conclude, calls)
        self._dialogue, self._spare = None, []
        try:
            return pipeline.run(iter(messages))
        finally:
            left = pipeline.lanes
            self._dialogue, self._spare = (left[0], left[1:]) if left else (None, [])

    def _offer(
        self,
        message: Message,
        before: Callable[[Message], bool],
        permit: Permit,
        handing: Callable[[Message], None],
    ) -> Outcome | None:
        """Take one message through its transaction; None when `before` or `permit` refused it."""
        if flaw := find_flaw(message):
            refused = Outcome(message.delivery_id, Verdict.CONTENT, 0, flaw[:_DETAIL])
            return refused if before(message) else None
        while True:
            try:
                dialogue = self._connect()
            except Ended as end:
                return _conclude(message.delivery_id, Phase.CONNECT, end)
            kept = dialogue.carried > 0
            last: Ended | None
            try:
                dialogue.reset()
                if not before(message):
                    return None
                last = self._transact(dialogue, message, permit, handing)
            except Ended as end:
                last = end
            if last is None:
                return None
            outcome = _conclude(message.delivery_id, dialogue.phase, last)
            if outcome.verdict in _LOST or dialogue.phase is Phase.BODY:
                self._drop()
            # A relay may close a kept connection at any time (RFC 5321 section 3.8), which says
            # nothing about a new one. A new one is not `kept`, so there is one more try at most.
            stale = kept and not self._handed and not last.timed_out
            if not (stale and outcome.verdict is Verdict.RELAY):
                return outcome

    def _transact(
        self,
        dialogue: _Dialogue,
        message: Message,
        permit: Permit,
        handing: Callable[[Message], None],
    ) -> Ended | None:
        """MAIL, RCPT, DATA, body, dot: one recipient, RFC 5321 section 3.3."""
        size = f" SIZE={len(message.data)}" if dialogue.has_extn("size") else ""  # RFC 1870
        dialogue.carried += 1
        dialogue.address(
            f"MAIL FROM:<{wire_address(message.sender)}>{size}",
            f"RCPT TO:<{wire_address(message.recipient)}>",
        )
        if message.delivery_id not in permit([message]):
            return None
        dialogue.step(Phase.DATA, "DATA", 3)
        dialogue.write_body(message.data)
        handing(message)
        self._handed = True
        return dialogue.finish()

    def _connect(self) -> _Dialogue:
        """Return the kept connection, or a new one after `per_connection` messages or a loss."""
        if self._dialogue and self._dialogue.carried >= self._per_connection:
            self.close()
        if self._dialogue is None:
            self._dialogue = self._open()
        return self._dialogue

    def _open(self) -> _Dialogue:
        dialogue = _Dialogue(self._relay, loopback_only=self._loopback_only)
        try:
            dialogue.open()
        except BaseException:
            dialogue.close()
            raise
        return dialogue

    def _drop(self) -> None:
        if self._dialogue:
            self._dialogue.close()
        self._dialogue = None


class _Dialogue(smtplib.SMTP):
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


def _conclude(delivery_id: int, phase: Phase, end: Ended) -> Outcome:
    """Return the outcome a reply or a loss means, its text made fit to store and to show."""
    verdict = judge_reply(phase, end.code, end.text)
    printable = "".join(char if char.isprintable() else " " for char in end.text)
    detail = " ".join(printable.split())
    if end.code == 0:
        detail = f"{detail} {_PLACES[phase]}"
    return Outcome(delivery_id, verdict, end.code, detail[:_DETAIL])


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@cache
def _own_name() -> str:
    """Return this machine's name for EHLO, or its address literal (RFC 5321 section 4.1.3)."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"
