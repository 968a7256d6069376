"""Which papers changed since: told by a log that the database itself writes.

Triggers note every paper that is inserted, updated or deleted, with the transaction that did it.
A reader keeps the oldest transaction that might still have been running when it last looked, and
asks for everything since: what was committed late is found, and what was taken back is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection

_IDENTITY = """
SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    to_regclass('newsletter_paper')::oid),
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
_CHANGES = """
SELECT now.low, change.id, change.paper_id, change.transaction
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS low) AS now
LEFT JOIN newsletter_paperchange AS change ON change.transaction >= %s
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known of the log at one moment: everything before the transaction `low`.

    `seen` are rows of the log since, by their ids, with the papers they are of.
    """

    low: int
    seen: Mapping[int, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """The papers that may be others than at a moment, and the moment now.

    `all` where every paper may be: the table was emptied.
    """

    papers: frozenset[int]
    all: bool
    now: Moment


def identify_database() -> tuple[str, int]:
    """Return a name for this database, another one for a copy of it, and its next transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITY)
        name, following = cursor.fetchone()
    return name, following


def this_moment() -> Moment:
    """Return the moment now: what is read of papers after this call is of this moment or later."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (low,) = cursor.fetchone()
    return read_changes(Moment(low)).now


def read_changes(since: Moment) -> Changes:
    """Return which papers changed since; one small query."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [since.low])
        rows = cursor.fetchall()
    low = rows[0][0]
    found = {key: paper for _, key, paper, _ in rows if key is not None}
    kept = {key: paper for _, key, paper, when in rows if key is not None and when >= low}
    differ = [
        found[key] if key in found else since.seen[key] for key in found.keys() ^ since.seen.keys()
    ]
    papers = frozenset(paper for paper in differ if paper is not None)
    return Changes(papers, None in differ, Moment(low, kept))
