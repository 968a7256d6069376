"""A claimed batch on its way to the relay: composed, written into the ledger, let go or held back.

To a relay next door all letters are composed before the first is sent, so that they are under way
for as short as may be: what a killed process leaves in doubt is what was under way. To one that
takes its time they are under way for nearly all of it anyhow, and composing fills that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from django.conf import settings

from newsletter.deliveries import Claimed, Entry, prepare_deliveries
from newsletter.digests import Composed, Composer
from newsletter.guard import Watch, group_domains
from newsletter.mail.message import Message
from newsletter.mail.receipts import Receipts
from newsletter.mail.waiting import Source
from newsletter.material import Material
from newsletter.models import Delivery
from newsletter.stopping import is_stopping
from newsletter.throttle import Limit, line_up, take

FAR = 0.005  # seconds from a letter's dot to its reply: then letters are composed meanwhile
FEW = 4  # letters composed between two looks at what has come: a moment, two milliseconds
PREPARED = 64  # letters written into the ledger at once

Record = Callable[[Sequence[Entry]], None]


class Composing(Source):
    """The letters of a batch, ready once the ledger knows them.

    `record` writes what is no letter: empty, failed, held back. `recipients` are those of all that
    were ready, by delivery; `leased` is when the first got their lease, of time.monotonic().
    """

    def __init__(
        self,
        owner: str,
        claimed: Sequence[Claimed],
        material: Material,
        receipts: Receipts,
        record: Record,
        *,
        is_far: bool,
    ) -> None:
        super().__init__()
        self.recipients: dict[int, str] = {}
        self.leased = time.monotonic()
        self._owner = owner
        self._composer = Composer(claimed, material)
        self._receipts = receipts
        self._record = record
        self._few = FEW if is_far else len(claimed)
        self._composed = Composed()  # not in the ledger yet
        if not is_far:
            self._compose()

    def has_more(self) -> bool:
        return bool(self._messages) or not (self._composer.is_done or is_stopping())

    def work(self) -> bool:
        """Compose a few letters."""
        if self._composer.is_done or is_stopping():
            return False
        self._compose()
        return True

    def _compose(self) -> None:
        with Watch(self._receipts) as watch:
            few = self._composer.compose(self._few, watch.begin)
        self._composed.add(few)
        if self._composer.is_done or len(self._composed.messages) >= PREPARED:
            composed, self._composed = self._composed, Composed()
            self._prepare(composed)

    def _prepare(self, composed: Composed) -> None:
        self._record(composed.entries)
        if not self.recipients:
            self.leased = time.monotonic()
        held = prepare_deliveries(self._owner, composed.letters)
        messages = [message for message in composed.messages if message.delivery_id in held]
        messages = self._hold_back(messages)
        self.recipients |= {message.delivery_id: message.recipient for message in messages}
        self._messages += messages

    def _hold_back(self, messages: list[Message]) -> list[Message]:
        """Return the letters that the limits of their domains let go now; give the others back."""
        limits = {name: Limit(*limit) for name, limit in settings.DOMAIN_LIMITS.items()}
        if not limits:
            return messages
        groups = group_domains({m.delivery_id: m.recipient for m in messages})
        bound = {name: ids for name, ids in groups.items() if name in limits}
        grants = take({f"domain {n}": (limits[n], len(ids)) for n, ids in bound.items()})
        later: set[int] = set()
        for name, ids in bound.items():
            late = ids[grants[f"domain {name}"].letters :]
            later.update(late)
            waits = line_up(name, limits[name], len(late))
            self._record(
                [
                    Entry(key, Delivery.State.QUEUED, delay=wait, burns_attempt=False)
                    for key, wait in zip(late, waits, strict=True)
                ]
            )
        return [message for message in messages if message.delivery_id not in later]
