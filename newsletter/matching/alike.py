"""What of papers says how alike they are: how often each has each word, title and abstract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newsletter.matching.lexicon import Arrays, Lexicon
from newsletter.matching.packs import Array
from newsletter.matching.reading import ABSTRACT, TITLE
from newsletter.matching.similar import TITLE_WEIGHT
from newsletter.matching.streams import Stream
from newsletter.matching.text import BREAK

WEIGHTS = {TITLE: TITLE_WEIGHT, ABSTRACT: 1}
_MOST = 255  # how often a word counts in a paper; more is as much
LOG = (1 + np.log(np.maximum(np.arange(_MOST + 1), 1))).astype(np.float32)  # what it counts


def compile_alike(
    lexicon: Lexicon, streams: Sequence[tuple[Stream, int]], papers: int
) -> dict[str, Array]:
    """The arrays of a `Likeness`; single letters and numbers say nothing.

    For each form the papers that have it and how often, a word of the title counted twice.
    """
    from scipy.sparse import csr_array  # slow to import, and most processes never need it

    size = len(lexicon.forms)
    forms = (lexicon.form(number) for number in range(size))
    says = np.fromiter(
        (form != BREAK and len(form) > 1 and not form.isdigit() for form in forms), np.bool_, size
    )
    table = csr_array((size, papers), dtype=np.uint16)
    for stream, field in streams:
        having, often, offsets = stream.by_surface()
        starts = offsets[lexicon.firsts]  # of forms: their surfaces are side by side
        kept = np.repeat(says, np.diff(starts))
        sizes = np.where(says, np.diff(starts), 0)
        table = table + csr_array(
            (
                often[kept].astype(np.uint16) * np.uint16(WEIGHTS[field]),
                having[kept].astype(np.int32),
                np.concatenate(([0], np.cumsum(sizes))).astype(np.int32),
            ),
            shape=(size, papers),
        )
        table.sum_duplicates()
    arrays = {
        "alike offsets": table.indptr.astype(np.uint32),
        "alike papers": table.indices.astype(np.min_scalar_type(papers)),
        "alike often": np.minimum(table.data, _MOST).astype(np.uint8),
    }
    rarity = np.log((1 + papers) / (np.diff(table.indptr) + 0.5))
    return arrays | {"alike lengths": measure(arrays, rarity, papers)}


def measure(arrays: Arrays, rarity: Array, papers: int) -> Array:
    """The length of each paper's vector, 1 where it has none, by how rare each form is."""
    many: Array = np.diff(arrays["alike offsets"].astype(np.int64))
    weights = np.repeat(rarity.astype(np.float32), many)
    weights *= LOG[arrays["alike often"]]
    squares = np.bincount(arrays["alike papers"], weights * weights, papers)
    lengths = np.sqrt(squares).astype(np.float32)
    lengths[lengths == 0] = 1
    return lengths
