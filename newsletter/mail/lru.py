"""A memory of what was used last."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_NONE = object()


class Recent(Generic[K, V]):
    """Keeps values by key, at most `size`, and at least the half of that asked for last.

    Two dictionaries, the newer and the older: what is asked for moves to the newer one, which
    becomes the older one once it is full. That costs a third of keeping an order. `misses` counts
    the values made.
    """

    def __init__(self, size: int) -> None:
        self._half = max(size // 2, 1)
        self._newer: dict[K, V] = {}
        self._older: dict[K, V] = {}
        self.misses = 0

    def get(self, key: K, make: Callable[..., V], *arguments: object) -> V:
        """Return the value of `key`, made by `make(*arguments)` if it is not kept."""
        value = self._newer.get(key, _NONE)
        if value is not _NONE:
            return value  # type: ignore[return-value]
        value = self._older.pop(key, _NONE)
        if value is _NONE:
            self.misses += 1
            value = make(*arguments)
        self.put(key, value)  # type: ignore[arg-type]
        return value  # type: ignore[return-value]

    def put(self, key: K, value: V) -> None:
        """Keep another value for a key."""
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = value
