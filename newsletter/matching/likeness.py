"""Which of many papers are most like one: the angles of `similar`, from words already packed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from newsletter.matching.base import Document
from newsletter.matching.packs import Array
from newsletter.matching.postings import Postings
from newsletter.matching.reading import ABSTRACT, TITLE
from newsletter.matching.similar import TITLE_WEIGHT, count_words
from newsletter.matching.text import BREAK


class Likeness:
    """The papers of postings as unit vectors; `weights` of words are theirs if none are given."""

    def __init__(self, postings: Postings, weights: Mapping[str, float] | None = None) -> None:
        forms = list(postings.lexicon.by_form)
        counts = _count(postings, forms)
        if weights is None:
            often = np.bincount(counts.indices, minlength=len(forms))
            rarity = np.log((1 + len(postings)) / (often + 0.5))
            self.weights = dict(zip(forms, rarity.tolist(), strict=True))
        else:
            self.weights = dict(weights)
            rarity = np.array([weights.get(form, 0.0) for form in forms])
        data = (1 + np.log(counts.data)) * rarity[counts.indices]
        vectors = csr_array((data, counts.indices, counts.indptr), shape=counts.shape)
        lengths = np.sqrt(vectors.multiply(vectors).sum(axis=1))
        lengths[lengths == 0] = 1
        data = (data / np.repeat(lengths, np.diff(counts.indptr))).astype(np.float32)
        self._vectors = csr_array((data, counts.indices, counts.indptr), shape=counts.shape)
        self._columns = {form: number for number, form in enumerate(forms)}

    def vector(self, document: Document) -> dict[str, float]:
        """A paper's words and their weights, of length 1; words without a weight are left out."""
        counts = count_words(document)
        known = {
            w: (1 + math.log(n)) * self.weights[w] for w, n in counts.items() if w in self.weights
        }
        length = math.sqrt(sum(value * value for value in known.values())) or 1.0
        return {word: value / length for word, value in known.items()}

    def cosines(self, vector: Mapping[str, float]) -> Array:
        """How like each paper is to the one with this vector: 0 to 1, in the postings' order."""
        wanted = np.zeros(self._vectors.shape[1], np.float32)
        for word, value in vector.items():
            if word in self._columns:
                wanted[self._columns[word]] = value
        found: Array = self._vectors @ wanted
        return found


def _count(postings: Postings, forms: list[str]) -> csr_array:
    """How often each form stands in each paper; single letters and numbers say nothing."""
    sizes = [last - first for first, last in postings.lexicon.by_form.values()]
    form_of = np.concatenate(([0], np.repeat(np.arange(len(forms)), sizes))).astype(np.int32)
    says = np.array(
        [form != BREAK and len(form) > 1 and not form.isdigit() for form in forms], np.bool_
    )
    rows, columns, counts = [], [], []
    for field, weight in ((TITLE, TITLE_WEIGHT), (ABSTRACT, 1)):
        stream = postings.streams[field]
        kept = np.flatnonzero(stream.words)
        numbers = form_of[stream.words[kept]]
        good = says[numbers] if len(forms) else np.zeros(0, np.bool_)
        rows.append(stream.paper_of[kept][good].astype(np.int32))
        columns.append(numbers[good])
        counts.append(np.full(int(good.sum()), weight, np.float32))
    table = csr_array(
        (np.concatenate(counts), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(postings), len(forms)),
    )
    table.sum_duplicates()
    return table
