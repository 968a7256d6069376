"""What is asked before a letter goes out, and while it is composed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from newsletter.lastlook import find_standings
from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.receipts import Receipts
from newsletter.stopping import is_stopping

COMPOSE_SECONDS = 20.0  # of this process's own time: more is no letter but a loop
MOST_DOUBTS = 2  # in a row: then the relay hangs, and the other letters are not risked


STALE_WORD = 0.5  # seconds after which a permission to hand over is asked for again


class Withdrawn(Exception):  # noqa: N818 - it is what happened
    """What was permitted a moment ago no longer is: the final dot must not go out."""


class LetterHung(Exception):  # noqa: N818 - it is what happened
    """A letter was composed for so long that it never will be."""


class Guard:
    """Asked by the transport: may this letter go? Keeps what is cancelled, and why it ended early.

    `cancelled` maps a letter's id to the reason. What the guard refused otherwise is given back.
    """

    def __init__(
        self,
        owner: str,
        receipts: Receipts,
        deadline: float,
        ends: Callable[[], bool] = is_stopping,
    ) -> None:
        self._owner = owner
        self._receipts = receipts
        self._deadline = deadline
        self._ends = ends
        self._doubts = 0
        self._permitted: dict[int, float] = {}  # by id: when that was asked
        self._refused: set[int] = set()
        self.cancelled: dict[int, str] = {}
        self.outcomes: list[Outcome] = []

    @property
    def hangs(self) -> bool:
        """Whether the relay left the last letters without a reply."""
        return self._doubts >= MOST_DOUBTS

    def may_begin(self, message: Message) -> bool:
        """Return False once the lease nears its end, a stop is asked for, or the relay hangs."""
        if self._ends() or self._doubts >= MOST_DOUBTS or time.monotonic() >= self._deadline:
            return False
        return message.delivery_id not in self._refused

    def begin(self, message: Message) -> None:
        """Note the letter as the one this process is at: should it end, it was at that one."""
        self._receipts.begin(message.delivery_id)

    def expect(self, messages: Sequence[Message]) -> None:
        """Look at letters whose turn comes soon: what may not go is not even begun."""
        permitted = self.may_hand_over(messages)
        self._refused.update([m.delivery_id for m in messages if m.delivery_id not in permitted])

    def may_hand_over(self, messages: Sequence[Message]) -> set[int]:
        """Return the ids of the letters that are still ours, wanted, and not held back.

        Asked when the relay waits for their bodies.
        """
        now = time.monotonic()
        letters = {message.delivery_id: message.recipient for message in messages}
        permitted = set()
        for key, standing in find_standings(self._owner, letters).items():
            if not standing.held or standing.paused:
                continue
            if standing.wanted and standing.uncancelled:
                permitted.add(key)
                self._permitted[key] = now
            else:
                gone = not standing.wanted
                self.cancelled[key] = (
                    "unsubscribed meanwhile" if gone else "cancelled by the operator"
                )
        return permitted

    def hand_over(self, message: Message) -> None:
        """Write the receipt that the final dot comes next; raise where it must not come.

        This process may have been stopped since it asked: a word that is not fresh is asked again.
        """
        late = time.monotonic() - self._permitted.get(message.delivery_id, 0.0) > STALE_WORD
        if late and not self.may_hand_over([message]):
            raise Withdrawn(f"delivery {message.delivery_id} may no longer be handed over")
        self._receipts.handing(message.delivery_id)

    def note_outcome(self, outcome: Outcome) -> None:
        """Keep an outcome, and write its receipt."""
        self.outcomes.append(outcome)  # first: were the disk full now, the ledger would still know
        self._doubts = self._doubts + 1 if outcome.verdict is Verdict.IN_DOUBT else 0
        self._receipts.outcome(outcome)


class Watch:
    """Ends the composing of a letter that takes 20 seconds of processor time; a context manager.

    Only in a process's main thread, where Python takes signals; Celery's time limit does the rest.
    """

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._armed = threading.current_thread() is threading.main_thread()
        self._before: object = None

    def begin(self, delivery_id: int) -> None:
        """Note the letter as the one this process is at, and start its time."""
        self._receipts.begin(delivery_id)
        if self._armed:
            signal.setitimer(signal.ITIMER_VIRTUAL, COMPOSE_SECONDS)

    def __enter__(self) -> Watch:
        if self._armed:
            self._before = signal.signal(signal.SIGVTALRM, self._end)
        return self

    def __exit__(self, *error: object) -> None:
        if self._armed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, self._before or signal.SIG_DFL)  # type: ignore[arg-type]
        if not any(error):
            self._receipts.begin(0)

    @staticmethod
    def _end(number: int, frame: FrameType | None) -> None:
        raise LetterHung(f"it took more than {COMPOSE_SECONDS:g} seconds")


def domain_of(address: str) -> str:
    """Return the domain of an address in lower case."""
    return address.rpartition("@")[2].lower()


def group_domains(addresses: Mapping[int, str]) -> dict[str, list[int]]:
    """Return {domain: ids} of {id: address}, ids in the order given."""
    found: dict[str, list[int]] = {}
    for key, address in addresses.items():
        found.setdefault(domain_of(address), []).append(key)
    return found
