"""A digest as a message, joined from parts where it can be, composed whole where it must be."""

from __future__ import annotations

import logging
import threading
from email import message_from_bytes

from django.template import engines

from newsletter.mail.compose import compose_message
from newsletter.mail.inliner import Unprovable
from newsletter.mail.joining import Joiner
from newsletter.mail.letter import Digest, Envelope
from newsletter.mail.render import render_digest

logger = logging.getLogger(__name__)
SAMPLED = frozenset({1, 10, 100, 1_000})  # letters that are composed both ways, and then
EVERY = 10_000  # one of so many


class Letters(threading.local):
    """Makes the messages of one thread, as long as the templates stay the same.

    Of `joined` and `whole` letters it keeps count. Should a joined letter ever differ from the
    whole one, the whole one is sent, and all after it are composed whole.
    """

    def __init__(self) -> None:
        self._begin(None)

    def _begin(self, engine: object) -> None:
        self._engine = engine
        self._joiner = Joiner()
        self._trusted = True
        self._told = False
        self.joined = self.whole = 0

    @property
    def cards_made(self) -> int:
        """How many cards were put together; the others were at hand."""
        return self._joiner.cards.misses

    def compose(self, digest: Digest, envelope: Envelope) -> tuple[bytes, bool]:
        """Return the message, and whether it was joined; `LetterError` if it must not be sent."""
        if engines["django"] is not self._engine:
            self._begin(engines["django"])
        if self._trusted:
            try:
                data = self._joiner.join(digest, envelope)
            except Unprovable as reason:
                self._tell(reason)
            else:
                self.joined += 1
                return self._check(data, digest, envelope) if self._is_sample() else (data, True)
        self.whole += 1
        return compose_message(render_digest(digest), envelope), False

    def _is_sample(self) -> bool:
        return self.joined in SAMPLED or not self.joined % EVERY

    def _check(self, data: bytes, digest: Digest, envelope: Envelope) -> tuple[bytes, bool]:
        whole = compose_message(render_digest(digest), envelope)
        if is_same_message(data, whole):
            return data, True
        self._trusted = False
        logger.error("a joined letter differs from the whole one: letters are composed whole")
        return whole, False

    def _tell(self, reason: Unprovable) -> None:
        if not self._told:
            logger.warning("letters are composed whole, which is slow: %s", reason)
        self._told = True


def is_same_message(one: bytes, other: bytes) -> bool:
    """Return whether two messages have the same headers and, decoded, the same parts."""
    return _read(one) == _read(other)


def _read(data: bytes) -> list[object]:
    found: list[object] = []
    for part in message_from_bytes(data).walk():
        found.append(part.items())
        if not part.is_multipart():
            body = part.get_payload(decode=True)
            found.append(body.replace(b"\r\n", b"\n") if isinstance(body, bytes) else body)
    return found


LETTERS = Letters()
