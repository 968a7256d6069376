"""What a measurement found, printed: ratios first, for only they mean anything elsewhere."""

from __future__ import annotations

import ctypes
import re
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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


def own_megabytes() -> float:
    """The memory this process shares with no other (Linux; elsewhere the peak of all it has)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what was let go is no memory any more
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except (OSError, AttributeError):
        return peak_megabytes()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else peak_megabytes()


def mapped_megabytes(directory: Path) -> float:
    """How much of the files there this process has in memory (Linux; elsewhere 0)."""
    try:
        maps = Path("/proc/self/smaps").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    mine = re.findall(rf"{re.escape(str(directory))}/\S+\n(?:.*\n)*?Rss:\s+(\d+) kB", maps)
    return sum(map(int, mine)) / 1024


def table(ratios: Mapping[str, float], figures: Mapping[str, float]) -> str:
    """The ratios, then the figures, aligned."""
    width = max(map(len, [*ratios, *figures]))
    lines = [f"{name:<{width}}  {value:>12.2f} x" for name, value in ratios.items()]
    lines += [f"{name:<{width}}  {value:>12,.3f}" for name, value in figures.items()]
    return "\n".join(lines)
