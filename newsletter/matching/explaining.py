"""Why one query finds one paper after another, for the few pairs that letters carry."""

from __future__ import annotations

from newsletter.matching.base import Reason
from newsletter.matching.chains import MANY_CUTS, ONE_WORD
from newsletter.matching.filing import ANYWHERE
from newsletter.matching.index import Index
from newsletter.matching.phrases import plain_phrase, stands
from newsletter.matching.reading import FIELDS, Reading
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.tree import Atom, Query


class Explainer:
    """One query, with whether synonyms count: the reasons are those of `Index.explain`.

    Most queries are one plain phrase, without a synonym: its letters are looked for, and nothing is
    compiled.
    """

    __slots__ = ("_cuts", "_index", "_key", "_typed", "synonyms")

    def __init__(self, query: Query, expand: bool, synonyms: Synonyms) -> None:
        self.synonyms = synonyms
        self._key, self._typed = "", ""
        self._cuts: tuple[int, ...] = ()
        self._index: Index | None = None
        root = query.root
        if isinstance(root, Atom) and not (root.quoted or root.field):
            plain = plain_phrase(root.words)
            if plain and not (expand and plain[0] in synonyms.keys and synonyms.expand(root)):
                self._key, self._cuts = plain
                self._typed = root.typed or str(root)
        if not self._key:
            self._index = Index(synonyms=synonyms)
            self._index.add(0, query, expand)

    def explain(self, reading: Reading) -> tuple[Reason, ...]:
        """The places where the query finds a paper; none where it does not."""
        if self._index:
            return self._index.explain(reading).get(0, ())
        return self._explain_plain(reading)

    def _explain_plain(self, reading: Reading) -> tuple[Reason, ...]:
        key, cuts, size = self._key, self._cuts, len(self._key)
        is_short = len(cuts) < MANY_CUTS and size < ONE_WORD
        places = []
        for (field, item), text in reading.texts.items():  # in reading order
            joined = text.letters.text
            at = joined.find(key) if field in ANYWHERE else -1
            while at >= 0:
                words = text.letters.words
                if at in words and at + size in words:
                    first, last = words[at], words[at + size]
                    is_cut_up = is_short and last - first > MANY_CUTS
                    if not is_cut_up and stands(cuts, text, first, last):
                        places.append(reading.place((field, item, first, last, 0)))
                at = joined.find(key, at + 1)
        return tuple(
            [
                Reason(FIELDS[field], raw, start, end, self._typed, item)
                for field, item, raw, start, end in dict.fromkeys(places)
            ]
        )
