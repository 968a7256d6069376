"""One worker of `bench letters`, a process of its own: sends what is due, and says what it took.

Reads a line to begin; writes one line of JSON. Its CPU time is counted by the steps of a batch.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

SAMPLE = 500  # letters kept to be sent again by the plain client
PAUSE = 0.02  # seconds
# The steps of a batch, where they are called: module or class, name, step.
STEPS = (
    ("sending", "claim_deliveries", "claim"),
    ("digests", "read_readers", "read readers"),
    ("digests", "read_material", "read papers and matches"),
    ("digests", "pick_shares", "pick"),
    ("digests", "_write_digest", "write the digest"),
    ("Composer", "compose", "compose"),
    ("composing", "prepare_deliveries", "record"),
    ("sending", "record_outcomes", "record"),
    ("Transport", "send", "send"),
)


class Times:
    """CPU seconds by step; what a step does inside another one counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    def wrap(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function`, its time counted."""

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            self._inner.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                took = time.process_time() - started
                own = took - self._inner.pop()
                self._inner[-1] += took
                self.seconds[step] = self.seconds.get(step, 0.0) + own

        return timed


def drain() -> dict[str, int]:
    """Send until nothing is due; return the counts by state.

    While another worker has the edition's first letters in hand none may be claimed: then it waits.
    """
    from newsletter.days import drain_deliveries, has_due_deliveries

    states: dict[str, int] = {}
    while has_due_deliveries():
        drained = drain_deliveries()
        for state, number in drained.states.items():
            states[state] = states.get(state, 0) + number
        if drained.why:
            raise RuntimeError(f"nothing may be sent: {drained.why}")
        if not drained.states:
            time.sleep(PAUSE)
    return states


def keep_first(path: Path) -> None:
    """Have the first letters that are composed written to `path`, a NUL between two."""
    from newsletter.digests import Composer

    compose = Composer.compose
    kept = 0

    def keep(composer: Composer, *arguments: Any) -> Any:
        nonlocal kept
        composed = compose(composer, *arguments)
        for message in composed.messages[: SAMPLE - kept]:
            with path.open("ab") as file:
                file.write(b"\0" * bool(kept) + message.data)
            kept += 1
        return composed

    Composer.compose = keep  # type: ignore[method-assign,assignment]


def main(sample: str) -> None:
    """Send all that is due; keep the first letters in the file `sample`."""
    django.setup()
    from newsletter import composing, digests, sending
    from newsletter.bench.report import peak_megabytes
    from newsletter.mail.letters import LETTERS
    from newsletter.mail.transport import Transport

    times = Times()
    if sample:
        keep_first(Path(sample))
    places: dict[str, Any] = {
        "sending": sending,
        "digests": digests,
        "composing": composing,
        "Composer": digests.Composer,
        "Transport": Transport,
    }
    for place, name, step in STEPS:
        setattr(places[place], name, times.wrap(step, getattr(places[place], name)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    started, cpu = time.perf_counter(), time.process_time()
    states = drain()
    report = {
        "states": states,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "steps": times.seconds,
        "peak": peak_megabytes(),
        "joined": LETTERS.joined,
        "whole": LETTERS.whole,
        "cards": LETTERS.cards_made,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
