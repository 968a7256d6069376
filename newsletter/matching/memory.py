"""The garbage collector kept from looking through what is being built and is no garbage yet."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@cache
def _freeze_once() -> None:
    gc.freeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection within: a build makes millions of objects and no cycles.

    What is there at the first time stays for as long as the process, so it is not looked through
    again either: a collection would walk all of Django for every batch of letters.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    _freeze_once()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
