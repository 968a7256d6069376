"""The words of every stored paper, ready to be searched; kept up as papers come and change.

Most of them are in the files of `volumes`. What changed since those were made stands in a small
part of the process's own, until there is enough of it to make volumes anew, in a process apart.
Searching writes nothing to the database.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from django.db import connection

from newsletter.changes import Moment, read_changes, this_moment
from newsletter.facts import Facts, read_facts_of
from newsletter.matching.base import Document
from newsletter.matching.likeness import Likeness
from newsletter.matching.nearest import Nearest
from newsletter.matching.packs import Array, Pack
from newsletter.matching.postings import Asked, Postings
from newsletter.matching.query import Query
from newsletter.matching.rank import MAX_POPULARITY
from newsletter.matching.relevance import score_papers
from newsletter.matching.similar import MINIMUM
from newsletter.matching.synonyms import Synonyms
from newsletter.models import Paper
from newsletter.papers import list_documents
from newsletter.paths import ROOT
from newsletter.volumes import ENOUGH, NoBook, book_stamp, read_book
from newsletter.withdrawals import LISTED

MOST_FRESH = 1000  # papers beside the files; more wait until volumes are made
MOST_PARTS = 4  # of such papers, before they become one
A_WHILE = 60.0  # seconds between two tries to have volumes made


@dataclass(frozen=True)
class Part:
    """Papers that can be searched: their rows among all facts, and which are as they are now."""

    postings: Postings
    words: Array  # the hash of each paper's words as they were read
    rows: Array
    live: Array  # and not hidden

    @classmethod
    def of(cls, postings: Postings, words: Array, facts: Facts) -> Part:
        rows, there = facts.rows(postings.ids)
        if len(facts):
            there &= (facts.words[rows] == words) & ~facts.hidden[rows]
        return cls(postings, words, rows, there)

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self.postings)


class Hits(NamedTuple):
    """Papers that match: their rows among all facts, and their scores."""

    rows: Array
    scores: Array


@dataclass(frozen=True)
class Searchbook:
    """Every stored paper at one moment, but for the `missing` ones, the oldest."""

    facts: Facts
    parts: tuple[Part, ...]  # volumes, the newest papers first
    fresh: tuple[Part, ...]  # papers beside them
    moment: Moment
    unlisted: int  # papers of which there are no facts yet
    stamp: tuple[int, ...]  # of the files
    missing: int = 0

    def search(self, query: Query, synonyms: Synonyms) -> Hits:
        """Return the papers that match, in no order."""
        rows = [np.zeros(0, np.int64)]
        scores = [np.zeros(0, np.float32)]
        for part in (*self.parts, *self.fresh):
            asked = Asked(part.postings)
            mask = part.postings.find(query, synonyms, asked=asked) & part.live
            if mask.any():
                rows.append(part.rows[mask])
                scores.append(score_papers(part.postings, query, synonyms, asked=asked)[mask])
        return Hits(np.concatenate(rows), np.concatenate(scores))

    def count(self, query: Query, synonyms: Synonyms) -> int:
        """Return how many papers match."""
        return sum(
            int((part.postings.find(query, synonyms) & part.live).sum())
            for part in (*self.parts, *self.fresh)
        )

    def similar(self, document: Document, limit: int) -> list[int]:
        """Return up to `limit` papers most like this one, the most alike first."""
        near: list[tuple[float, int]] = []
        for part, likeness in self._likenesses():
            cosines = np.where(part.live, likeness.cosines(likeness.vector(document)), 0)
            best = np.flatnonzero(cosines >= MINIMUM)
            near += zip((-cosines[best]).tolist(), part.postings.ids[best].tolist(), strict=True)
        return [key for _, key in sorted(near) if key != document.id][:limit]

    def _likenesses(self) -> Iterator[tuple[Part, Likeness]]:
        for part in self.parts:
            yield part, part.likeness
        yield from zip(self.fresh, self._fresh_likenesses, strict=True)

    @cached_property
    def _fresh_likenesses(self) -> list[Likeness]:
        """Papers beside the volumes, by how rare words are in the fullest of these."""
        fullest = max((part.postings for part in self.parts), key=len, default=None)
        return [Likeness(part.postings, fullest) for part in self.fresh]

    @cached_property
    def popularity(self) -> Array:
        """What today's upvotes add to the score of each paper, by row."""
        upvotes = np.maximum(self.facts.upvotes, 0)
        return np.minimum(MAX_POPULARITY, np.log2(1 + upvotes) / 2)  # type: ignore[no-any-return]

    @cached_property
    def nearest(self) -> Nearest:
        """Suggestions of words that the newest full part has; of all papers that they find."""
        parts = [part.postings for part in (*self.parts, *self.fresh)]
        full = max(map(len, parts), default=0) / 2
        newest = next((postings for postings in parts if len(postings) >= full), Postings([]))
        return Nearest(newest, self.count)


