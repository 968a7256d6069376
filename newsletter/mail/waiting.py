"""The letters of a batch that no lane has yet, and whether they may be begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from newsletter.mail.endings import Endings
from newsletter.mail.lanes import Callbacks, Job
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.replies import DETAIL
from newsletter.mail.wire import find_flaw

AHEAD = 32  # letters asked about at once, at least


class Source:
    """Letters to send, in their order; here such as are all at hand.

    Another kind may compose them as it goes, in its `work`.
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages = deque(messages)

    def has_more(self) -> bool:
        """Return whether `draw` may give another one, now or after some `work`."""
        return bool(self._messages)

    def draw(self, most: int) -> list[Message]:
        """Return the next letters that are ready, so many at most."""
        return [self._messages.popleft() for _ in range(min(most, len(self._messages)))]

    def work(self) -> bool:
        """Do a moment's work on letters to come; False where there is none."""
        return False

    def next(self) -> Message | None:
        """Return the next letter, however much work it is; None after the last."""
        while self.has_more():
            if drawn := self.draw(1):
                return drawn[0]
            self.work()
        return None


class Waiting:
    """Letters in the order they go: drawn from `source` as lanes want them, `ahead` at once.

    `again` are those lost with a kept connection: they want a new one.
    """

    def __init__(
        self, source: Source, calls: Callbacks, endings: Endings, ahead: int = AHEAD
    ) -> None:
        self.coming: deque[Job] = deque()
        self.again: deque[Job] = deque()
        self._source = source
        self._calls = calls
        self._endings = endings
        self._ahead = ahead

    def has_more(self) -> bool:
        return bool(self.coming or self.again or self._source.has_more())

    def work(self) -> bool:
        """Use a moment in which no reply has come; return False where there is nothing to do."""
        try:
            return not self._endings.stopped and self._source.work()
        except Exception as error:  # what is handed over is heard out first
            self._endings.fail(error)
            return False

    def next(self, *, handing: bool = False, renewed: bool = False) -> Job | None:
        """Return the next letter that may go, asked about just now; None when there is none.

        `handing`: another one is handed over right after this. `renewed`: over a new connection.
        """
        while renewed and self.again:
            if self.may_go(job := self.again.popleft()):
                return job
        while not self._endings.stopped:
            if not self.coming and not self.refill():
                return None
            job = self.coming.popleft()
            if self.may_go(job, handing=handing):
                return job
        return None

    def give_up(self) -> Job | None:
        """Return the letter whose outcome it is that a relay lets nobody in; None: no letter."""
        if self.again:
            return self.again.popleft()
        return self.coming.popleft() if self.coming or self.refill() else None

    def may_go(self, job: Job, *, handing: bool = False) -> bool:
        """Ask whether a letter may be begun; one that cannot go on the wire ends here."""
        message = job.message
        try:
            if self._endings.stopped or not self._calls.before(message):
                return False
            if not handing:
                self._calls.begin(message)
        except Exception as error:
            self._endings.fail(error)
            return False
        if flaw := find_flaw(message):
            outcome = Outcome(message.delivery_id, Verdict.CONTENT, 0, flaw[:DETAIL])
            self._endings.tell(outcome)
            return False
        return True

    def refill(self) -> bool:
        """Draw further letters and tell of them; False where there are none, or none may go."""
        try:
            self.coming.extend([Job(message) for message in self._source.draw(self._ahead)])
            if not self.coming:
                return False
            self._calls.soon([job.message for job in self.coming])
        except Exception as error:
            self._endings.fail(error)
        return not self._endings.stopped
