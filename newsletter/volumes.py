"""The words of all stored papers in files under `var/`, which every process of the machine maps.

Papers are in volumes by id. A volume is made anew when words of its papers changed, of its own
arrays and of the papers that changed, so that no paper is read twice. `book.words` says which
volumes belong together, and what was known of every paper beside its words. All of it is a cache:
deleted, or of another database, it is made again of what the database has.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from django.conf import settings
from django.db.models import Max

from newsletter.arrayfiles import BadArrayFile, Note, open_arrays, read_note, write_arrays
from newsletter.changes import Moment, identify_database, read_changes, this_moment
from newsletter.facts import Facts, no_facts, read_facts, read_facts_of
from newsletter.matching.packs import RULES, Array, Pack
from newsletter.matching.postings import Postings
from newsletter.matching.unpacking import compile_postings
from newsletter.models import Paper, PaperChange
from newsletter.papers import list_documents

VOLUME = 32_768  # papers, by id
PACKED = 1000  # papers read at once
LAYOUT = 1  # of the files: with another one they are made anew
CHECKED = 24 * 3600  # seconds until every paper is looked at again, whatever the log says
KEPT_CHANGES = 5 * 24 * 3600  # seconds; a book that is older cannot be told what changed
ENOUGH = 300  # changed papers, for which it is worth to make volumes anew
STILL_GOOD = 0.8  # of a volume's papers are still as they were; below that it is made anew at once
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Volume:
    """Papers that can be searched, and the hash of each one's words as they were read."""

    postings: Postings
    words: Array


@dataclass(frozen=True, slots=True)
class Book:
    """What the files have: everything as it was at `moment`, but for the `missing` papers."""

    facts: Facts
    volumes: tuple[Volume, ...]
    moment: Moment
    missing: int


class NoBook(Exception):  # noqa: N818
    """There are no files, or not of this database."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was done: papers whose words were read, volumes that were made."""

    papers: int
    volumes: int


def directory() -> Path:
    return Path(settings.VAR_DIR) / "search"


def read_book() -> Book:
    """Return what the files have; `NoBook` where that is nothing."""
    for _ in range(3):  # files go while another process makes new ones
        try:
            note, arrays = _read_manifest()
            facts = Facts(**arrays)
            volumes = tuple(_open_volume(directory() / name) for name in note["volumes"])
        except BadArrayFile as error:
            problem = error
            continue
        return Book(facts, volumes, Moment(note["low"]), note["missing"])
    raise NoBook(str(problem)) from problem


def book_stamp() -> tuple[int, ...]:
    """Return what is another one when the files are others."""
    try:
        found = os.stat(directory() / "book.words")
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino, found.st_size


def is_indexing_due() -> bool:
    """Return whether `index_papers` has something to do that is worth it; two small queries."""
    try:
        note = read_note(directory() / "book.words")
    except BadArrayFile:
        note = {}
    if not _is_ours(note):
        return Paper.objects.all()[ENOUGH - 1 : ENOUGH].exists()
    if note["missing"] or note["checked"] < time.time() - CHECKED:
        return True
    changed = PaperChange.objects.filter(transaction__gte=note["low"])
    return changed[ENOUGH - 1 : ENOUGH].exists()


def index_papers(say: Say = lambda _: None) -> Indexed:
    """Bring the files up to what is stored, newest papers first; only one process at a time.

    May be interrupted any time: what is done stays done. Takes the memory of one volume.
    """
    directory().mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(directory() / "lock", "a") as lock:
        if not _take(lock):
            say("another process is at it")
            return Indexed(0, 0)
        return _Indexer(say).run()


