"""The last look before a letter's body goes out: is it still ours, wanted, and not held back?

Asked of two or three letters at a time, hundreds of times in a batch, so that planning the query
and quoting its arrays took ten times as long as answering it. It is a prepared statement instead,
run by libpq on the connection Django has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg import Connection, generators
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from subscribers.suppressions import hash_address

# Row by row, by the primary keys: of a day's letters, planned just now, the planner knows so little
# that it would as soon join the whole edition. What OFFSET 0 is before cannot be joined otherwise.
# The types are its own, so that a migration under way leaves the statement as it is.
STANDING = b"""
SELECT a.id, s.email::text, concat(
  d.state = 'sending' AND d.owner = $1,
  s.status = 'confirmed' AND NOT EXISTS (
    SELECT 1 FROM subscribers_suppression WHERE address_hash = a.hash),
  e.cancelled_at IS NULL,
  e.paused_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM newsletter_switch WHERE paused_at IS NOT NULL))
FROM unnest($2::bigint[], $3::text[]) AS a(id, hash)
  CROSS JOIN LATERAL (SELECT * FROM newsletter_delivery WHERE id = a.id OFFSET 0) AS d
  CROSS JOIN LATERAL (
    SELECT * FROM subscribers_subscriber WHERE id = d.subscriber_id OFFSET 0) AS s
  CROSS JOIN LATERAL (SELECT * FROM newsletter_edition WHERE id = d.edition_id OFFSET 0) AS e
"""
_NAME = b"paper_round_last_look"
_GONE = "26000"  # SQLSTATE: no statement of this name

# Whether the statement has its name on a connection. Behind a pooler that gives each transaction
# another server's connection it may not, or not for long: then it is planned each time.
_named: WeakKeyDictionary[Connection[object], bool] = WeakKeyDictionary()


class Standing(NamedTuple):
    """Of a claimed letter, now: still this owner's, its reader wants it, its edition goes out."""

    held: bool
    wanted: bool
    uncancelled: bool
    paused: bool


_STANDINGS = {
    b"".join([b"t" if one else b"f" for one in values]): Standing(*values)
    for values in product((True, False), repeat=4)
}


def find_standings(owner: str, letters: Mapping[int, str]) -> dict[int, Standing]:
    """Return by id whether these claimed letters {id: recipient} may go now, in one query.

    One that is not in the ledger any more is missing. One whose reader has another address by now
    is not held.
    """
    ids = ",".join(map(str, letters))
    hashes = ",".join([hash_address(recipient) for recipient in letters.values()])
    values = [value.encode() for value in (owner, f"{{{ids}}}", f"{{{hashes}}}")]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        result = _ask(connection.connection, values)
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
    found = {}
    for row in range(result.ntuples):
        key, email, flags = [result.get_value(row, place) or b"" for place in range(3)]
        standing = _STANDINGS[flags]
        if email.decode() != letters[int(key)]:
            standing = standing._replace(held=False)
        found[int(key)] = standing
    return found


def _ask(link: Connection[object], values: Sequence[bytes]) -> PGresult:
    named = _named.get(link)
    if named is None:
        link.pgconn.send_prepare(_NAME, STANDING)
        named = _named[link] = _finish(link).status == ExecStatus.COMMAND_OK
    if named:
        link.pgconn.send_query_prepared(_NAME, values)
        result = _finish(link)
        if result.error_field(DiagnosticField.SQLSTATE) != _GONE.encode():
            return result
        _named[link] = False
    link.pgconn.send_query_params(STANDING, values)
    return _finish(link)


def _finish(link: Connection[object]) -> PGresult:
    """Return the answer to what was sent, waiting as psycopg does: signals are heard."""
    results: list[PGresult] = link.wait(generators.execute(link.pgconn))
    return results[-1]
