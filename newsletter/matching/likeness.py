"""Which of many papers are most like one: the angles of `similar`, from words already packed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from newsletter.matching.alike import LOG, measure
from newsletter.matching.base import Document
from newsletter.matching.lexicon import hash_words
from newsletter.matching.packs import Array
from newsletter.matching.postings import Postings
from newsletter.matching.similar import MINIMUM, count_words

# Words so frequent that all of them together cannot make papers similar are looked at only in
# papers that others make so.
_LATE = MINIMUM / 2


class Likeness:
    """The papers of postings as unit vectors, their words weighed by how rare they are there.

    With `reference` words are weighed by how rare they are among its papers instead.
    """

    def __init__(self, postings: Postings, reference: Postings | None = None) -> None:
        self._postings = postings
        self._reference = reference or postings
        offsets = postings.arrays["alike offsets"]
        self._papers = postings.arrays["alike papers"]
        self._often = postings.arrays["alike often"]
        self._offsets = offsets
        self._lengths = self._measure()

    def vector(self, document: Document) -> dict[str, float]:
        """A paper's words and their weights, of length 1; words without a weight are left out."""
        counts = count_words(document)
        words = list(counts)
        weights = self._weigh(words)
        known = {w: (1 + math.log(counts[w])) * weights[w] for w in words if w in weights}
        length = math.sqrt(sum(value * value for value in known.values())) or 1.0
        return {word: value / length for word, value in known.items()}

    def cosines(self, vector: Mapping[str, float]) -> Array:
        """How like each paper is to the one with this vector, 0 to 1, in the postings' order.

        What is below `MINIMUM` may be told too low, and is below.
        """
        words = tuple(vector)
        weights = self._weigh(words)
        forms = self._postings.lexicon.forms
        found = [(words[which], form) for which, form in forms.find_all(words, _hashes(words))]
        found.sort(key=lambda one: self._count(one[1]))
        left = sum(vector[word] ** 2 for word, _ in found)
        papers, values = [self._papers[:0]], [np.zeros(0, np.float32)]
        late: list[tuple[str, int]] = []
        for word, form in found:
            if left <= _LATE**2:
                late.append((word, form))
                continue
            having, often = self._having(form)
            papers.append(having)
            values.append(LOG[often] * np.float32(vector[word] * weights[word]))
            left -= vector[word] ** 2
        scores: Array = np.bincount(
            np.concatenate(papers), np.concatenate(values), len(self._postings)
        )
        scores = scores / self._lengths
        near = np.flatnonzero(scores >= MINIMUM - _LATE - 1e-6)
        for word, form in late:
            having, often = self._having(form)
            at = np.searchsorted(having, near.astype(having.dtype))
            at[at == len(having)] = 0
            there = having[at] == near
            value = vector[word] * weights[word] * LOG[often[at[there]]]
            scores[near[there]] += value / self._lengths[near[there]]
        return scores

    def _having(self, form: int) -> tuple[Array, Array]:
        first, last = self._offsets[form], self._offsets[form + 1]
        return self._papers[first:last], self._often[first:last]

    def _count(self, form: int) -> int:
        return int(self._offsets[form + 1]) - int(self._offsets[form])

    def _weigh(self, words: Sequence[str]) -> dict[str, float]:
        """The weights of the words that occur among the papers of reference."""
        reference = self._reference
        offsets = reference.arrays["alike offsets"]
        found = reference.lexicon.forms.find_all(words, _hashes(tuple(words)))
        return {
            words[which]: _rarity(len(reference), int(offsets[form + 1]) - int(offsets[form]))
            for which, form in found
        }

    def _measure(self) -> Array:
        """The length of each paper's vector, by the words of the papers of reference."""
        postings = self._postings
        if self._reference is postings:
            return postings.arrays["alike lengths"]
        lexicon = postings.lexicon
        forms = [lexicon.form(number) for number in range(len(lexicon.forms))]
        weights = self._weigh(forms)
        rarity = np.array([weights.get(form, 0.0) for form in forms])
        return measure(postings.arrays, rarity, len(postings))


@lru_cache(maxsize=8)
def _hashes(words: tuple[str, ...]) -> Array:
    return hash_words(words)


def _rarity(papers: int, having: int) -> float:
    return math.log((1 + papers) / (having + 0.5))