_book: Searchbook | None = None
_lock = threading.Lock()
_indexer: subprocess.Popen[bytes] | None = None
_tried = float("-inf")


def current_searchbook() -> Searchbook:
    """Return the words of every stored paper, hidden ones too. One small query if none changed."""
    global _book
    stamp = book_stamp()
    with _lock:
        book = _book
        if book is None or book.stamp != stamp:
            book = _open(stamp)
        changes = read_changes(book.moment)
        if changes.all:
            book = _begin(stamp)
        elif changes.papers:
            book = _change(book, sorted(changes.papers), changes.now)
        elif changes.now != book.moment:
            object.__setattr__(book, "moment", changes.now)  # what was worked out of it stays
        _book = book
    if book.missing or sum(int(part.live.sum()) for part in book.fresh) >= ENOUGH:
        start_indexing()
    return book


def start_indexing() -> bool:
    """Have volumes made in a process apart, unless one was started just now; whether it was.

    Not within a transaction: the other process would not see what it has done.
    """
    global _tried, _indexer
    with _lock:
        running = _indexer is not None and _indexer.poll() is None
        if running or connection.in_atomic_block or time.monotonic() < _tried + A_WHILE:
            return False
        _tried = time.monotonic()
        command = [sys.executable, str(ROOT / "manage.py"), "index_papers", "--background"]
        quiet = subprocess.DEVNULL
        _indexer = subprocess.Popen(
            command, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
    return True


def _open(stamp: tuple[int, ...]) -> Searchbook:
    """What the files have, as it was when they were made."""
    try:
        book = read_book()
    except NoBook:
        return _begin(stamp)
    parts = tuple(Part.of(one.postings, one.words, book.facts) for one in book.volumes)
    return _add_fresh(Searchbook(book.facts, parts, (), book.moment, book.missing, stamp))


def _begin(stamp: tuple[int, ...]) -> Searchbook:
    """The newest papers, without any files."""
    moment = this_moment()
    newest = Paper.objects.order_by("-pk").values_list("pk", flat=True)[:MOST_FRESH]
    facts = read_facts_of(list(newest))
    older = 0
    if len(facts) == MOST_FRESH:
        older = Paper.objects.filter(LISTED, pk__lt=int(facts.ids[0])).count()
    return _add_fresh(Searchbook(facts, (), (), moment, older, stamp))


def _change(book: Searchbook, ids: list[int], now: Moment) -> Searchbook:
    """The book with these papers as they are now."""
    changed = read_facts_of(ids)
    rows, there = book.facts.rows(changed.ids)
    facts = book.facts.with_papers(changed, np.array(ids, np.int64))
    if (
        len(facts) == len(book.facts)
        and there.all()
        and np.array_equal(book.facts.words[rows], changed.words)
        and np.array_equal(book.facts.hidden[rows], changed.hidden)
    ):  # counts that move are all that changed
        return replace(book, facts=facts, moment=now)
    parts = tuple(Part.of(one.postings, one.words, facts) for one in book.parts)
    fresh = tuple(Part.of(one.postings, one.words, facts) for one in book.fresh)
    return _add_fresh(replace(book, facts=facts, parts=parts, fresh=fresh, moment=now))


def _add_fresh(book: Searchbook) -> Searchbook:
    """The book with papers that none of its parts has: as many as may be, the newest."""
    bare = ~book.facts.hidden
    for part in (*book.parts, *book.fresh):
        bare[part.rows[part.live]] = False
    rows = np.flatnonzero(bare)
    room = MOST_FRESH - sum(int(part.live.sum()) for part in book.fresh)
    taken = rows[max(0, len(rows) - max(0, room)) :]
    missing = book.unlisted + len(rows) - len(taken)
    fresh = book.fresh
    if len(taken):
        fresh = (*fresh, _read_part(book.facts, book.facts.ids[taken].tolist()))
    fresh = tuple(part for part in fresh if part.live.any())
    if len(fresh) > MOST_PARTS:
        fresh = (_merge(book.facts, fresh),)
    return replace(book, fresh=fresh, missing=missing)


def _read_part(facts: Facts, ids: list[int]) -> Part:
    papers = Paper.objects.filter(pk__in=ids).order_by("pk")
    postings = Postings([Pack.of(list_documents(papers))])
    rows, _ = facts.rows(postings.ids)
    return Part.of(postings, facts.words[rows], facts)


def _merge(facts: Facts, parts: Sequence[Part]) -> Part:
    postings = Postings(part.postings.pack(part.live) for part in parts)
    words = np.concatenate([part.words[part.live] for part in parts])
    return Part.of(postings, words, facts)
