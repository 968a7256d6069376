"""One flag for a process and its children: finish the letter in hand, begin no other.

Celery's parent is told of a warm shutdown, its children are not. The flag lives in memory that
forked children share, so that setting it in the parent ends their batches after the letter in hand.
"""

from __future__ import annotations

import mmap
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_flag = mmap.mmap(-1, 1)  # anonymous and shared: a fork inherits it, a new program does not


def ask_to_stop() -> None:
    """Have every batch of this process and its children end after the letter in hand."""
    _flag[0] = 1


def is_stopping() -> bool:
    """Return whether the end was asked for."""
    return bool(_flag[0])


def forget() -> None:
    """Take the request back."""
    _flag[0] = 0


@contextmanager
def stopping_on_signals(*numbers: signal.Signals) -> Iterator[None]:
    """Take these signals as the request for the block; a second one ends the process as usual.

    Only a main thread can: elsewhere the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}

    def stop(number: int, frame: FrameType | None) -> None:
        ask_to_stop()
        signal.signal(number, before[signal.Signals(number)])

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])
        forget()
