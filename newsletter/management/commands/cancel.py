"""manage.py cancel: letters that wait are never sent."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.controls import ControlError, cancel_letters, count_cancellable
from newsletter.management.commands.run_day import parse_day


class Command(BaseCommand):
    help = "Cancel the letters that wait, of one edition or of all. This cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--date", metavar="DATE", help="those of the edition of this day")
        which.add_argument("--everything", action="store_true", help="all that wait")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            day = parse_day(options["date"])
            parked = count_cancellable(day).in_doubt
            cancelled = cancel_letters(day, timezone.now())
        except ControlError as error:
            raise CommandError(str(error)) from error
        letters = "1 letter" if cancelled == 1 else f"{cancelled} letters"
        doubtful = f", {parked} in doubt parked: not sent again" if parked else ""
        self.stdout.write(f"{letters} cancelled{doubtful}.")
