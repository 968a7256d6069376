"""How one key may be written as several words, and where it is so in many papers, all at once.

A step leads from a letter of the key to a later one by any of the words that read what lies
between. Places are found by walking from the first letter to the end, one step for each word of the
text, and only in papers that have every word that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from newsletter.matching.packs import Array
from newsletter.matching.streams import MANY, Numbers, Stream, among

Steps = Mapping[int, list[tuple[int, Numbers]]]  # from a letter of a key to (a letter, words)


def on_the_way(steps: Steps, size: int, most: int) -> dict[int, list[tuple[int, Numbers]]]:
    """The steps that lead from the first letter of a key to its end in at most so many words."""
    before = {0: 0}  # the fewest words to a letter, and from it to the end
    after = {size: 0}
    for at in sorted(steps):
        if at in before:
            for end, _ in steps[at]:
                before[end] = min(before.get(end, size), before[at] + 1)
    for at in sorted(steps, reverse=True):
        ways = [after[end] + 1 for end, _ in steps[at] if end in after]
        if ways:
            after[at] = min(ways)
    kept: dict[int, list[tuple[int, Numbers]]] = {}
    for at, some in steps.items():
        for end, numbers in some:
            if at in before and end in after and before[at] + 1 + after[end] <= most:
                kept.setdefault(at, []).append((end, numbers))
    return kept


def walk(
    stream: Stream, steps: Steps, size: int, most: int, cuts: Sequence[int]
) -> tuple[Array, Array]:
    """First words and ends of the places of several words that go all steps of a key."""
    papers = _with_steps(stream, steps, size)
    found: list[tuple[Array, int]] = []
    begun: dict[int, Array | None] = {0: None} if papers is not None else {}
    for words in range(most):
        reached: dict[int, list[Array]] = {}
        for at, starts in begun.items():
            for end, numbers in steps.get(at, ()):
                if starts is None:
                    following = [others for _, others in steps.get(end, ())]
                    some = stream.followed(numbers, following, papers)
                else:
                    some = starts[among(stream.words(starts + words), numbers)]
                if len(some):
                    reached.setdefault(end, []).append(some)
        found.extend((starts, words + 1) for starts in reached.pop(size, []))
        kept = {
            at: _may_end(stream, np.concatenate(some), words, at in cuts)
            for at, some in reached.items()
        }
        begun = {at: starts for at, starts in kept.items() if len(starts)}
        if not begun:
            break
    return _ranges(found)


def _with_steps(stream: Stream, steps: Steps, size: int) -> Array | None:
    """The papers that may have words for all steps of a key; None if there are none."""
    reached: dict[int, Array] = {}
    for at in sorted(steps):
        if at and (at not in reached or not reached[at].any()):
            continue
        for end, numbers in steps[at]:
            if at and len(numbers) > MANY:
                papers = reached[at]
            else:
                papers = stream.having(numbers)
                if at:
                    papers &= reached[at]
            reached[end] = reached[end] | papers if end in reached else papers
    last = reached.get(size)
    return last if last is not None and last.any() else None


def _may_end(stream: Stream, starts: Array, size: int, cut: bool) -> Array:
    """Which of `starts` may be cut after the word `size`: as typed, or where words join."""
    if cut or not len(starts):
        return starts
    last = starts + size
    loose = stream.lexicon.loose
    joins = stream.joined(last)
    rest = np.flatnonzero(~joins)
    rest = rest[loose[stream.words(last[rest])]]
    joins[rest] = loose[stream.words(last[rest] + 1)]
    kept: Array = starts[joins]
    return kept


def _ranges(found: Sequence[tuple[Array, int]]) -> tuple[Array, Array]:
    starts = [some for some, _ in found] or [np.zeros(0, np.uint32)]
    ends = [some + size for some, size in found] or [np.zeros(0, np.uint32)]
    return np.concatenate(starts), np.concatenate(ends)
