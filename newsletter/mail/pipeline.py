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
from time import monotonic
from typing import Generic

from newsletter.mail.connection import Ended
from newsletter.mail.endings import Endings
from newsletter.mail.lanes import Callbacks, D, Job, Lane
from newsletter.mail.message import Message, Phase, Verdict
from newsletter.mail.replies import judge_reply
from newsletter.mail.waiting import Waiting
from newsletter.mail.wire import body_of

TOGETHER = 0.001  # seconds in which letters come together to be asked about
_MAIL, _DATA, _BODY, _DOT = Phase.MAIL, Phase.DATA, Phase.BODY, Phase.DOT


class Pipeline(Generic[D]):
    """Sends one batch over up to `most` lanes; the lanes that stay are in `lanes` afterwards."""

    def __init__(
        self,
        lanes: Sequence[D],
        most: int,
        per_connection: int,
        connect: Callable[[], D],
        callbacks: Callbacks,
    ) -> None:
        self._lanes = [Lane(dialogue, rset=dialogue.is_open) for dialogue in lanes]
        self._most, self._per_connection = most, per_connection
        self._connect = connect
        self._calls = callbacks
        self._endings = Endings(callbacks)
        self._waiting = Waiting(iter(()), callbacks, self._endings)
        self._selector = selectors.DefaultSelector()
        self._ready: list[tuple[Lane[D], Job]] = []  # 354 has come

    @property
    def lanes(self) -> list[D]:
        """The connections that may be kept."""
        for lane in self._lanes:
            lane.dialogue.is_open = lane.rset
        return [lane.dialogue for lane in self._lanes]

    def run(self, messages: Iterator[Message]) -> bool:
        """Send all; return False when the relay, or its refusing us, ended the batch early."""
        endings = self._endings
        self._waiting = Waiting(messages, self._calls, endings)
        try:
            for lane in self._lanes:
                self._selector.register(lane.connection, selectors.EVENT_READ, lane)
            self._start()
            while self._is_owed() or (not endings.stopped and self._waiting.has_more()):
                if self._is_owed():
                    self._wait()
                    self._gather()
                self._hand_over_ready()
                self._start()
        except BaseException:
            for lane in list(self._lanes):
                self._drop(lane)
            endings.report_doubts()
            raise
        finally:
            self._selector.close()
        if endings.error:
            raise endings.error
        return not endings.stopped

    def _is_owed(self) -> bool:
        return any(lane.owed for lane in self._lanes)

    # What to send next

    def _start(self) -> None:
        """Give idle lanes a letter; open further lanes while there are letters for them."""
        endings, waiting = self._endings, self._waiting
        while waiting.again and not endings.stopped:
            lane = self._open(waiting.again)
            if lane is not None and waiting.may_go(job := waiting.again.popleft()):
                self._write(lane, job)
        for lane in [lane for lane in self._lanes if not lane.owed]:
            self._feed(lane)
        while not endings.stopped and len(self._lanes) < self._most:
            if len(waiting.coming) < 2 * len(self._lanes) and self._lanes:
                return
            if not waiting.coming and not waiting.refill():
                return
            if (lane := self._open(waiting.coming)) is None:
                return
            self._feed(lane)

    def _open(self, wanting: deque[Job]) -> Lane[D] | None:
        """Open a lane. A relay that lets no further one in is no fault while others are open."""
        try:
            lane = Lane(self._connect())
        except Ended as end:
            if not self._lanes:
                self._endings.settle(wanting.popleft(), Phase.CONNECT, end.code, end.text)
            elif wanting is self._waiting.again:
                self._waiting.coming.extendleft(wanting)
                wanting.clear()
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
        elif job := self._waiting.next():
            self._write(lane, job)

    def _write(self, lane: Lane[D], job: Job) -> None:
        try:
            lane.connection.write_group(lane.open_letter(job))
        except Ended as end:
            self._lose(lane, end, job, _MAIL)
        else:
            lane.wait_from_now()

    # What comes back

    def _wait(self) -> None:
        """Take in replies until one has come, or a lane's time is up."""
        deadline = min(lane.deadline for lane in self._lanes if lane.owed)
        for key, _ in self._selector.select(max(deadline - monotonic(), 0)):
            self._hear(key.data)
        if (now := monotonic()) < deadline:
            return
        for lane in list(self._lanes):
            if lane.owed and now >= lane.deadline:
                text = f"no reply within {lane.connection.timeout:g} s"
                self._lose(lane, Ended(0, text, timed_out=True))

    def _gather(self) -> None:
        """Wait a moment for other lanes' 354 where some are so far: all are asked about at once."""
        until = 0.0
        while 0 < len(self._ready) < len(self._lanes) // 2:
            until = until or monotonic() + TOGETHER
            heard = self._selector.select(max(until - monotonic(), 0))
            for key, _ in heard:
                self._hear(key.data)
            if not heard or monotonic() >= until:
                return

    def _hear(self, lane: Lane[D]) -> None:
        connection = lane.connection
        try:
            is_open = connection.receive_ready()
            while replies := connection.take_replies():
                lane.wait_from_now()
                for code, text in replies:
                    self._take(lane, code, text)
                    if not lane.is_used:
                        return
            if not is_open:
                raise Ended(0, "the relay closed the connection")
        except Ended as end:
            self._lose(lane, end)

    def _take(self, lane: Lane[D], code: int, text: bytes) -> None:
        """Take one reply; `Ended` where it ends the connection."""
        if not lane.owed or code == 421:  # it spoke unasked, or is closing
            raise Ended(code, text.decode("utf-8", "replace"))
        phase, job = lane.owed.popleft()
        if job is None:
            if code != 250:
                raise Ended(0, f"the relay answered {code} to RSET")
        elif phase is _DOT:
            self._endings.settle(job, phase, code, text.decode("utf-8", "replace"))
        else:
            if code // 100 != (3 if phase is _DATA else 2) and job.refusal is None:
                job.refusal = phase, code, text.decode("utf-8", "replace")
            if phase is _DATA:
                self._answer_data(lane, job, code)

    def _answer_data(self, lane: Lane[D], job: Job, code: int) -> None:
        if job.refusal is None and not self._endings.stopped:
            self._ready.append((lane, job))
            return
        if job.refusal is None or code // 100 == 3:
            # RFC 2920 section 3.1: a relay may take DATA though no recipient was taken. A letter
            # that is not to go out is given up with its connection: no dot, so no letter.
            self._drop(lane)
        lane.rset = True
        if job.refusal:
            self._endings.settle(job, *job.refusal)
        if lane.is_used:
            self._feed(lane)

    # Handing over

    def _hand_over_ready(self) -> None:
        """Ask of the letters that the relay waits for whether they may still go; write those."""
        ready = [(lane, job) for lane, job in self._ready if lane.is_used]
        self._ready = []
        permitted: Collection[int] = ()
        if ready and not self._endings.stopped:
            permitted = self._endings.permit([job.message for _, job in ready])
        for lane, job in ready:
            if self._endings.stopped or job.message.delivery_id not in permitted:
                self._drop(lane)
            elif lane.is_used:
                self._hand_over(lane, job)

    def _hand_over(self, lane: Lane[D], job: Job) -> None:
        """Write the body, the receipt, then the dot and the next letter's group in one write."""
        connection, endings = lane.connection, self._endings
        try:
            connection.write(body_of(job.message), more=True)
            connection.check_silence()
        except Ended as end:
            self._lose(lane, end, job, _BODY)
            return
        following = None
        if lane.dialogue.carried < self._per_connection:
            following = self._waiting.next(handing=True)
        if not endings.hand_over(job):
            if following:
                self._waiting.coming.appendleft(following)
            self._drop(lane)
            return
        lane.owed.append((_DOT, job))
        group = lane.open_letter(following) if following else b""
        try:
            connection.write_group(b".\r\n" + group)
        except Ended as end:
            if end.written >= 3:  # the relay sees a mail's end once all three octets have left
                self._lose(lane, end)
            else:
                endings.take_back(job)
                lane.owed.remove((_DOT, job))
                self._lose(lane, end, job, _BODY)
        else:
            lane.wait_from_now()

    # Endings

    def _lose(
        self, lane: Lane[D], end: Ended, job: Job | None = None, phase: Phase = _BODY
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
            if place is _DOT:
                doubted = True
                self._endings.settle(each, _DOT, end.code, end.text)
            else:
                begun.append((place, each))
        for place, each in begun:
            is_relays = judge_reply(place, end.code, end.text) is Verdict.RELAY
            if each.refusal:
                self._endings.settle(each, *each.refusal)
            elif doubted:
                self._waiting.coming.appendleft(each)
            elif kept and not end.timed_out and is_relays:
                self._waiting.again.append(each)
            else:
                self._endings.settle(each, place, end.code, end.text)

    def _drop(self, lane: Lane[D], *, polite: bool = False) -> None:
        if not lane.is_used:
            return
        lane.is_used = False
        self._lanes.remove(lane)
        lane.owed.clear()
        with suppress(KeyError, ValueError):
            self._selector.unregister(lane.connection)
        if polite:
            lane.dialogue.leave()
        lane.dialogue.close()
