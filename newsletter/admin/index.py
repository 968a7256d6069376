"""The first page: this morning in figures, and what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from newsletter.admin.base import list_url
from newsletter.models import Delivery
from newsletter.progress import Progress, read_progress
from newsletter.sourcebook import count_quarantined, list_trouble
from newsletter.status import EditionFigures, MorningStatus, morning_status
from newsletter.thumbnail_fetching import count_unfetched
from newsletter.watching import describe_row, name_trouble

SATURDAY = 5
COMPLAINTS_TOLD = 0.001  # of an edition's letters: what the large providers ask to stay below
BAR = 240  # units of the bars' view box
STATE_NAMES = dict(Delivery.State.choices)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to look at: what, and where it is listed."""

    text: str
    url: str
    serious: bool = True


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: a state's share, `x` and `width` in the bar's units."""

    state: str
    name: str
    count: int
    x: float
    width: float
    url: str


@dataclass(frozen=True, slots=True)
class EditionRow:
    """A line of the table of editions with its bar, as long as its share of the busiest day."""

    figures: EditionFigures
    segments: tuple[Segment, ...]


def add_morning(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the morning to the first page's context: unfold's dashboard callback."""
    status = morning_status(timezone.now())
    progress = read_progress()
    busiest = max((row.letters.total for row in status.recent), default=0)
    return context | {
        "title": "Morning",
        "morning": status,
        "may_see_figures": request.user.has_perm("newsletter.view_edition"),
        "progress": progress,
        "notices": [
            *list_holds(progress),
            *list_notices(status),
            *list_source_notices(status.now),
        ],
        "bar": make_segments(status.edition, status.edition.letters.total)
        if status.edition
        else (),
        "rows": [EditionRow(row, make_segments(row, busiest)) for row in status.recent],
        "cutoff": settings.CUTOFF,
        "zone": settings.TIME_ZONE,
        "is_weekend": status.today.weekday() >= SATURDAY,
    }


def list_holds(progress: Progress) -> list[Notice]:
    """Return what keeps letters from going out, in all or of an edition or to a relay."""
    editions, deliveries = list_url("newsletter_edition"), list_url("newsletter_delivery")
    found = [Notice(f"Held: {progress.held}", deliveries)] if progress.held else []
    found += [
        Notice(f"The edition of {one.date} is {one.state}: {one.note}", editions)
        for one in progress.editions
        if one.state == "paused"
    ]
    found += [
        Notice(f"The relay {one.name} takes no mail: {one.trouble}", deliveries)
        for one in progress.relays
        if one.state == "open"
    ]
    spam = list_url("newsletter_delivery", complained_at__isnull="False")
    found += [
        Notice(f"{_letters(one.complained)} of {one.date} called spam by their readers", spam)
        for one in progress.editions
        if one.complained and one.complained >= COMPLAINTS_TOLD * one.sent
    ]
    return found


def list_notices(status: MorningStatus) -> list[Notice]:
    """Return what needs attention, worst first; an empty list is a good morning."""
    deliveries, editions = "newsletter_delivery", "newsletter_edition"
    found: list[Notice] = []
    if status.in_doubt:
        text = f"{_letters(status.in_doubt)} in doubt: handed over or not, unknown"
        found.append(Notice(text, list_url(deliveries, parked="no")))
    if status.failed:
        since = status.failed_since.isoformat()
        url = list_url(deliveries, state__exact="failed", finished_at__gte=since)
        found.append(Notice(f"{_letters(status.failed)} failed in the last seven days", url))
    if status.readers.overdue:
        text = f"{status.readers.overdue} readers’ hour has passed and no letter was planned: "
        text += "is the scheduler, or manage.py tick --loop, running?"
        url = list_url("subscribers_subscriber", status__exact="confirmed", o="next_send_at")
        found.append(Notice(text, url))
    if status.unfrozen:
        text = f"{_editions(status.unfrozen)} of past days never frozen: no letter was made of them"
        found.append(Notice(text, list_url(editions, state="open")))
    if status.has_papers and not status.papers_today and status.today.weekday() < SATURDAY:
        text = "No papers for today yet: a weekday without an announcement is unusual"
        found.append(Notice(text, list_url("newsletter_listing"), serious=False))
    return found


def list_source_notices(now: datetime) -> list[Notice]:
    """Return a notice for each source that is stalled or failed, today or yesterday."""
    found: dict[tuple[int, str], Notice] = {}
    for row in list_trouble(now):
        url = list_url(
            "newsletter_sourceday", source__id__exact=row.source_id, state__exact=row.state
        )
        text = f"{name_trouble(row).capitalize()}: {describe_row(row)}"
        found.setdefault((row.source_id, row.state), Notice(text, url))
    notices = list(found.values())
    if count := count_quarantined(now):
        words = ngettext(
            "%(count)d record of a source could not be read since yesterday",
            "%(count)d records of sources could not be read since yesterday",
            count,
        )
        url = list_url("newsletter_quarantined")
        notices.append(Notice(words % {"count": count}, url, serious=False))
    if count := count_unfetched(now - timedelta(days=1)):
        words = ngettext(
            "%(count)d picture of a paper could not be fetched since yesterday",
            "%(count)d pictures of papers could not be fetched since yesterday",
            count,
        )
        url = list_url("newsletter_picturefetch", o="-6")
        notices.append(Notice(words % {"count": count}, url, serious=False))
    return notices


def make_segments(figures: EditionFigures, full: int) -> tuple[Segment, ...]:
    """Return the bar of an edition's letters; a bar of `full` letters has the whole width."""
    segments: list[Segment] = []
    x = 0.0
    for state, count in figures.letters.items():
        width = BAR * count / full if count else 0.0
        if count:
            url = list_url("newsletter_delivery", edition=figures.edition_id, state__exact=state)
            segments.append(
                Segment(state, STATE_NAMES[state], count, round(x, 2), round(width, 2), url)
            )
        x += width
    return tuple(segments)


def _letters(number: int) -> str:
    return f"{number} letter{'' if number == 1 else 's'}"


def _editions(number: int) -> str:
    return f"{number} edition{'' if number == 1 else 's'}"
