"""What a pipeline works with: its connections, the letters in them, and whom it asks and tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Generic

from newsletter.mail.message import Message, Outcome, Phase
from newsletter.mail.openings import D, Openings
from newsletter.mail.wire import wire_address

Permit = Callable[[Sequence[Message]], Collection[int]]  # the ids of those that may go

_CONNECT, _MAIL, _RCPT, _DATA = Phase.CONNECT, Phase.MAIL, Phase.RCPT, Phase.DATA


def permit_all(messages: Sequence[Message]) -> Collection[int]:
    """Return the ids of all."""
    return {message.delivery_id for message in messages}


@dataclass(slots=True)
class Callbacks:
    """Whom to ask and to tell, as `Transport.send` says."""

    before: Callable[[Message], bool]
    permit: Permit
    handing: Callable[[Message], None]
    done: Callable[[Outcome], None]
    soon: Callable[[Sequence[Message]], None]
    begin: Callable[[Message], None]


class Job:
    """A letter in a lane; `refusal` is what its MAIL, RCPT or DATA was answered with, and where."""

    __slots__ = ("message", "refusal")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.refusal: tuple[Phase, int, str] | None = None


class Lane(Generic[D]):
    """One connection and the replies it owes, in order: where, and of which letter.

    None stands for what concerns no letter. `rset`: a refused letter left a transaction open.
    """

    __slots__ = (
        "_is_new", "connection", "deadline", "dialogue", "handed_at", "is_used", "owed", "ready",
        "rset", "sizes",
    )  # fmt: skip

    def __init__(self, dialogue: D, *, is_new: bool = False, rset: bool = False) -> None:
        self.dialogue = dialogue
        self._is_new = is_new
        self.connection = dialogue.connection
        self.owed: deque[tuple[Phase, Job | None]] = deque()
        self.rset = rset
        self.deadline = 0.0
        self.handed_at = 0.0  # when the last dot left
        self.ready: Job | None = None  # 354 has come for it, and nothing was written since
        self.is_used = True  # False once the pipeline has dropped it
        self.sizes = dialogue.has_extn("size")  # RFC 1870

    @property
    def is_fresh(self) -> bool:
        """Whether it was opened just now and carried nothing yet."""
        return self._is_new and not self.dialogue.carried

    @property
    def is_kept(self) -> bool:
        """Whether it stood open before its present letter: the relay may have closed it since."""
        return not self._is_new or self.dialogue.carried > 1

    def unfinished(
        self, job: Job | None, phase: Phase
    ) -> tuple[list[Job], list[tuple[Phase, Job]]]:
        """Return the letters whose dot left, and those that were begun with how far they were.

        `job` is one that was just being written, at `phase`.
        """
        doubtful: list[Job] = []
        begun = [(phase, job)] if job else []
        if self.ready:
            begun.append((Phase.BODY, self.ready))
        for place, each in self.owed:
            if each is None or any(each is known for _, known in begun):
                continue
            if place is Phase.DOT:
                doubtful.append(each)
            else:
                begun.append((place, each))
        return doubtful, begun

    def open_letter(self, job: Job) -> bytes:
        """Return MAIL, RCPT and DATA of a letter, and note the replies they are owed."""
        message = job.message
        size = f" SIZE={len(message.data)}" if self.sizes else ""
        reset = ""
        if self.rset:
            reset = "RSET\r\n"
            self.owed.append((_CONNECT, None))
            self.rset = False
        self.dialogue.carried += 1
        self.owed += ((_MAIL, job), (_RCPT, job), (_DATA, job))
        return (
            f"{reset}MAIL FROM:<{wire_address(message.sender)}>{size}\r\n"
            f"RCPT TO:<{wire_address(message.recipient)}>\r\nDATA\r\n"
        ).encode("ascii")

    def wait_from_now(self) -> None:
        self.deadline = monotonic() + self.connection.timeout


class Lanes(Generic[D]):
    """The lanes that are open, up to `most` of them, and those on their way."""

    def __init__(self, dialogues: Sequence[D], most: int, openings: Openings[D]) -> None:
        self.open: list[Lane[D]] = []
        self.most = most
        self.openings = openings
        self._selector = DefaultSelector()
        self._selector.register(openings, EVENT_READ)
        for dialogue in dialogues:
            self._add(Lane(dialogue, rset=dialogue.is_open))

    def is_owed(self) -> bool:
        """Return whether a reply is to come."""
        return any(lane.owed or lane.ready for lane in self.open)

    def idle(self) -> list[Lane[D]]:
        return [lane for lane in self.open if not (lane.owed or lane.ready)]

    def deadline(self) -> float | None:
        """Return when the first lane's time is up, of time.monotonic(); None where none is owed."""
        return min((lane.deadline for lane in self.open if lane.owed), default=None)

    def overdue(self) -> list[Lane[D]]:
        now = monotonic()
        return [lane for lane in self.open if lane.owed and now >= lane.deadline]

    def open_further(self, letters: int, lost: int) -> None:
        """Have lanes opened where those there are have more than two of the `letters` each.

        Each that was `lost` with a kept one needs a new one, be there as many as may be.
        """
        count, opening = len(self.open), self.openings.pending
        wanted = max(lost, letters // 2 - count, 1 if letters and not count else 0)
        number = min(wanted, self.most - count) - opening
        if lost and not opening:
            number = max(number, 1)
        for _ in range(number):
            self.openings.begin()

    def select(self, seconds: float | None) -> list[Lane[D] | None]:
        """Wait so long at most, None for ever; return the lanes that spoke, None for arrivals."""
        wait = None if seconds is None else max(seconds, 0)
        return [key.data for key, _ in self._selector.select(wait)]

    def arrive(self, *, is_new: bool) -> list[Exception]:
        """Take in the connections that have come; return why others did not come."""
        errors = []
        for found in self.openings.take():
            if isinstance(found, Exception):
                errors.append(found)
            else:
                self._add(Lane(found, is_new=is_new))
        return errors

    def drop(self, lane: Lane[D]) -> None:
        """Close a lane without a word."""
        self.remove(lane)
        lane.dialogue.close()

    def remove(self, lane: Lane[D]) -> None:
        """Let go of a lane, its connection as it is."""
        if not lane.is_used:
            return
        lane.is_used = False
        self.open.remove(lane)
        lane.owed.clear()
        with suppress(KeyError, ValueError):
            self._selector.unregister(lane.connection)

    def release(self) -> list[D]:
        """Return the connections that may be kept; the lanes are done with."""
        self._selector.close()
        for lane in self.open:
            lane.dialogue.is_open = lane.rset
        return [lane.dialogue for lane in self.open]

    def _add(self, lane: Lane[D]) -> None:
        self.open.append(lane)
        self._selector.register(lane.connection, EVENT_READ, lane)
