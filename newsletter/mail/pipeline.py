"""SMTP in groups (RFC 2920), over several connections at once: a round trip a letter, not four.

A lane is one connection. Once the relay says 354, the caller is asked whether the letter may still
go, of all lanes that are so far at once; then the body goes out, and in one write its final dot and
the next letter's MAIL, RCPT and DATA. A letter that may not go is given up with its connection:
no dot, so no letter. What is promised stays as in the dialogue command by command: who is asked
before a letter's MAIL and before its body, the receipt before its dot, each outcome by the reply's
code and phase, and what was not handed over when a link is lost is not in doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import monotonic
from typing import Generic

from newsletter.mail.connection import Ended
from newsletter.mail.endings import Endings
from newsletter.mail.lanes import Callbacks, Job, Lane, Lanes
from newsletter.mail.message import Phase, Verdict
from newsletter.mail.openings import D, Openings
from newsletter.mail.replies import judge_reply
from newsletter.mail.waiting import AHEAD, Source, Waiting
from newsletter.mail.wire import body_of

TOGETHER = 0.001  # seconds in which letters come together to be asked about
BRIEF = 0.004  # the same while others are composed
_MAIL, _DATA, _BODY, _DOT = Phase.MAIL, Phase.DATA, Phase.BODY, Phase.DOT


class Pipeline(Generic[D]):
    """Sends one batch over up to `most` lanes, those that are `kept` and further ones."""

    def __init__(
        self,
        kept: Sequence[D],
        most: int,
        per_connection: int,
        openings: Openings[D],
        callbacks: Callbacks,
    ) -> None:
        self._lanes = Lanes(kept, most, openings)
        self._per_connection = per_connection
        self._calls = callbacks
        self._endings = Endings(callbacks)
        self._waiting = Waiting(Source(), callbacks, self._endings)
        self._ready: list[Lane[D]] = []  # 354 has come, to the first at `_since`
        self._since = 0.0
        self.answered = 0  # letters that a reply came to
        self.waited = 0.0  # seconds from their dots to it, all together

    def release(self) -> list[D]:
        """Return the connections that may be kept, once all is sent."""
        return self._lanes.release()

    def run(self, source: Source) -> bool:
        """Send all; return False when the relay, or its refusing us, ended the batch early."""
        endings, lanes = self._endings, self._lanes
        self._waiting = Waiting(source, self._calls, endings, max(AHEAD, 2 * lanes.most))
        try:
            self._arrive(is_new=False)  # those that came after the batch before was through
            self._start()
            while lanes.is_owed() or (not endings.stopped and self._waiting.has_more()):
                is_busy = self._wait()
                if not is_busy:
                    self._gather()
                if not is_busy or self._are_many_ready():
                    self._hand_over_ready()
                self._start()
        except BaseException:
            for lane in list(lanes.open):
                lanes.drop(lane)
            endings.report_doubts()
            raise
        if endings.error:
            raise endings.error
        return not endings.stopped

    # What to send next

    def _start(self) -> None:
        """Give idle lanes a letter; have further lanes opened while there are letters for them."""
        lanes, waiting = self._lanes, self._waiting
        for lane in lanes.idle():
            self._feed(lane)
        if self._endings.stopped:
            return
        few = len(lanes.open) + lanes.openings.pending < lanes.most
        letters = len(waiting.coming) if few and (waiting.coming or waiting.refill()) else 0
        lanes.open_further(letters, len(waiting.again))

    def _arrive(self, *, is_new: bool = True) -> None:
        for error in self._lanes.arrive(is_new=is_new):
            if isinstance(error, Ended):
                self._go_without(error)
            else:  # what is handed over is heard out first
                self._endings.fail(error)

    def _go_without(self, end: Ended) -> None:
        """A relay that lets no further connection in is no fault while others are open."""
        lanes, waiting = self._lanes, self._waiting
        opening = lanes.openings.pending
        lanes.most = max(len(lanes.open) + opening, 1)
        if lanes.open:
            waiting.coming.extendleft(waiting.again)
            waiting.again.clear()
        elif not opening and not self._endings.stopped and (job := waiting.give_up()):
            self._endings.settle(job, Phase.CONNECT, end.code, end.text)

    def _feed(self, lane: Lane[D]) -> None:
        """Begin a letter in an idle lane: in a new one first what was lost with a kept one."""
        if lane.dialogue.carried >= self._per_connection:
            self._retire(lane)
        elif job := self._waiting.next(renewed=lane.is_fresh):
            self._write(lane, job)

    def _retire(self, lane: Lane[D]) -> None:
        """Leave a connection that carried its number, for another one if letters wait for it."""
        waiting, openings = self._waiting, self._lanes.openings
        self._lanes.remove(lane)
        if not self._endings.stopped and waiting.has_more():
            openings.begin(leaving=lane.dialogue)
        else:
            openings.leave(lane.dialogue)

    def _write(self, lane: Lane[D], job: Job) -> None:
        try:
            lane.connection.write_group(lane.open_letter(job))
        except Ended as end:
            self._lose(lane, end, job, _MAIL)
        else:
            lane.wait_from_now()

    # What comes back

    def _wait(self) -> bool:
        """Take in replies and connections until one has come, or a lane's time is up.

        Where letters are composed as they go, compose a few instead, and return True.
        """
        is_busy = self._waiting.work()
        deadline = self._lanes.deadline()
        if is_busy or self._ready:  # the relay waits for those: they are not to wait for others
            self._take_in(0)
        elif deadline is not None:
            self._take_in(deadline - monotonic())
        elif self._lanes.openings.pending:
            self._take_in(None)
        if deadline is not None and monotonic() >= deadline:
            for lane in self._lanes.overdue():
                text = f"no reply within {lane.connection.timeout:g} s"
                self._lose(lane, Ended(0, text, timed_out=True))
        return is_busy

    def _gather(self) -> None:
        """Wait a moment for other lanes' 354 where some are so far: all are asked about at once."""
        until = 0.0
        while 0 < len(self._ready) < len(self._lanes.open) // 2:
            until = until or monotonic() + TOGETHER
            if not self._take_in(until - monotonic()) or monotonic() >= until:
                return

    def _take_in(self, seconds: float | None) -> bool:
        """Wait so long at most for what comes, and take it in; return whether anything came."""
        heard = self._lanes.select(seconds)
        for lane in heard:
            if lane:
                self._hear(lane)
            else:
                self._arrive()
        return bool(heard)

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
            self.answered += 1
            self.waited += monotonic() - lane.handed_at
            self._endings.settle(job, phase, code, text.decode("utf-8", "replace"))
        else:
            if code // 100 != (3 if phase is _DATA else 2) and job.refusal is None:
                job.refusal = phase, code, text.decode("utf-8", "replace")
            if phase is _DATA:
                self._answer_data(lane, job, code)

    def _answer_data(self, lane: Lane[D], job: Job, code: int) -> None:
        if job.refusal is None and not self._endings.stopped:
            self._since = self._since if self._ready else monotonic()
            self._ready.append(lane)
            lane.ready = job
            return
        if job.refusal is None or code // 100 == 3:
            # RFC 2920 section 3.1: a relay may take DATA though no recipient was taken. A letter
            # that is not to go out is given up with its connection: no dot, so no letter.
            self._lanes.drop(lane)
        lane.rset = True
        if job.refusal:
            self._endings.settle(job, *job.refusal)
        if lane.is_used:
            self._feed(lane)

    # Handing over

    def _are_many_ready(self) -> bool:
        """Return whether to ask of them now, or after a few more letters are composed."""
        return bool(self._ready) and (
            len(self._ready) >= len(self._lanes.open) // 4 or monotonic() - self._since > BRIEF
        )

    def _hand_over_ready(self) -> None:
        """Ask of the letters that the relay waits for whether they may still go; write those."""
        ready = [(lane, lane.ready) for lane in self._ready if lane.is_used and lane.ready]
        self._ready = []
        permitted: Collection[int] = ()
        if ready and not self._endings.stopped:
            permitted = self._endings.permit([job.message for _, job in ready])
        for lane, job in ready:
            lane.ready = None
            if self._endings.stopped or job.message.delivery_id not in permitted:
                self._lanes.drop(lane)
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
            self._lanes.drop(lane)
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
            lane.handed_at = lane.deadline - connection.timeout

    # Endings

    def _lose(
        self, lane: Lane[D], end: Ended, job: Job | None = None, phase: Phase = _BODY
    ) -> None:
        """Conclude the letters of a lane that is gone.

        One whose dot left is in doubt. One that was not handed over goes over a new connection
        where a letter before it may be what ended this one, and once where this was a kept one
        that the relay closed (RFC 5321 section 3.8); else it is the relay's outcome.
        """
        kept = lane.is_kept
        doubtful, begun = lane.unfinished(job, phase)
        self._lanes.drop(lane)
        for each in doubtful:
            self._endings.settle(each, _DOT, end.code, end.text)
        for place, each in begun:
            is_relays = judge_reply(place, end.code, end.text) is Verdict.RELAY
            if each.refusal:
                self._endings.settle(each, *each.refusal)
            elif doubtful:
                self._waiting.coming.appendleft(each)
            elif kept and not end.timed_out and is_relays:
                self._waiting.again.append(each)
            else:
                self._endings.settle(each, place, end.code, end.text)
