"""A batch of letters and a book of what was asked and told while sending it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from newsletter.mail.message import Message, Outcome, Verdict
from newsletter.mail.transport import Transport, parse_relay
from newsletter.mail.waiting import Source

SENDER = "bounces+1@papers.example"


def make_messages(*locals_: str, size: int = 200) -> list[Message]:
    """One letter to each local part, numbered from 1."""
    body = b"A line of a letter, with a dot at its end.\r\n" * (size // 44)
    return [
        Message(
            number,
            SENDER,
            f"{local}@reader.example",
            b"Message-ID: <%d.d@papers.example>\r\nSubject: Papers\r\n\r\n%b" % (number, body),
        )
        for number, local in enumerate(locals_, 1)
    ]


class Stepping(Source):
    """Makes its letters ready a few at a time, as one that composes them meanwhile.

    `at_work` is told before each time.
    """

    def __init__(self, messages: Sequence[Message], few: int = 3) -> None:
        super().__init__()
        self._coming = list(messages)
        self._at_hand: list[Message] = []
        self._few = few
        self.at_work: Callable[[], None] = lambda: None

    def has_more(self) -> bool:
        return bool(self._coming or self._at_hand)

    def draw(self, most: int) -> list[Message]:
        drawn, self._at_hand = self._at_hand[:most], self._at_hand[most:]
        return drawn

    def work(self) -> bool:
        if not self._coming:
            return False
        self.at_work()
        self._at_hand += self._coming[: self._few]
        self._coming = self._coming[self._few :]
        return True


@dataclass
class Book:
    """The caller's side of a batch: vetoes by id, and records every call in order."""

    vetoed: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)  # refused only after RCPT
    calls: list[tuple[str, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    on_before: Callable[[], None] = lambda: None

    def before(self, message: Message) -> bool:
        self.calls.append(("before", message.delivery_id))
        self.on_before()
        return message.delivery_id not in self.vetoed

    def permit(self, messages: Sequence[Message]) -> set[int]:
        return {message.delivery_id for message in messages} - self.withdrawn

    def handing(self, message: Message) -> None:
        self.calls.append(("handing", message.delivery_id))

    def done(self, outcome: Outcome) -> None:
        self.calls.append(("done", outcome.delivery_id))
        self.outcomes.append(outcome)

    def send(self, transport: Transport, messages: Iterable[Message] | Source) -> bool:
        return transport.send(messages, self.before, self.handing, self.done, self.permit)

    def verdicts(self) -> list[Verdict]:
        return [outcome.verdict for outcome in self.outcomes]

    def handed(self) -> list[int]:
        return [number for name, number in self.calls if name == "handing"]


def send_batch(url: str, *locals_: str, timeout: float = 5) -> Book:
    """Send one batch over one transport and return its book."""
    book = Book()
    with Transport(parse_relay(url, timeout)) as transport:
        book.send(transport, make_messages(*locals_))
    return book
