"""Sources as the operator keeps them: the usual ones, switched on, asked soon, charted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter.freshness import TROUBLED, utc_day
from newsletter.models import Quarantined, Source, SourceDay
from newsletter.sources.registry import find_source

CHART_DAYS = 30
# Name, kind, parameters: what most installations want, off until an operator has looked at it.
USUAL: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Hugging Face", "huggingface", {}),
    ("arXiv", "arxiv-rss", {"categories": "cs.AI\ncs.CL\ncs.CV\ncs.LG"}),
    # A feed shows one day only: what it missed comes from here, up to seven days later.
    ("arXiv nightly", "arxiv-oai", {"categories": "cs.AI\ncs.CL\ncs.CV\ncs.LG"}),
)


def add_usual_sources(now: datetime, *, enabled: bool = False) -> list[str]:
    """Add the usual sources that are missing, by kind; return their names. Others stay as they are.

    They are off unless `enabled`: a machine must not begin to ask the network by itself.
    """
    known = set(Source.objects.values_list("kind", flat=True))
    added = []
    for name, kind, parameters in USUAL:
        if kind not in known and not Source.objects.filter(name=name).exists():
            find_source(kind).read_parameters(parameters)
            Source.objects.create(
                name=name,
                kind=kind,
                parameters=parameters,
                enabled=enabled,
                first_day=utc_day(now),
            )
            added.append(name)
    return added


def begin_anew(source: Source, now: datetime) -> None:
    """Have a source that was just switched on begin with today: what it missed was not wanted."""
    source.first_day = max(source.first_day, utc_day(now))
    source.next_at = None


def ask_soon(source_id: int) -> bool:
    """Make a source that is on due now: beat or `tick` take it within a minute."""
    return bool(Source.objects.filter(pk=source_id, enabled=True).update(next_at=None))


@dataclass(frozen=True, slots=True)
class Cell:
    """One part's day in the chart: its state, or "incomplete", and how many papers were news."""

    day: date
    state: str
    unseen: int
    papers: int
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One part of a source, a cell for each of the last days, oldest first; None where unknown."""

    part: str
    cells: tuple[Cell | None, ...]


def chart_days(source: Source, now: datetime) -> list[Row]:
    """Return the last thirty days of each part, in one query."""
    today = utc_day(now)
    days = [today - timedelta(days=n) for n in range(CHART_DAYS - 1, -1, -1)]
    rows: dict[str, dict[date, Cell]] = {}
    for one in SourceDay.objects.filter(source=source, day__gte=days[0]).order_by("part"):
        rows.setdefault(one.part, {})[one.day] = make_cell(one)
    return [Row(part, tuple(cells.get(day) for day in days)) for part, cells in rows.items()]


def make_cell(row: SourceDay) -> Cell:
    words = [f"{row.day:%a} {row.day.day} {row.day:%b}: {row.get_state_display()}"]
    if row.unseen:
        words.append(f"{row.unseen} unseen of {row.papers}")
        if row.fresh_at:
            words.append(f"since {row.fresh_at:%H:%M} UTC")
    elif row.papers:
        words.append(f"{row.papers} papers, all of them old")
    if row.lacking:
        words.append(f"{row.lacking} of its own list never came")
    state = "incomplete" if row.lacking and row.state == SourceDay.State.FRESH else row.state
    return Cell(row.day, state, row.unseen, row.papers, ", ".join(words))


def count_quarantined(now: datetime) -> int:
    """Return how many records could not be read in the last day."""
    return Quarantined.objects.filter(last_at__gte=now - timedelta(days=1)).count()


def list_trouble(now: datetime) -> list[SourceDay]:
    """Return the days since yesterday that are stalled, failed or incomplete, of sources on."""
    rows = SourceDay.objects.filter(
        TROUBLED,
        source__enabled=True,
        day__gte=utc_day(now) - timedelta(days=1),
    )
    return list(rows.select_related("source").order_by("-day", "source__name", "part"))
