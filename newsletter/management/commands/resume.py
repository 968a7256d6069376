"""manage.py resume: send again after a pause, a restored backup, a clock that jumped."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.beacon import forget_beacon
from newsletter.clock import accept_clock
from newsletter.controls import (
    ControlError,
    describe_pause,
    list_paused_editions,
    mark_covered,
    resume_sending,
)
from newsletter.editions import site_date
from newsletter.management.commands.run_day import parse_day


class Command(BaseCommand):
    help = (
        "Send again. After a backup was restored, say --sent-until DATE so that no edition up to "
        "that day is sent twice. --clock believes a clock that jumped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", metavar="DATE", help="only the edition of this day")
        parser.add_argument("--clock", action="store_true", help="the clock is right as it is")
        parser.add_argument(
            "--sent-until", metavar="DATE", help="readers have had every edition up to this day"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        day, until = parse_day(options["date"]), parse_day(options["sent_until"])
        if until and until > (today := site_date(timezone.now())):
            raise CommandError(
                f"{until} is after {today}, this site's day: readers would get nothing until then; "
                "write the day of the last edition that went out"
            )
        if options["clock"]:
            accept_clock()
            self.stdout.write("The clock is believed as it is.")
            return
        try:
            covered = mark_covered(until) if until else 0
            resumed = resume_sending(day)
        except ControlError as error:
            raise CommandError(str(error)) from error
        if day is None:
            forget_beacon()
        note = f" {covered} readers have had the editions up to {until}." if until else ""
        self.stdout.write(("Sending again." if resumed else "It was not paused.") + note)
        self.say_what_holds(day)

    def say_what_holds(self, day: date | None) -> None:
        """Say what else keeps letters from going, when `day` or all (None) was resumed."""
        if why := describe_pause():
            self.stdout.write(f"All sending is paused still ({why}): `manage.py resume` ends that.")
        for paused, why in list_paused_editions() if day is None else ():
            self.stdout.write(
                f"The edition of {paused} is paused still ({why}): "
                f"`manage.py resume --date {paused}` lets it go on."
            )
