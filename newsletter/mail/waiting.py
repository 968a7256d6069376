"""The letters of a batch that no lane has yet, and whether they may be begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from newsletter.mail.endings import Endings
from newsletter.mail.lanes import Callbacks, Job
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.replies import DETAIL
from newsletter.mail.wire import find_flaw

AHEAD = 32  # letters asked about at once


class Waiting:
    """Letters in the order they go: drawn from `messages` as lanes want them.

    `again` are those lost with a kept connection: they want a new one.
    """

    def __init__(self, messages: Iterator[Message], calls: Callbacks, endings: Endings) -> None:
        self.coming: deque[Job] = deque()
        self.again: deque[Job] = deque()
        self._source = messages
        self._calls = calls
        self._endings = endings

    def has_more(self) -> bool:
        return bool(self.coming or self.again)

    def next(self, *, handing: bool = False) -> Job | None:
        """Return the next letter that may go, asked about just now; None when there is none.

        `handing`: another one is handed over right after this.
        """
        while not self._endings.stopped:
            if not self.coming and not self.refill():
                return None
            job = self.coming.popleft()
            if self.may_go(job, handing=handing):
                return job
        return None

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
        self.coming.extend([Job(message) for message in islice(self._source, AHEAD)])
        if not self.coming:
            return False
        try:
            self._calls.soon([job.message for job in self.coming])
        except Exception as error:
            self._endings.fail(error)
        return not self._endings.stopped
