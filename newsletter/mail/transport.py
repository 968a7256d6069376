"""The one place that speaks SMTP (RFC 5321): messages in, an outcome for each, phase by phase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from newsletter.mail.connection import Ended, RelayRefused
from newsletter.mail.dialogue import Dialogue
from newsletter.mail.lanes import Callbacks, Permit, permit_all
from newsletter.mail.message import Message, Outcome, Phase, Verdict
from newsletter.mail.openings import Openings
from newsletter.mail.pipeline import Pipeline
from newsletter.mail.relay import Relay, parse_relay
from newsletter.mail.replies import DETAIL, conclude
from newsletter.mail.waiting import Source
from newsletter.mail.wire import find_flaw, wire_address

__all__ = ["Relay", "RelayRefused", "Transport", "parse_relay"]

_LOST = (Verdict.RELAY, Verdict.IN_DOUBT)
_STOPS = (Verdict.RELAY, Verdict.OURS)


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
        self._dialogue: Dialogue | None = None
        self._spare: list[Dialogue] = []  # further connections, for pipelining
        self._openings: Openings[Dialogue] | None = None  # still further ones, on their way
        self._handed = False
        # From a letter's dot to its reply, in the last batch that was pipelined; 0 before one was.
        self.reply_seconds = 0.0

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT and close the connections, if there are any."""
        self._close_openings()
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
        messages: Iterable[Message] | Source,
        before: Callable[[Message], bool],
        handing: Callable[[Message], None],
        done: Callable[[Outcome], None],
        permit: Permit = permit_all,
        soon: Callable[[Sequence[Message]], None] = lambda _: None,
        begin: Callable[[Message], None] = lambda _: None,
    ) -> bool:
        """Offer each message to the relay; return False when RELAY or OURS ended the batch early.

        Of a `Source` that composes its letters as it goes, some are composed whenever no reply has
        come.

        `before` is asked right before MAIL, and again if a stale connection makes a second MAIL
        necessary; False skips the message without a transaction and without an outcome. `permit`
        is asked last, of several messages where several are under way, and returns the ids that may
        go: after the relay took the recipient, and before a letter's first octet; the others are
        skipped too. `handing` is told right before the final dot is written; if it raises, no dot
        is written, the connection is cut and the error goes on. `done` gets each outcome as soon as
        it is known. The message that ended the batch has an outcome, those after it have none.

        With pipelining `before` is asked while the letter before is handed over, and `soon` is told
        which messages it is to be asked about within moments; several are under way at once.
        `begin` is told of each message right before its MAIL, but for one that goes out with the
        dot of another: of that `handing` is told.

        An exception between the dot and the reply (a time limit's signal) reports IN_DOUBT to
        `done` and goes on. A killed process reports nothing: that is what receipts are for.
        """
        source = messages if isinstance(messages, Source) else Source(messages)
        while source.has_more():
            if self._dialogue and self._dialogue.has_extn("pipelining"):
                calls = Callbacks(before, permit, handing, done, soon, begin)
                return self._send_pipelined(source, calls)
            message = source.next()
            if message is None:
                break
            self._handed = False
            try:
                outcome = self._offer(message, before, permit, handing, begin)
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
        self._close_openings()
        for dialogue in self._spare:
            dialogue.close()
        self._spare.clear()
        self._drop()

    def _close_openings(self) -> None:
        if self._openings:
            self._openings.close()
        self._openings = None

    def _send_pipelined(self, source: Source, calls: Callbacks) -> bool:
        kept = [*filter(None, [self._dialogue]), *self._spare]
        most, each = self._relay.connections, self._per_connection
        self._openings = self._openings or Openings(self._open)
        pipeline = Pipeline(kept, most, each, self._openings, calls)
        self._dialogue, self._spare = None, []
        try:
            return pipeline.run(source)
        finally:
            left = pipeline.release()
            self._dialogue, self._spare = (left[0], left[1:]) if left else (None, [])
            if pipeline.answered:
                self.reply_seconds = pipeline.waited / pipeline.answered

    def _offer(
        self,
        message: Message,
        before: Callable[[Message], bool],
        permit: Permit,
        handing: Callable[[Message], None],
        begin: Callable[[Message], None],
    ) -> Outcome | None:
        """Take one message through its transaction; None when `before` or `permit` refused it."""
        if flaw := find_flaw(message):
            refused = Outcome(message.delivery_id, Verdict.CONTENT, 0, flaw[:DETAIL])
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
                begin(message)
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
        dialogue: Dialogue,
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

    def _connect(self) -> Dialogue:
        """Return the kept connection, or a new one after `per_connection` messages or a loss."""
        if self._dialogue and self._dialogue.carried >= self._per_connection:
            self.close()
        if self._dialogue is None:
            self._dialogue = self._open()
        return self._dialogue

    def _open(self) -> Dialogue:
        dialogue = Dialogue(self._relay, loopback_only=self._loopback_only)
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


def _conclude(delivery_id: int, phase: Phase, end: Ended) -> Outcome:
    return conclude(delivery_id, phase, end.code, end.text)
