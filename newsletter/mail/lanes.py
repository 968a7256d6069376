"""What a pipeline works with: its connections, the letters in them, and whom it asks and tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

from newsletter.mail.connection import Connection
from newsletter.mail.message import Message, Outcome, Phase
from newsletter.mail.wire import wire_address

Permit = Callable[[Sequence[Message]], Collection[int]]  # the ids of those that may go

_CONNECT, _MAIL, _RCPT, _DATA = Phase.CONNECT, Phase.MAIL, Phase.RCPT, Phase.DATA


def permit_all(messages: Sequence[Message]) -> Collection[int]:
    """Return the ids of all."""
    return {message.delivery_id for message in messages}


class Dialogue(Protocol):
    """A connection past EHLO, TLS and AUTH; `is_open`: of a refused letter a transaction is."""

    carried: int
    is_open: bool

    connection: Connection

    def has_extn(self, opt: str) -> bool: ...

    def close(self) -> None: ...

    def leave(self) -> None: ...


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


D = TypeVar("D", bound=Dialogue)


class Lane(Generic[D]):
    """One connection and the replies it owes, in order: where, and of which letter.

    None stands for what concerns no letter. `rset`: a refused letter left a transaction open.
    """

    __slots__ = ("connection", "deadline", "dialogue", "is_used", "owed", "rset", "sizes")

    def __init__(self, dialogue: D, *, rset: bool = False) -> None:
        self.dialogue = dialogue
        self.connection = dialogue.connection
        self.owed: deque[tuple[Phase, Job | None]] = deque()
        self.rset = rset
        self.deadline = 0.0
        self.is_used = True  # False once the pipeline has dropped it
        self.sizes = dialogue.has_extn("size")  # RFC 1870

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
