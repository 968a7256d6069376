"""What a measurement found, printed: ratios first, for only they mean anything elsewhere."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Values = dict[str, float]
Say = Callable[[str], None]


class Clock:
    """Seconds by name: `with clock.time("build"):`. Says on `say` what is being measured."""

    def __init__(self, say: Say) -> None:
        self.seconds: Values = {}
        self._say = say

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        self._say(f"{name} …")
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def peak_megabytes() -> float:
    """The largest resident size this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(ratios: Mapping[str, float], figures: Mapping[str, float]) -> str:
    """The ratios, then the figures, aligned."""
    width = max(map(len, [*ratios, *figures]))
    lines = [f"{name:<{width}}  {value:>12.2f} x" for name, value in ratios.items()]
    lines += [f"{name:<{width}}  {value:>12,.3f}" for name, value in figures.items()]
    return "\n".join(lines)
