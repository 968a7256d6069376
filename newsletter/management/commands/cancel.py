"""manage.py cancel: letters that wait are never sent."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.controls import Concerned, ControlError, cancel_letters, count_cancellable
from newsletter.management.commands.run_day import parse_day


class Command(BaseCommand):
    help = (
        "Cancel the letters that wait, of one edition or of all. This cannot be undone: in a "
        "terminal it says how many they are, and asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--date", metavar="DATE", help="those of the edition of this day")
        which.add_argument("--everything", action="store_true", help="all that wait")
        parser.add_argument("--yes", action="store_true", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            day = parse_day(options["date"])
            concerned = count_cancellable(day)
            if sys.stdin.isatty() and not options["yes"]:
                self.ask(concerned, day)
            cancelled = cancel_letters(day, timezone.now())
        except ControlError as error:
            raise CommandError(str(error)) from error
        parked = concerned.in_doubt
        doubtful = f", {parked} in doubt parked: not sent again" if parked else ""
        self.stdout.write(f"{name_letters(cancelled)} cancelled{doubtful}.")

    def ask(self, concerned: Concerned, day: date | None) -> None:
        """Say what follows and wait for the operator's yes; `CommandError` for any other word."""
        whose = f"of {day}" if day else "of all editions"
        verb = "waits" if concerned.waiting == 1 else "wait"
        self.stdout.write(
            f"{name_letters(concerned.waiting)} {whose} {verb}: never sent, if you say yes."
        )
        if concerned.in_doubt:
            self.stdout.write(f"{name_letters(concerned.in_doubt)} in doubt: not sent again.")
        try:
            word = input("Cancel, which cannot be undone? [yes/no] ")
        except (EOFError, KeyboardInterrupt):
            word = ""
        if word.strip().lower() not in {"yes", "y"}:
            raise CommandError("nothing was cancelled")


def name_letters(number: int) -> str:
    return "1 letter" if number == 1 else f"{number} letters"
