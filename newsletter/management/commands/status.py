"""manage.py status: how the letters go out, once, live, or as JSON."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError, close_old_connections

from newsletter.progress import EditionProgress, Progress, RelayProgress, read_progress

COLUMNS = (
    ("due", 7),
    ("sending", 8),
    ("sent", 8),
    ("empty", 7),
    ("deferred", 9),
    ("failed", 7),
    ("in_doubt", 9),
    ("cancelled", 10),
)
RELAY_STATES = {"closed": "takes mail", "open": "is away", "half open": "is back"}
CLEAR = "\x1b[2J\x1b[H"


class Command(BaseCommand):
    help = (
        "How the letters go out: editions by state, rate, time to finish, relays, the domains that "
        "refuse. --watch shows it live, --json is for monitors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
        parser.add_argument("--json", action="store_true", help="one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.show(options["json"])
        while options["watch"]:
            try:
                time.sleep(options["every"])
                close_old_connections()
                self.show(options["json"], clear=not options["json"])
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}".strip())
            except KeyboardInterrupt:
                return

    def show(self, as_json: bool, *, clear: bool = False) -> None:
        progress = read_progress()
        if as_json:
            text = json.dumps(progress.as_dict(), cls=DjangoJSONEncoder)
        else:
            text = "\n".join(self.describe(progress))
        self.stdout.write((CLEAR if clear else "") + text)

    def describe(self, progress: Progress) -> list[str]:
        """Return the lines of the terminal."""
        style = self.style
        lines = [f"{progress.now:%Y-%m-%d %H:%M:%S} UTC   {describe_pace(progress)}"]
        if progress.held:
            lines.append(style.ERROR(f"Held: {progress.held}"))
        if progress.in_doubt:
            lines.append(style.WARNING(f"{progress.in_doubt} in doubt: the admin lists them"))
        heads = "".join(f"{name.replace('_', ' '):>{width}}" for name, width in COLUMNS)
        lines += ["", style.MIGRATE_HEADING(f"{'edition':<12}{'state':<10}{heads}")]
        for edition in progress.editions:
            lines.append(describe_edition(edition))
            if edition.note:
                lines.append(f"{'':<12}{edition.note}")
            if edition.parked:
                lines.append(f"{'':<12}{edition.parked} parked: in doubt, and not sent again")
            if edition.complained:
                lines.append(f"{'':<12}{edition.complained} called spam by their readers")
            if edition.state == "paused":
                lines.append(f"{'':<12}manage.py resume --date {edition.date} lets its letters go")
        if not progress.editions:
            lines.append("no edition has been matched yet")
        lines += ["", style.MIGRATE_HEADING("relays")]
        lines += [describe_relay(relay) for relay in progress.relays]
        if progress.domains:
            lines += ["", style.MIGRATE_HEADING("domains that last refused or delayed")]
        for row in progress.domains:
            counts = f"{row.sent} sent, {row.soft} delayed, {row.refused} refused"
            lines.append(f"{row.domain:<28} {counts:<40} {row.trouble[:80]}")
        return lines


def describe_pace(progress: Progress) -> str:
    """Return how fast letters go out and when all are, in one phrase."""
    if not progress.due:
        return "nothing is due"
    words = f"{progress.due} due, {progress.rate:g} letters a second"
    if progress.finish is None:
        return words
    left = timedelta(seconds=round((progress.finish - progress.now).total_seconds()))
    return f"{words}, done in {left} ({progress.finish:%H:%M} UTC)"


def describe_edition(edition: EditionProgress) -> str:
    counts = "".join(f"{getattr(edition, name) or '·':>{width}}" for name, width in COLUMNS)
    waited = (
        f"   waiting {timedelta(seconds=edition.oldest_due)}" if edition.oldest_due > 60 else ""
    )
    return f"{edition.date.isoformat():<12}{edition.state:<10}{counts}{waited}"


def describe_relay(relay: RelayProgress) -> str:
    taken = f"{relay.sent_minute} this minute, {relay.sent_hour} this hour, {relay.sent_day} in 24"
    trouble = f"{relay.soft_hour} delayed, {relay.refused_hour} refused this hour"
    line = f"{relay.name:<28} {RELAY_STATES[relay.state]:<12} {taken}; {trouble}"
    if relay.trouble:
        line += f"\n{'':<28} {relay.trouble}; next try in {relay.probe_in} s"
    return line
