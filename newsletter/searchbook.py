"""The words of every stored paper, ready to be searched; kept up as papers come and change.

Papers are packed in blocks of a thousand by id, which `keep_blocks` stores, so that a process need
not read the papers again. What changed since a process began stands in a small part of its own.
Searching writes nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from django.db.models import CharField, Count, F, Func, Max, Sum, TextField, Value
from django.db.models.functions import MD5, Coalesce, Concat, TruncDate

from newsletter.matching.base import Document
from newsletter.matching.likeness import Likeness
from newsletter.matching.nearest import Nearest
from newsletter.matching.packs import RULES, Array, Pack
from newsletter.matching.postings import Postings
from newsletter.matching.query import Query
from newsletter.matching.relevance import score_papers
from newsletter.matching.similar import MINIMUM
from newsletter.matching.synonyms import Synonyms
from newsletter.models import PackedBlock, Paper
from newsletter.papers import list_documents

BLOCK = 1000  # papers, by id
MOST_FRESH = 500  # changed papers beside the book, before it is made anew
# A transaction may end so much later than its papers are stamped: they are looked for again.
LATE = timedelta(minutes=10)
_READ = ("title", "abstract", "organization", "organization_handle")
_READ_LISTS = ("ai_keywords", "authors", "categories")


class State(NamedTuple):
    """What all stored papers come to: with another state there are others, or changed ones."""

    papers: int
    total: int  # of their ids
    newest: datetime | None


class Facts(NamedTuple):
    """What is known of a paper beside its words; `words` is a hash of the texts it is read from."""

    words: str
    updated: datetime
    upvotes: int
    comments: int
    published: float  # seconds, -inf where it is not known
    day: int  # it was listed on last, or else published or stored: an ordinal


@dataclass(frozen=True)
class Part:
    """Papers that can be searched, and which of them are not to be: changed since, or gone."""

    postings: Postings
    stale: Array

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self.postings)


@dataclass(frozen=True)
class Searchbook:
    """Every stored paper at one moment."""

    state: State
    facts: Mapping[int, Facts]
    main: Part
    fresh: Part

    def search(
        self, query: Query, synonyms: Synonyms, without: Iterable[int]
    ) -> tuple[Array, Array]:
        """Return the ids of the papers that match, none of `without`, and their scores."""
        ids, scores = [], []
        for part in (self.main, self.fresh):
            if not len(part.postings):
                continue
            mask = part.postings.find(query, synonyms) & ~part.stale
            ids.append(part.postings.ids[mask])
            scores.append(score_papers(part.postings, query, synonyms)[mask])
        if not ids:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        found, score = np.concatenate(ids), np.concatenate(scores)
        shown = ~np.isin(found, np.fromiter(without, np.int64))
        return found[shown], score[shown]

    def similar(self, document: Document, without: Iterable[int], limit: int) -> list[int]:
        """Return up to `limit` papers, none of `without`, most like this one first."""
        vector = self.main.likeness.vector(document)
        near: list[tuple[float, int]] = []
        for part, likeness in (
            (self.main, self.main.likeness),
            (self.fresh, self._fresh_likeness),
        ):
            cosines = np.where(part.stale, 0, likeness.cosines(vector))
            best = np.flatnonzero(cosines >= MINIMUM)
            near += zip((-cosines[best]).tolist(), part.postings.ids[best].tolist(), strict=True)
        left_out = {document.id, *without}
        return [key for _, key in sorted(near) if key not in left_out][:limit]

    @cached_property
    def _fresh_likeness(self) -> Likeness:
        return Likeness(self.fresh.postings, self.main.likeness.weights)

    @cached_property
    def columns(self) -> tuple[Array, Array]:
        """The ids in order, and for each its (upvotes, comments, published, day)."""
        ids = np.array(sorted(self.facts), np.int64)
        rows = [self.facts[key][2:] for key in ids.tolist()]
        return ids, np.array(rows, np.float64).reshape(len(rows), 4)

    @cached_property
    def nearest(self) -> Nearest:
        return Nearest(self.main.postings if len(self.main.postings) else self.fresh.postings)


_NONE = Part(Postings([]), np.zeros(0, np.bool_))
_book = Searchbook(State(0, 0, None), {}, _NONE, _NONE)
_lock = threading.Lock()


def current_searchbook() -> Searchbook:
    """Return the words of every stored paper, hidden ones too. One small query if none changed."""
    global _book
    state = _read_state()
    with _lock:
        if _book.state != state:
            _book = _update(_book, state) or _rebuild(state)
        return _book


def keep_blocks() -> int:
    """Store the blocks whose papers' words changed, and return how many; searching reads them."""
    facts = _read_facts()
    blocks = _group(facts)
    stored = dict(PackedBlock.objects.values_list("block", "stamp"))
    changed = [key for key, ids in blocks.items() if stored.get(key) != _stamp(ids, facts)]
    for key in changed:
        PackedBlock.objects.update_or_create(
            block=key,
            defaults={
                "stamp": _stamp(blocks[key], facts),
                "packed": _pack(blocks[key]).to_bytes(),
            },
        )
    PackedBlock.objects.filter(block__in=stored.keys() - blocks.keys()).delete()
    return len(changed)


