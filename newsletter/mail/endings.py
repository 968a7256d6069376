"""What becomes of the letters of a batch: told as soon as it is known, and when it ends the batch.

What was handed over is heard out whatever happens elsewhere; only no further letter is begun.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from newsletter.mail.lanes import Callbacks, Job
from newsletter.mail.message import Message, Outcome, Phase, Verdict
from newsletter.mail.replies import conclude

_DOT, _RELAY, _OURS = Phase.DOT, Verdict.RELAY, Verdict.OURS


class Endings:
    """The outcomes of one batch on their way to the caller.

    `stopped`: no letter may be begun any more, as the relay is away, it refuses us, or `error` came
    of asking or telling the caller.
    """

    def __init__(self, calls: Callbacks) -> None:
        self.stopped = False
        self.error: Exception | None = None
        self._calls = calls
        self._handed: dict[int, Job] = {}  # those whose dot is out and unanswered

    def settle(self, job: Job, phase: Phase, code: int, text: str) -> None:
        """Tell what a reply, or with `code` 0 the loss of the connection, means for a letter."""
        outcome = conclude(job.message.delivery_id, phase, code, text)
        stops = outcome.verdict is _RELAY or outcome.verdict is _OURS
        if not (stops and self.stopped and phase is not _DOT):
            self.tell(outcome)
        self._handed.pop(id(job), None)
        if stops:
            self.stopped = True

    def tell(self, outcome: Outcome) -> None:
        try:
            self._calls.done(outcome)
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Keep the first error of the caller's, to be raised once all lanes are quiet."""
        self.error = self.error or error
        self.stopped = True

    def permit(self, messages: Sequence[Message]) -> Collection[int]:
        """Return the ids of those that may still go."""
        try:
            return self._calls.permit(messages)
        except Exception as error:  # what is handed over is heard out first
            self.fail(error)
            return ()

    def hand_over(self, job: Job) -> bool:
        """Tell that the final dot comes next; False where it must not come."""
        try:
            self._calls.handing(job.message)
        except Exception as error:
            self.fail(error)
            return False
        self._handed[id(job)] = job
        return True

    def take_back(self, job: Job) -> None:
        """Note that the dot did not leave after all."""
        del self._handed[id(job)]

    def report_doubts(self) -> None:
        """Report what was handed over and not answered as in doubt."""
        text = "interrupted after the final dot"
        for job in list(self._handed.values()):
            with suppress(Exception):
                self._calls.done(Outcome(job.message.delivery_id, Verdict.IN_DOUBT, 0, text))
