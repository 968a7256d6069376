"""A memory of what was used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps the values of the `size` keys asked for last; `misses` counts those made."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self.misses = 0

    def get(self, key: K, make: Callable[..., V], *arguments: object) -> V:
        """Return the value of `key`, made by `make(*arguments)` if it is not kept."""
        values = self._values
        try:
            value = values[key]
        except KeyError:
            self.misses += 1
            value = values[key] = make(*arguments)
            if len(values) > self._size:
                values.popitem(last=False)
            return value
        values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep another value for a key."""
        self._values[key] = value