class _Indexer:
    def __init__(self, say: Say) -> None:
        self.say = say
        self.moment = this_moment()
        self.files: dict[int, Path] = dict(_list_volumes())
        self.facts = no_facts()
        self.missing = 0
        self.checked = time.time()
        self.papers = self.made = 0
        self.thorough = False

    def run(self) -> Indexed:
        known = self._read_known()
        self.thorough = known is None
        last = Paper.objects.aggregate(last=Max("pk"))["last"] or 0
        numbers = sorted({*range(last // VOLUME + 1), *self.files}, reverse=True)
        self.missing = 0 if known else Paper.objects.count()
        if known:
            self.facts = known
        for number in numbers:
            low, high = number * VOLUME, (number + 1) * VOLUME
            if known is None:
                some = read_facts(Paper.objects.filter(pk__gte=low, pk__lt=high))
                self.facts = self.facts.with_papers(some, some.ids)
                self.missing = max(0, self.missing - len(some))
            else:
                first, end = np.searchsorted(known.ids, (low, high))
                some = _slice(known, first, end)
            if self._keep(number, some) or (known is None and len(some)):
                self._write(done=number == numbers[-1])
        self.missing = 0
        self._write(done=True)
        self._tidy()
        return Indexed(self.papers, self.made)

    def _read_known(self) -> Facts | None:
        """What the files and the log say; None where every paper must be looked at."""
        try:
            note, arrays = _read_manifest()
        except BadArrayFile:
            return None
        if note["missing"] or note["checked"] < time.time() - CHECKED:
            return None
        changes = read_changes(Moment(note["low"]))
        if changes.all:
            return None
        self.checked = note["checked"]
        self.moment = changes.now
        changed = sorted(changes.papers)
        facts = Facts(**arrays)
        return facts.with_papers(read_facts_of(changed), np.array(changed, np.int64))

    def _keep(self, number: int, facts: Facts) -> bool:
        """Bring a volume up to date; whether it was not."""
        old, kept = self._open(number, facts)
        if not len(facts):
            return self.files.pop(number, None) is not None
        have = old.postings.ids[kept] if old else facts.ids[:0]
        wanted = facts.ids[~np.isin(facts.ids, have)]
        enough = 1.0 if self.thorough else STILL_GOOD
        if old and not len(wanted) and kept.mean() >= enough:
            return False
        old_postings = old.postings if old and kept.any() else None
        del old
        arrays = compile_postings(self._pack(number, old_postings, kept, wanted))
        rows, there = facts.rows(arrays["ids"])
        words = np.where(there, facts.words[rows], 0)
        path = directory() / f"volume-{number:05}-{time.time_ns():x}.words"
        write_arrays(path, {**arrays, "paper words": words}, _note())
        self.files[number] = path
        self.made += 1
        return True

    def _pack(
        self, number: int, old: Postings | None, kept: Array, wanted: Array
    ) -> Iterator[Pack]:
        """Yield what is kept of a volume, then the papers that it lacks."""
        if old is not None:
            yield old.pack(kept)
        old = None  # and the memory that its file took
        for first in range(0, len(wanted), PACKED):
            some = wanted[first : first + PACKED].tolist()
            papers = Paper.objects.filter(pk__in=some).order_by("pk")
            pack = Pack.of(list_documents(papers))
            self.papers += len(pack.ids)
            self.say(f"volume {number}: {min(first + PACKED, len(wanted))} of {len(wanted)} papers")
            yield pack

    def _open(self, number: int, facts: Facts) -> tuple[Volume | None, Array]:
        """The volume there is, and which of its papers are as they were."""
        try:
            volume = _open_volume(self.files[number])
        except (KeyError, BadArrayFile):
            self.files.pop(number, None)
            return None, np.zeros(0, np.bool_)
        rows, there = facts.rows(volume.postings.ids)
        if not len(facts):
            return volume, there
        return volume, there & (facts.words[rows] == volume.words)

    def _write(self, done: bool) -> None:
        note = _note() | {
            "low": self.moment.low,
            "missing": 0 if done else self.missing,
            "checked": self.checked,
            "volumes": [self.files[number].name for number in sorted(self.files, reverse=True)],
        }
        write_arrays(directory() / "book.words", self.facts.arrays(), note)

    def _tidy(self) -> None:
        """Delete volumes that are in no book; who reads them keeps them."""
        kept = {path.name for path in self.files.values()}
        for path in directory().glob("volume-*.words"):
            if path.name not in kept:
                path.unlink(missing_ok=True)


def _slice(facts: Facts, first: int, end: int) -> Facts:
    return Facts(**{name: column[first:end] for name, column in facts.arrays().items()})


def _note() -> Note:
    return {"database": identify_database()[0], "rules": f"{RULES} {LAYOUT}"}


def _is_ours(note: Note) -> bool:
    """Whether a file is of this database, and by these rules."""
    return bool(note) and note | _note() == note


def _read_manifest() -> tuple[Note, dict[str, Array]]:
    arrays, note = open_arrays(directory() / "book.words")
    _, following = identify_database()
    if not _is_ours(note):
        raise BadArrayFile("book.words is of another database, or by other rules")
    if note["low"] > following:
        raise BadArrayFile("book.words is younger than the database: a backup was restored")
    if note["checked"] < time.time() - KEPT_CHANGES:
        raise BadArrayFile("book.words is older than the log of changes")
    return note, arrays


def _open_volume(path: Path) -> Volume:
    arrays, _ = open_arrays(path)
    return Volume(Postings.of_arrays(arrays), arrays["paper words"])


def _list_volumes() -> Iterator[tuple[int, Path]]:
    """The volumes of this database by these rules, the newest of each number last."""
    for path in sorted(directory().glob("volume-*.words")):
        with contextlib.suppress(BadArrayFile):
            if _is_ours(read_note(path)):
                yield int(path.name.split("-")[1]), path


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
