"""manage.py run_day: a whole day in one process, without a broker."""

from __future__ import annotations

import json
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from newsletter.days import run_day
from newsletter.editions import EditionError
from newsletter.stopping import stopping_on_signals


class Command(BaseCommand):
    help = (
        "Freeze and match the day's edition, plan the letters of readers whose hour has come, and "
        "send them. Running it twice sends nothing twice; killed midway, the next run completes it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", metavar="DATE", help="the edition of this day, as YYYY-MM-DD")
        parser.add_argument(
            "--everyone", action="store_true", help="also readers whose hour has not come"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        day = parse_day(options["date"])
        say = self._say if not options["json"] else lambda line: None
        try:
            with stopping_on_signals(signal.SIGTERM, signal.SIGINT):
                report = run_day(day, timezone.now(), everyone=options["everyone"], say=say)
        except EditionError as error:
            raise CommandError(str(error)) from error
        counts = report.as_dict()
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            names = ("papers", "planned", "sent", "empty", "deferred", "failed", "in_doubt")
            shown = ", ".join(f"{counts[name]} {name}" for name in names)
            self.stdout.write(f"{report.date}: {shown}, {report.seconds} seconds")
            if report.note:
                self.stdout.write(self.style.WARNING(report.note[:1].upper() + report.note[1:]))
        if report.relay_away:
            raise CommandError("not every letter went out: mend what it says, then run this again")

    def _say(self, line: str) -> None:
        self.stderr.write(line, ending="\n")


def parse_day(text: str | None) -> Any:
    """Return a date from YYYY-MM-DD, None for none; `CommandError` with the mend otherwise."""
    if text is None:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"{text!r} is no date: write it as YYYY-MM-DD")
    return day
