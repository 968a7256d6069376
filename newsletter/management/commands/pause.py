"""manage.py pause: hand over no further letter."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.controls import ControlError, pause_sending
from newsletter.management.commands.run_day import parse_day


class Command(BaseCommand):
    help = (
        "Hand over no further letter, at all or of one edition, until `resume`. Letters in hand "
        "are finished; planning goes on, and nothing is lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", metavar="DATE", help="only the edition of this day")
        parser.add_argument("--reason", default="by the operator", help="shown in the status")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            pause_sending(options["reason"], parse_day(options["date"]))
        except ControlError as error:
            raise CommandError(str(error)) from error
        day = options["date"]
        what = f"the edition of {day}" if day else "all sending"
        again = f"resume --date {day}" if day else "resume"
        self.stdout.write(f"Paused: {what}. `manage.py {again}` goes on.")
