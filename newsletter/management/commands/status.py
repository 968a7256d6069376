"""manage.py status: how the letters go out, once, live, or as JSON."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError, close_old_connections

from newsletter.circuits import FAILURES_TO_OPEN
from newsletter.editionprogress import EditionProgress
from newsletter.progress import Progress, RelayProgress, read_progress

COLUMNS = ("due", "sending", "sent", "empty", "deferred", "failed", "in_doubt", "cancelled")
WIDE = 120  # columns, where what reads the lines is no terminal
RELAY_STATES = {"closed": "takes mail", "open": "is away", "half open": "is back"}
CLEAR = "\x1b[2J\x1b[H"


def read_seconds(text: str) -> float:
    """Return the seconds between two looks; argparse shows what is wrong with them."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no pause: write seconds, such as 2 or 0.5")
    return seconds


class Command(BaseCommand):
    help = (
        "How the letters go out: editions by state, rate, time to finish, relays, the domains that "
        "refuse. --watch shows it live, --json is for monitors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
        parser.add_argument("--every", type=read_seconds, default=2.0, metavar="SECONDS")
        parser.add_argument("--json", action="store_true", help="one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        shown = self.show(options["json"])
        while options["watch"]:
            try:
                time.sleep(options["every"])
                close_old_connections()
                known = shown.editions
                shown = self.show(options["json"], known, clear=not options["json"])
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}".strip())
            except KeyboardInterrupt:
                return

    def show(
        self, as_json: bool, known: Sequence[EditionProgress] = (), *, clear: bool = False
    ) -> Progress:
        progress = read_progress(known)
        if as_json:
            text = json.dumps(progress.as_dict(), cls=DjangoJSONEncoder)
        else:
            width = shutil.get_terminal_size((WIDE, 0)).columns
            text = "\n".join(self.describe(progress, width))
        between = CLEAR if self.stdout.isatty() else "\n"
        self.stdout.write((between if clear else "") + text)
        return progress

    def describe(self, progress: Progress, width: int) -> list[str]:
        """Return the lines of a terminal that is `width` columns wide."""
        style = self.style
        lines = fold(f"{progress.now:%Y-%m-%d %H:%M:%S} UTC   {describe_pace(progress)}", width)
        if progress.held:
            lines += [style.ERROR(line) for line in fold(f"Held: {progress.held}", width)]
        if progress.in_doubt:
            told = f"{progress.in_doubt} in doubt: `manage.py doubts` lists them"
            lines += [style.WARNING(line) for line in fold(told, width)]
        going = sum(one.due > 0 for one in progress.editions)
        heads, *rows = describe_editions(
            progress.editions, width, progress.now if going > 1 else None
        )
        lines += ["", style.MIGRATE_HEADING(heads), *rows]
        lines += ["", style.MIGRATE_HEADING("relays")]
        for relay in progress.relays:
            lines += describe_relay(relay, width)
        if progress.domains:
            lines += ["", style.MIGRATE_HEADING("domains that last refused or delayed")]
        for row in progress.domains:
            counts = f"{row.sent} sent, {row.soft} delayed, {row.refused} refused"
            wide = f"{row.domain:<28} {counts:<40} {row.trouble[:80]}"
            lines += one_or_more(wide, width, f"{row.domain}  {counts}", row.trouble[:80])
        return lines


def fold(line: str, width: int) -> list[str]:
    """Return a line as it is where it fits, else in several, by words."""
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        " ".join(line.split()),
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=indent or "    ",
        break_on_hyphens=False,
    )


def one_or_more(wide: str, width: int, head: str, *rest: str) -> list[str]:
    """Return the wide line where it fits, else a head and the rest below it."""
    if len(wide) <= width:
        return [wide]
    return [*fold(head, width), *(line for text in rest for line in fold(f"    {text}", width))]


