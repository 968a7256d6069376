"""The statements of newsletter.planning: a chunk of readers each, and one reader alone."""

from __future__ import annotations

# Readers share slots (zone, hour, weekdays, instant): Python finds one next instant for each, the
# database does the rest for all readers of all slots in one statement. A letter that still waits
# from an earlier edition, never handed over, is merged into the new one, unless a letter between is
# out or in hand: what that one covers would come twice. Who has had all there is stays due where
# the slot `holds`.
PLAN = """
WITH slot AS (
  SELECT * FROM unnest(%(zones)s::text[], %(times)s::time[], %(weekdays)s::int[],
    %(dues)s::timestamptz[], %(nexts)s::timestamptz[], %(sends)s::boolean[], %(holds)s::boolean[])
    AS t(timezone, send_time, weekdays, due_at, next_at, sends, holds)
), due AS (
  SELECT s.id, s.covered_until, slot.next_at,
    slot.sends AND (s.covered_until IS NULL OR s.covered_until < %(date)s) AS sends
  FROM subscribers_subscriber AS s JOIN slot USING (timezone, send_time, weekdays)
  WHERE s.status = 'confirmed' AND {which} AND s.id > %(after)s AND s.id <= %(last)s
    AND (slot.due_at IS NULL OR s.next_send_at = slot.due_at)
    AND NOT (slot.holds AND COALESCE(s.covered_until >= %(date)s, %(date)s::date IS NULL))
  FOR UPDATE OF s
), moved AS (
  UPDATE subscribers_subscriber AS s SET next_send_at = due.next_at,
    covered_until = CASE WHEN due.sends THEN %(date)s ELSE s.covered_until END
  FROM due WHERE s.id = due.id AND s.id > %(after)s AND s.id <= %(last)s
  RETURNING 1
), waiting AS (
  SELECT d.id, d.subscriber_id, e.date
  FROM newsletter_delivery AS d JOIN due ON due.id = d.subscriber_id
    JOIN newsletter_edition AS e ON e.id = d.edition_id
  WHERE d.subscriber_id > %(after)s AND d.subscriber_id <= %(last)s
    AND due.sends AND d.state IN ('queued', 'deferred') AND d.doubts = 0 AND e.date < %(date)s
  ORDER BY d.id FOR UPDATE OF d
), merged AS (
  UPDATE newsletter_delivery AS d SET state = 'cancelled', finished_at = now(),
    detail = 'merged into the letter of ' || %(date)s::date
  FROM waiting
  WHERE d.id = waiting.id AND d.subscriber_id > %(after)s AND d.subscriber_id <= %(last)s
    AND NOT EXISTS (
      SELECT 1 FROM newsletter_delivery AS later JOIN newsletter_edition AS e
        ON e.id = later.edition_id
      WHERE later.subscriber_id = waiting.subscriber_id AND later.state <> 'cancelled'
        AND later.subscriber_id > %(after)s AND later.subscriber_id <= %(last)s
        AND e.date > waiting.date AND e.date < %(date)s
        AND later.id NOT IN (SELECT id FROM waiting))
  RETURNING d.subscriber_id, d.covers_from
), made AS (
  INSERT INTO newsletter_delivery
    (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
     owner, picks, message_id, detail)
  SELECT %(edition)s, reader, min(since), 'queued', %(now)s, now(), 0, 0, '', '[]', '', ''
  FROM (
    SELECT due.id, COALESCE(due.covered_until + 1, %(date)s) FROM due WHERE due.sends
    UNION ALL SELECT subscriber_id, covers_from FROM merged
  ) AS covered (reader, since)
  GROUP BY reader ORDER BY reader
  ON CONFLICT (edition_id, subscriber_id) DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM made)
"""
# Every so many of these readers, in the order of their ids, one is the last of its chunk. A chunk
# is a range of ids, said above of every table: with a LIMIT, or joined alone, each chunk would read
# what all others have. What a letter covers is grouped, not looked up: `merged` has no index.
BOUNDS = """
SELECT id FROM (
  SELECT s.id, row_number() OVER (ORDER BY s.id) AS place FROM subscribers_subscriber AS s
  WHERE s.status = 'confirmed' AND {which}) AS numbered
WHERE place %% %(chunk)s = 0 ORDER BY id
"""
LAST = 2**63 - 1
DUE = "s.next_send_at <= %(now)s"
BEHIND = "(s.covered_until IS NULL OR s.covered_until < %(date)s)"
# A day of the past, by the operator's word: not for whom a letter covered that day already.
PLAN_PAST = """
WITH slot AS (
  SELECT * FROM unnest(%(zones)s::text[], %(times)s::time[], %(weekdays)s::int[])
    AS t(timezone, send_time, weekdays)
)
INSERT INTO newsletter_delivery
  (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
   owner, picks, message_id, detail)
SELECT %(edition)s, s.id, %(date)s, 'queued', %(now)s, now(), 0, 0, '', '[]', '', ''
FROM subscribers_subscriber AS s JOIN slot USING (timezone, send_time, weekdays)
WHERE s.status = 'confirmed' AND s.covered_until >= %(date)s
  AND NOT EXISTS (
    SELECT 1 FROM newsletter_delivery AS d JOIN newsletter_edition AS e ON e.id = d.edition_id
    WHERE d.subscriber_id = s.id AND d.covers_from <= %(date)s AND e.date >= %(date)s)
ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""

# One reader's letter, asked for now: due before all others.
INSERT_ONE = """
WITH mine AS (
  SELECT id FROM subscribers_subscriber WHERE id = %(reader)s AND status = 'confirmed' FOR UPDATE
), moved AS (
  UPDATE subscribers_subscriber AS s
  SET covered_until = GREATEST(s.covered_until, %(date)s),
    next_send_at = GREATEST(s.next_send_at, %(next)s)
  FROM mine WHERE s.id = mine.id
)
INSERT INTO newsletter_delivery
  (edition_id, subscriber_id, covers_from, state, planned_at, next_at, attempts, doubts,
   owner, picks, message_id, detail)
SELECT %(edition)s, id, %(date)s, 'queued', %(now)s, now() - interval '1 day', 0, 0, '', '[]', '',
  ''
FROM mine WHERE NOT EXISTS (
  SELECT 1 FROM newsletter_delivery AS d JOIN newsletter_edition AS e ON e.id = d.edition_id
  WHERE d.subscriber_id = mine.id AND d.covers_from <= %(date)s AND e.date >= %(date)s)
ON CONFLICT (edition_id, subscriber_id) DO NOTHING
"""


def walked(which: str) -> str:
    """Return the condition for a walk in many chunks, whose only way is by the range of ids.

    By the index of what is due each chunk would pass all that is due, and the database chooses it
    where its statistics are of an hour when little was.
    """
    return f"COALESCE({which}, false)"