def _update(book: Searchbook, state: State) -> Searchbook | None:
    """The book with what changed since, or None where it is better made anew."""
    if book.state.newest is None or not book.facts:
        return None
    changed = _read_facts(since=book.state.newest - LATE)
    facts = {**book.facts, **changed}
    if (len(facts), sum(facts)) != state[:2]:
        return None  # some are gone
    words = {key for key, one in changed.items() if _words(book.facts, key) != one.words}
    ids = np.array(sorted(words | set(book.fresh.postings.ids.tolist())), np.int64)
    if len(ids) > MOST_FRESH:
        return None
    if not words:
        return Searchbook(state, facts, book.main, book.fresh)
    postings = Postings([_pack(ids.tolist())])
    main = Part(book.main.postings, book.main.stale | np.isin(book.main.postings.ids, ids))
    return Searchbook(state, facts, main, Part(postings, np.zeros(len(postings), np.bool_)))


def _rebuild(state: State) -> Searchbook:
    facts = _read_facts()
    postings = Postings(_read_blocks(facts))
    known = np.fromiter(facts, np.int64, len(facts))
    return Searchbook(state, facts, Part(postings, ~np.isin(postings.ids, known)), _NONE)


def _read_state() -> State:
    row = Paper.objects.aggregate(papers=Count("pk"), total=Sum("pk"), newest=Max("updated_at"))
    return State(row["papers"], int(row["total"] or 0), row["newest"])


def _read_facts(since: datetime | None = None) -> dict[int, Facts]:
    papers = Paper.objects.order_by("pk")
    if since is not None:
        papers = papers.filter(updated_at__gte=since)
    day = Coalesce("newest_listing", TruncDate("published_at"), TruncDate("stored_at"))
    rows = papers.annotate(words=MD5(_texts()), day=day).values_list(
        "pk", "words", "updated_at", "upvotes", "comments", "published_at", "day"
    )
    return {
        key: Facts(
            words,
            updated,
            upvotes,
            comments,
            published.timestamp() if published else float("-inf"),
            listed.toordinal(),
        )
        for key, words, updated, upvotes, comments, published, listed in rows.iterator(10_000)
    }


def _texts() -> Concat:
    """Everything matching reads of a paper, in one text."""
    gap = Value("\x1f")
    lists = [
        Func(F(name), gap, function="array_to_string", output_field=TextField())
        for name in _READ_LISTS
    ]
    parts: list[Any] = []
    for part in (*map(F, _READ), *lists):
        parts += [part, gap]
    return Concat(*parts, output_field=CharField())


def _words(facts: Mapping[int, Facts], key: int) -> str:
    return facts[key].words if key in facts else ""


def _group(facts: Mapping[int, Facts]) -> dict[int, list[int]]:
    blocks: dict[int, list[int]] = {}
    for key in facts:
        blocks.setdefault(key // BLOCK, []).append(key)
    return blocks


def _stamp(ids: Sequence[int], facts: Mapping[int, Facts]) -> str:
    content = "".join(f"{key} {facts[key].words}\n" for key in ids)
    return hashlib.sha256(f"{RULES}\n{content}".encode()).hexdigest()


def _read_blocks(facts: Mapping[int, Facts]) -> Iterator[Pack]:
    """Yield the pack of each block: the stored one, or one made now where its papers changed."""
    stamps = dict(PackedBlock.objects.values_list("block", "stamp"))
    for key, ids in _group(facts).items():
        if stamps.get(key) == _stamp(ids, facts):
            packed = PackedBlock.objects.values_list("packed", flat=True).get(pk=key)
            yield Pack.from_bytes(bytes(packed))
        else:
            yield _pack(ids)


def _pack(ids: Sequence[int]) -> Pack:
    return Pack.of(list_documents(Paper.objects.filter(pk__in=ids).order_by("pk")))
