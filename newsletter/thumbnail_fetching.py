"""Papers' pictures, fetched beside their sources: politely, a few at a time, and each a few times.

A picture is never needed: whatever goes wrong with one is written down for the operator and stops
nothing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import Error as DatabaseError
from django.db import connection

from newsletter.exchange import make_agent
from newsletter.models import PictureFetch
from newsletter.politeness import SYSTEM, Clock, HeldError, find_manner, take_turn
from newsletter.redrawing import DrawingError, redraw_apart
from newsletter.sources.addresses import Policy
from newsletter.sources.connection import FetchError
from newsletter.sources.http import Fetched, Get, Limits, fetch
from newsletter.stopping import is_stopping
from newsletter.thumbnails import PictureError, store_thumbnail

logger = logging.getLogger("newsletter.fetching")
State = PictureFetch.State

DAYS = 14  # since a paper was listed: older ones are read by few
MOST = 30  # pictures of one round
SECONDS = 60.0  # in which a round begins another
LEASE = timedelta(minutes=3)  # of one picture: longer than its turn and its limits
WAITS = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))  # then it failed
LIMITS = Limits(seconds=20, connect=5, silence=10, wire=4 * 1024**2, body=4 * 1024**2, redirects=3)
ACCEPT = "image/webp, image/png, image/jpeg, image/gif;q=0.5"
SECONDS_BETWEEN = 1.0  # requests to one host
FINAL = frozenset({"refused", "too_large"})  # kinds of FetchError that another try will not mend

NOTE = """
INSERT INTO newsletter_picturefetch (paper_id, url, state, tries, next_at, problem)
SELECT id, thumbnail_url, 'due', 0, now(), '' FROM newsletter_paper
WHERE newest_listing >= (now() - %s)::date AND thumbnail_url <> '' AND NOT hidden
ON CONFLICT (paper_id) DO UPDATE SET
  url = excluded.url, state = 'due', tries = 0, next_at = now(), problem = '', claimed_until = NULL