def describe_pace(progress: Progress) -> str:
    """Return how fast letters go out and when all are, in one phrase."""
    if not progress.due:
        return "nothing is due"
    held = f" ({progress.due_paused} of paused editions)" if progress.due_paused else ""
    return f"{progress.due} due{held}, {describe_rate(progress, progress.now)}"


def describe_rate(flow: Progress | EditionProgress, now: datetime) -> str:
    """Return letters a second, of few an hour, and when all that is due is out."""
    slow = 0 < flow.rate < 0.5
    words = (
        f"{flow.rate * 3600:.0f} letters an hour" if slow else f"{flow.rate:.4g} letters a second"
    )
    if flow.finish is None:
        return words
    left = timedelta(seconds=round((flow.finish - now).total_seconds()))
    return f"{words}, done in {left} ({flow.finish:%H:%M} UTC)"


def describe_editions(
    editions: Sequence[EditionProgress], width: int, now: datetime | None = None
) -> list[str]:
    """Return a heading and the editions: a table where it fits, else each in words.

    With `now` each says how fast it goes out: where only one does, the first line has said it.
    """
    if not editions:
        return ["edition", "no edition has been matched yet"]
    cells = [[name.replace("_", " ") for name in COLUMNS]]
    cells += [[str(getattr(one, name) or "·") for name in COLUMNS] for one in editions]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = width - len("2026-12-01 cancelled") - sum(wide) - len(wide)
    gap = " " * (2 if room >= len(wide) else 1)
    lines: list[str] = []
    for day, state, row, notes in zip(
        ["edition", *(one.date.isoformat() for one in editions)],
        ["state", *(one.state for one in editions)],
        cells,
        [[], *(describe_notes(one, now) for one in editions)],
        strict=True,
    ):
        if room < 0:
            kept = [f"{n} {name}" for name, n in zip(cells[0], row, strict=True) if n != "·"]
            told = ", ".join(kept) or "no letters"
            lines += fold(f"{day}  {state}  {told}" if lines else f"{day}  {state}", width)
        else:
            counts = "".join(f"{gap}{cell:>{n}}" for cell, n in zip(row, wide, strict=True))
            lines.append(f"{day:<10} {state:<9}{counts}")
        for note in notes:
            lines += fold(f"    {note}", width)
    return lines


def describe_notes(edition: EditionProgress, now: datetime | None) -> list[str]:
    """Return what is to be said of an edition below its counts."""
    waited = timedelta(seconds=edition.oldest_due)
    resume = f"manage.py resume --date {edition.date} lets its letters go"
    notes = (
        (edition.note, edition.note),
        (edition.state == "paused", resume),
        (now and edition.due, describe_rate(edition, now) if now else ""),
        (edition.oldest_due > 60, f"due for {waited}"),
        (edition.later, f"{edition.later} queued for later"),
        (edition.parked, f"{edition.parked} parked: in doubt, and not sent again"),
        (edition.complained, f"{edition.complained} called spam by their readers"),
    )
    return [note for said, note in notes if said]


def describe_relay(relay: RelayProgress, width: int) -> list[str]:
    taken = f"{relay.sent_minute} this minute, {relay.sent_hour} this hour, {relay.sent_day} in 24"
    trouble = f"{relay.soft_hour} delayed, {relay.refused_hour} refused this hour"
    state = ", ".join(filter(None, (RELAY_STATES[relay.state], relay.limit)))
    wide = f"{relay.name:<28} {state:<12} {taken}; {trouble}"
    lines = one_or_more(wide, width, f"{relay.name}  {state}", taken, trouble)
    if relay.trouble:
        lines += fold(f"    {describe_trouble(relay)}", width)
    return lines


def describe_trouble(relay: RelayProgress) -> str:
    """Return what the relay last failed with, and what follows."""
    if relay.state == "half open":
        return f"was away: {relay.trouble}"
    if relay.state == "open":
        soon = f"in {relay.probe_in} s" if relay.probe_in else "now"
        return f"{relay.trouble}; next try {soon}"
    return f"{relay.trouble}; {relay.failures} in a row, {FAILURES_TO_OPEN} make it away"
