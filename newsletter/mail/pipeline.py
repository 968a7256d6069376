"""SMTP in groups (RFC 2920), over several connections at once: a round trip a letter, not four.

A lane is one connection. Once the relay says 354, the caller is asked whether the letter may still
go, of all lanes that are so far at once; then the body goes out, and in one write its final dot and
the next letter's MAIL, RCPT and DATA. A letter that may not go is given up with its connection:
no dot, so no letter. What is promised stays as in the dialogue command by command: who is asked
before a letter's MAIL and before its body, the receipt before its dot, each outcome by the reply's
code and phase, and what was not handed over when a link is lost is not in doubt.
"""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Generic

from newsletter.mail.connection import Ended
from newsletter.mail.lanes import Callbacks, Conclude, D, Job, Lane
from newsletter.mail.message import Message, Outcome, Phase, Verdict
from newsletter.mail.wire import body_of, find_flaw, wire_address

AHEAD = 32  # letters asked about at once
TOGETHER = 0.001  # seconds in which letters come together to be asked about
_STOPS = frozenset({Verdict.RELAY, Verdict.OURS})
_DETAIL = 300
_EXPECTED = {Phase.MAIL: 2, Phase.RCPT: 2, Phase.DATA: 3}


class Pipeline(Generic[D]):
    """Sends one batch over up to `most` lanes; the lanes that stay are in `lanes` afterwards."""

    def __init__(
        self,
        lanes: Sequence[D],
        most: int,
        per_connection: int,
        connect: Callable[[], D],
        conclude: Conclude,
        callbacks: Callbacks,
    ) -> None:
        self._lanes = [Lane(dialogue, rset=dialogue.is_open) for dialogue in lanes]
        self._most = most
        self._per_connection = per_connection
        self._connect = connect
        self._conclude = conclude
        self._calls = callbacks
        self._selector = selectors.DefaultSelector()
        self._coming: deque[Job] = deque()
        self._again: deque[Job] = deque()  # lost with a kept connection: they want a new one
        self._source: Iterator[Message] = iter(())
        self._stopped = False
        self._error: Exception | None = None
        self._ready: list[tuple[Lane[D], Job]] = []  # 354 has come
        self._handed: dict[int, Job] = {}  # those whose dot is out and unanswered

    @property
    def lanes(self) -> list[D]:
        """The connections that may be kept."""
        for lane in self._lanes:
            lane.dialogue.is_open = lane.rset
        return [lane.dialogue for lane in self._lanes]

    def run(self, messages: Iterator[Message]) -> bool:
        """Send all; return False when the relay, or its refusing us, ended the batch early."""
        self._source = messages
        try:
            for lane in self._lanes:
                self._selector.register(lane.connection, selectors.EVENT_READ, lane)
            self._start()
            while any(lane.owed for lane in self._lanes) or self._has_more():
                if any(lane.owed for lane in self._lanes):
                    self._wait()
                    self._gather()
                self._hand_over_ready()
                self._start()
        except BaseException:
            self._interrupt()
            raise
        finally:
            self._selector.close()
        if self._error:
            raise self._error
        return not self._stopped

    def _has_more(self) -> bool:
        return not self._stopped and bool(self._again or self._coming)

    # What to send next

    def _next(self) -> Job | None:
        """Return the next letter that may go, asked about just now; None when there is none."""
        while not self._stopped:
            if not self._coming and not self._refill():
                return None
            job = self._coming.popleft()
            if self._may_go(job):
                return job
        return None

    def _may_go(self, job: Job) -> bool:
        try:
            if self._stopped or not self._calls.before(job.message):
                return False
        except Exception as error:
            self._fail(error)
            return False
        if flaw := find_flaw(job.message):
            key = job.message.delivery_id
            self._tell(Outcome(key, Verdict.CONTENT, 0, flaw[:_DETAIL]))
        return not flaw

    def _start(self) -> None:
        """Give idle lanes a letter; open further lanes while there are letters for them."""
        while self._again and not self._stopped:
            lane = self._open(self._again)
            if lane is not None and self._may_go(job := self._again.popleft()):
                self._write(lane, self._group(lane, job), job, Phase.MAIL)
        for lane in [lane for lane in self._lanes if lane.is_idle]:
            self._feed(lane)
        while not self._stopped and len(self._lanes) < self._most:
            if len(self._coming) < 2 * len(self._lanes) and self._lanes:
                return
            if not self._coming and not self._refill():
                return
            lane = self._open(self._coming)
            if lane is None:
                return
            self._feed(lane)

    def _refill(self) -> bool:
        self._coming.extend(Job(message) for message in islice(self._source, AHEAD))
        if not self._coming:
            return False
        try:
            self._calls.soon([job.message for job in self._coming])
        except Exception as error:
            self._fail(error)
        return not self._stopped

    def _open(self, waiting: deque[Job]) -> Lane[D] | None:
        """Open a lane. A relay that lets no further one in is no fault while others are open."""
        try:
            lane = Lane(self._connect())
        except Ended as end:
            if not self._lanes:
                self._settle(waiting.popleft(), Phase.CONNECT, end)
            elif waiting is self._again:
                self._coming.extendleft(waiting)
                waiting.clear()
            else:
                self._most = len(self._lanes)
            return None
        self._lanes.append(lane)
        self._selector.register(lane.connection, selectors.EVENT_READ, lane)
        return lane

    def _feed(self, lane: Lane[D]) -> None:
        """Begin a letter in an idle lane."""
        if lane.dialogue.carried >= self._per_connection:
            self._drop(lane, polite=True)
            return
        job = self._next()
        if job:
            group = self._group(lane, job)
            self._write(lane, group, job, Phase.MAIL)

    def _group(self, lane: Lane[D], job: Job) -> bytes:
        """Return MAIL, RCPT and DATA of a letter, and note the replies they are owed."""
        message = job.message
        size = f" SIZE={len(message.data)}" if lane.dialogue.has_extn("size") else ""
        reset = "RSET\r\n" if lane.rset else ""
        if lane.rset:
            lane.owed.append((Phase.CONNECT, None))
        lane.rset = False
        lane.dialogue.carried += 1
        lane.owed += [(Phase.MAIL, job), (Phase.RCPT, job), (Phase.DATA, job)]
        return (
            f"{reset}MAIL FROM:<{wire_address(message.sender)}>{size}\r\n"
            f"RCPT TO:<{wire_address(message.recipient)}>\r\nDATA\r\n"
        ).encode("ascii")

    def _write(self, lane: Lane[D], data: bytes, job: Job, phase: Phase) -> None:
        try:
            lane.connection.write_group(data)
        except Ended as end:
            self._lose(lane, end, job, phase)
        else:
            lane.wait_from_now()

    # What comes back

    def _wait(self) -> None:
        """Take in replies until one has come, or a lane's time is up."""
        waiting = [lane for lane in self._lanes if lane.owed]
        pause = min(lane.deadline for lane in waiting) - monotonic()
        for key, _ in self._selector.select(max(pause, 0)):
            self._hear(key.data)
        now = monotonic()
        for lane in waiting:
            if lane in self._lanes and lane.owed and now >= lane.deadline:
                text = f"no reply within {lane.connection.timeout:g} s"
                self._lose(lane, Ended(0, text, timed_out=True))

    def _gather(self) -> None:
        """Wait a moment for other lanes' 354 where some are so far: all are asked about at once."""
        until = monotonic() + TOGETHER
        while 0 < len(self._ready) < len(self._lanes) // 2:
            heard = self._selector.select(max(until - monotonic(), 0))
            for key, _ in heard:
                self._hear(key.data)
            if not heard or monotonic() >= until:
                return

    def _hear(self, lane: Lane[D]) -> None:
        try:
            is_open = lane.connection.receive_ready()
            while lane in self._lanes:
                reply = lane.connection.take_reply()
                if reply is None:
                    if is_open:
                        return
                    raise Ended(0, "the relay closed the connection")
                lane.wait_from_now()
                self._take(lane, reply[0], reply[1].decode("utf-8", "replace"))
        except Ended as end:
            self._lose(lane, end)

    def _take(self, lane: Lane[D], code: int, text: str) -> None:
        """Take one reply; `Ended` where it ends the connection."""
        if not lane.owed:
            raise Ended(code, text)  # it spoke unasked
        phase, job = lane.owed[0]
        if code == 421:
            raise Ended(code, text)
        lane.owed.popleft()
        if job is None:
            if code != 250:
                raise Ended(0, f"the relay answered {code} to RSET")
            return
        if phase is Phase.DOT:
            self._settle(job, phase, Ended(code, text))
            return
        if job.refusal is None and code // 100 != _EXPECTED[phase]:
            job.refusal = phase, Ended(code, text)
        if phase is Phase.DATA:
            self._answer_data(lane, job, code)

    def _answer_data(self, lane: Lane[D], job: Job, code: int) -> None:
        if job.refusal is None and not self._stopped:
            self._ready.append((lane, job))
            return
        if job.refusal is None or code // 100 == 3:
            # RFC 2920 section 3.1: a relay may take DATA though no recipient was taken. A letter
            # that is not to go out is given up with its connection: no dot, so no letter.
            self._drop(lane)
        lane.rset = True
        if job.refusal:
            phase, end = job.refusal
            self._settle(job, phase, end)
        if lane in self._lanes:
            self._feed(lane)

    def _hand_over_ready(self) -> None:
        """Ask of the letters that the relay waits for whether they may still go; write those."""
        ready = [(lane, job) for lane, job in self._ready if lane in self._lanes]
        self._ready = []
        if not ready or self._stopped:
            permitted: Collection[int] = ()
        else:
            permitted = self._permit([job.message for _, job in ready])
        for lane, job in ready:
            if self._stopped or job.message.delivery_id not in permitted:
                self._drop(lane)
            elif lane in self._lanes:
                self._hand_over(lane, job)

    def _permit(self, messages: Sequence[Message]) -> Collection[int]:
        try:
            return self._calls.permit(messages)
        except Exception as error:  # what is handed over is heard out first
            self._fail(error)
            return ()

    def _hand_over(self, lane: Lane[D], job: Job) -> None:
        """Write the body, the receipt, then the dot and the next letter's group in one write."""
        connection = lane.connection
        try:
            connection.write(body_of(job.message))
            connection.check_silence()
        except Ended as end:
            self._lose(lane, end, job, Phase.BODY)
            return
        following = None
        if lane.dialogue.carried < self._per_connection:
            following = self._next()
        try:
            self._calls.handing(job.message)
        except Exception as error:
            self._fail(error)
            if following:
                self._coming.appendleft(following)
            self._drop(lane)
            return
        self._handed[id(job)] = job
        lane.owed.append((Phase.DOT, job))
        group = self._group(lane, following) if following else b""
        try:
            connection.write_group(b".\r\n" + group)
        except Ended as end:
            if end.written >= 3:  # the relay sees a mail's end once all three octets have left
                self._lose(lane, end)
            else:
                del self._handed[id(job)]
                lane.owed.remove((Phase.DOT, job))
                self._lose(lane, end, job, Phase.BODY)
        else:
            lane.wait_from_now()

    # Endings

    def _lose(
        self, lane: Lane[D], end: Ended, job: Job | None = None, phase: Phase = Phase.BODY
    ) -> None:
        """Conclude the letters of a lane that is gone.

        One whose dot left is in doubt. One that was not handed over goes over a new connection
        where a letter before it may be what ended this one, and once where this was a kept one
        that the relay closed (RFC 5321 section 3.8); else it is the relay's outcome.
        """
        owed = list(lane.owed)
        kept = lane.dialogue.carried > 1
        self._drop(lane)
        begun: list[tuple[Phase, Job]] = [(phase, job)] if job else []
        doubted = False
        for place, each in owed:
            if each is None or any(each is known for _, known in begun):
                continue
            if place is Phase.DOT:
                doubted = True
                self._settle(each, Phase.DOT, end)
            else:
                begun.append((place, each))
        for place, each in begun:
            if each.refusal:
                self._settle(each, *each.refusal)
            elif doubted:
                self._coming.appendleft(each)
            elif kept and not end.timed_out and self._is_relay(each, place, end):
                self._again.append(each)
            else:
                self._settle(each, place, end)

    def _is_relay(self, job: Job, phase: Phase, end: Ended) -> bool:
        outcome = self._conclude(job.message.delivery_id, phase, end)
        return outcome.verdict is Verdict.RELAY

    def _settle(self, job: Job, phase: Phase, end: Ended) -> None:
        outcome = self._conclude(job.message.delivery_id, phase, end)
        if not (self._stopped and outcome.verdict in _STOPS and phase is not Phase.DOT):
            self._tell(outcome)
        self._handed.pop(id(job), None)
        if outcome.verdict in _STOPS:
            self._stopped = True

    def _tell(self, outcome: Outcome) -> None:
        try:
            self._calls.done(outcome)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self._stopped = True

    def _drop(self, lane: Lane[D], *, polite: bool = False) -> None:
        if lane not in self._lanes:
            return
        self._lanes.remove(lane)
        lane.owed.clear()
        with suppress(KeyError, ValueError):
            self._selector.unregister(lane.connection)
        if polite:
            lane.dialogue.leave()
        lane.dialogue.close()

    def _interrupt(self) -> None:
        """Report what was handed over and not answered as in doubt, and close every lane."""
        for lane in list(self._lanes):
            self._drop(lane)
        text = "interrupted after the final dot"
        for job in list(self._handed.values()):
            with suppress(Exception):
                self._calls.done(Outcome(job.message.delivery_id, Verdict.IN_DOUBT, 0, text))
