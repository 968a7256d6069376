"""A gentle limit on what costs time and changes nothing: counted in this process, never stored."""

from __future__ import annotations

import time
from collections import OrderedDict

MOST_KEPT = 10_000  # networks remembered; the longest unseen are forgotten


class Gentle:
    """At most `most` in `seconds` for each key, in this process."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, key: str) -> bool:
        """Count one more for `key`; False once there were too many. Losing a race costs a count."""
        now = time.monotonic()
        began, count = self._seen.get(key, (now, 0))
        if now - began >= self._seconds:
            began, count = now, 0
        self._seen[key] = (began, count + 1)
        self._seen.move_to_end(key)
        while len(self._seen) > MOST_KEPT:
            self._seen.popitem(last=False)
        return count < self._most
