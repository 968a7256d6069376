"""Hashes of any run of letters of a text, by arrays, and a table of such hashes.

A run c0 c1 … hashes to sum(v(ci) * B**i) modulo 2**64, with a random value for each letter and a
random odd B, drawn anew by each process: nobody can write texts whose runs collide. Two of a
million runs of at most 200 letters are taken for one another once in about ten million years of
daily editions.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_WORD = 2**64
_BASE = secrets.randbits(64) | 1
_INVERSE = pow(_BASE, -1, _WORD)
_KEPT = 2**20  # powers at most
_SPARE_BITS = 2  # a table has four buckets or more for each hash


class Letters:
    """The letters of a text; `between` hashes runs of them."""

    def __init__(self, text: str) -> None:
        codes = (
            np.frombuffer(text.encode("ascii"), np.uint8)
            if text.isascii()
            else np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        )
        self.size = len(codes)
        self._powers, inverse = _powers(self.size + 1)
        self._sums = np.zeros(self.size + 1, np.uint64)
        values = _values()[codes]
        values *= inverse[: self.size]
        np.cumsum(values, out=self._sums[1:])

    def between(self, starts: Ints, ends: Ints) -> Hashes:
        """Hashes of the runs of letters starts..ends-1."""
        found: Hashes = self._sums[ends]
        found -= self._sums[starts]
        found *= self._powers[starts]
        return found


class Table:
    """Distinct hashes and their rows: `find` says which of many hashes are among them."""

    def __init__(self, hashes: Hashes) -> None:
        """`hashes` are distinct and in ascending order."""
        self.hashes = hashes
        bits = max(1, len(hashes).bit_length() + _SPARE_BITS)
        self._shift = np.uint64(64 - bits)
        buckets = (hashes >> self._shift).astype(np.int64)
        self._starts = np.zeros(2**bits + 1, np.int32)
        np.cumsum(np.bincount(buckets, minlength=2**bits), out=self._starts[1:])

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, wanted: Hashes) -> tuple[Ints, Ints]:
        """Which of `wanted` are in the table, and their rows in it."""
        bucket = (wanted >> self._shift).astype(np.int64)
        at, end = self._starts[bucket], self._starts[bucket + 1]
        left = np.flatnonzero(at < end)
        at, end = at[left], end[left]
        found: list[Ints] = []
        rows: list[Ints] = []
        while len(left):
            equal = self.hashes[at] == wanted[left]
            found.append(left[equal])
            rows.append(at[equal].astype(np.int64))
            at += 1
            on = ~equal & (at < end)
            left, at, end = left[on], at[on], end[on]
        return join(found), join(rows)


def join(parts: list[Ints]) -> Ints:
    """The parts one after another; no part is an empty array."""
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def spread(starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """For each n of `rows` all of starts[n]..starts[n+1]-1: places in `rows`, and what is there."""
    first = starts[rows]
    counts = starts[rows + 1] - first
    places = np.repeat(np.arange(len(rows)), counts)
    ends = np.cumsum(counts)
    return places, np.arange(len(places)) + np.repeat(first - ends + counts, counts)


def group(keys: Ints, size: int) -> tuple[Ints, Ints]:
    """The order that sorts `keys` (0..size-1), and where in it each key's begin."""
    order = np.argsort(keys, kind="stable")
    starts = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=size), out=starts[1:])
    return order, starts


@lru_cache(maxsize=1)
def _values() -> Hashes:
    """A random number for each code point."""
    generator = np.random.default_rng(secrets.randbits(128))
    return generator.integers(0, _WORD, 0x110000, np.uint64, endpoint=False)


def _powers(size: int) -> tuple[Hashes, Hashes]:
    """The powers of B and of its inverse, `size` or more; kept for texts that are no longer."""
    kept = 1 << max(16, (size - 1).bit_length())
    return _make_powers(kept) if kept <= _KEPT else _make_powers.__wrapped__(size)


@lru_cache(maxsize=4)
def _make_powers(size: int) -> tuple[Hashes, Hashes]:
    rows = []
    for base in (_BASE, _INVERSE):
        powers = np.full(size, base, np.uint64)
        powers[:1] = 1
        rows.append(np.cumprod(powers, out=powers))
    return rows[0], rows[1]