WHERE newsletter_picturefetch.url <> excluded.url
"""
CLAIM = """
UPDATE newsletter_picturefetch SET tries = tries + 1, tried_at = now(), claimed_until = now() + %s
WHERE paper_id = (
  SELECT paper_id FROM newsletter_picturefetch
  WHERE state = 'due' AND next_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
  ORDER BY tries, paper_id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING paper_id, url, tries
"""


@dataclass(slots=True)
class Round:
    """What a round came to; `more` says that others are due."""

    kept: int = 0
    failed: int = 0
    more: bool = False


class UnusableError(Exception):
    """What came is no picture to keep; `final` where asking again will not mend it."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


def fetch_thumbnails(*, clock: Clock = SYSTEM, limits: Limits = LIMITS) -> Round:
    """Fetch the pictures that are due, at most `MOST` and for about `SECONDS`.

    Nothing is asked where PAPER_ROUND_THUMBNAILS is off.
    """
    done = Round()
    if not settings.THUMBNAILS:
        return done
    note_wanted()
    until = time.monotonic() + SECONDS
    for _ in range(MOST):
        claimed = None if is_stopping() else _claim()
        if claimed is None:
            return done
        if _fetch_one(*claimed, clock, limits):
            done.kept += 1
        else:
            done.failed += 1
        if time.monotonic() > until:
            break
    done.more = has_due_thumbnails()
    return done


def note_wanted() -> int:
    """Write down which pictures of late papers are to be fetched; return how many are new."""
    with connection.cursor() as cursor:
        values: list[Any] = [timedelta(days=DAYS)]
        cursor.execute(NOTE, values)
        return int(cursor.rowcount)


def has_due_thumbnails() -> bool:
    """Return whether a picture is to be fetched now and nobody does: one round at a time."""
    if (
        not settings.THUMBNAILS
        or PictureFetch.objects.filter(claimed_until__gt=TransactionNow()).exists()
    ):
        return False
    note_wanted()
    return PictureFetch.objects.filter(state=State.DUE, next_at__lte=TransactionNow()).exists()


def count_unfetched(since: datetime) -> int:
    """Return how many pictures were given up since then."""
    given_up = [State.FAILED, State.REFUSED]
    return PictureFetch.objects.filter(state__in=given_up, tried_at__gte=since).count()


def retry_pictures(paper_ids: list[int]) -> int:
    """Have these fetched again as if never tried, those that are not kept; return how many."""
    rows = PictureFetch.objects.filter(paper__in=paper_ids).exclude(state=State.KEPT)
    return rows.update(state=State.DUE, tries=0, next_at=TransactionNow(), claimed_until=None)


def _claim() -> tuple[int, str, int] | None:
    with connection.cursor() as cursor:
        values: list[Any] = [LEASE]
        cursor.execute(CLAIM, values)
        row: tuple[int, str, int] | None = cursor.fetchone()
    return row


def _fetch_one(paper_id: int, url: str, tries: int, clock: Clock, limits: Limits) -> bool:
    """Fetch and keep one picture, or write down why not; return whether it is kept."""
    try:
        if tries > len(WAITS) + 1:  # its worker died every time
            raise UnusableError("given up: whoever decoded it ended without a word", final=True)
        drawn = redraw_apart(_ask(url, clock, limits))
        store_thumbnail(paper_id, drawn.small, drawn.large)
    except HeldError as held:
        _record(paper_id, url, state=State.DUE, tries=tries - 1, next_at=held.until, problem=held)
        return False
    except DatabaseError:
        raise
    except (UnusableError, DrawingError, PictureError) as problem:
        _give_back(paper_id, url, tries, problem, final=getattr(problem, "final", False))
        return False
    except Exception as error:  # one picture that nobody foresaw never stops the others
        logger.exception("the picture of paper %s could not be kept", paper_id)
        _give_back(paper_id, url, tries, f"{type(error).__name__}: {error}", final=True)
        return False
    _record(paper_id, url, state=State.KEPT, problem="")
    return True


def _ask(url: str, clock: Clock, limits: Limits) -> bytes:
    """Return what the host answers in its turn; `UnusableError` for all but 200 with a body."""
    parts = urlsplit(url)
    manner = find_manner("thumbnails", parts.netloc.rpartition("@")[2], SECONDS_BETWEEN)
    policy = Policy(
        frozenset(settings.FETCH_ALLOW),
        frozenset(name.lower() for name in settings.THUMBNAIL_HOSTS),
    )
    with take_turn(manner, clock) as turn:
        try:
            fetched = fetch(Get(url, make_agent(), ACCEPT), policy, limits)
        except FetchError as error:
            raise UnusableError(str(error), final=error.kind in FINAL) from error
        if fetched.status == 429 or (fetched.status == 503 and fetched.retry_after is not None):
            asked = timedelta(seconds=fetched.retry_after or 0)
            turn.hold(max(manner.pause, asked), f"it answered {fetched.status}")
    return _read_body(fetched)


def _read_body(fetched: Fetched) -> bytes:
    if fetched.status != 200:
        raise UnusableError(f"the host answered {fetched.status} {fetched.said}".strip())
    return fetched.body


def _give_back(
    paper_id: int, url: str, tries: int, problem: object, *, final: bool = False
) -> None:
    """Have it tried again later, or no more."""
    values: dict[str, Any] = {"problem": problem}
    if final:
        values["state"] = State.REFUSED
    elif tries > len(WAITS):
        values["state"] = State.FAILED
    else:
        values |= {"state": State.DUE, "next_at": TransactionNow() + WAITS[tries - 1]}
    _record(paper_id, url, **values)


def _record(paper_id: int, url: str, *, problem: object, **values: Any) -> None:
    """Write down what became of it, unless its address is another by now."""
    rows = PictureFetch.objects.filter(paper=paper_id, url=url)
    rows.update(claimed_until=None, problem=str(problem)[:300], **values)
