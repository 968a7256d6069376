"""What a pipeline works with: its connections, the letters in them, and whom it asks and tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, Protocol, TypeVar

from newsletter.mail.connection import Connection, Ended
from newsletter.mail.message import Message, Outcome, Phase

Conclude = Callable[[int, Phase, Ended], Outcome]
Permit = Callable[[Sequence[Message]], Collection[int]]  # the ids of those that may go


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


@dataclass(slots=True, eq=False)
class Job:
    """A letter in a lane; `refusal` is what its MAIL, RCPT or DATA was answered with."""

    message: Message
    refusal: tuple[Phase, Ended] | None = None


D = TypeVar("D", bound=Dialogue)


@dataclass(slots=True, eq=False)
class Lane(Generic[D]):
    """One connection and the replies it owes, in order; None stands for what concerns no letter."""

    dialogue: D
    owed: deque[tuple[Phase, Job | None]] = field(default_factory=deque)
    rset: bool = False  # a refused letter left a transaction open
    deadline: float = 0.0

    @property
    def connection(self) -> Connection:
        return self.dialogue.connection

    @property
    def is_idle(self) -> bool:
        return not self.owed

    def wait_from_now(self) -> None:
        self.deadline = monotonic() + self.connection.timeout
