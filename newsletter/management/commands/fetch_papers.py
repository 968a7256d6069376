"""manage.py fetch_papers: look at sources now, whatever their schedule."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.fetching import RunReport, fetch_source
from newsletter.freshness import utc_day
from newsletter.gathering import FetchingError
from newsletter.management.commands.run_day import parse_day
from newsletter.models import Source


class Command(BaseCommand):
    help = (
        "Fetch what sources list and store it, now: those named, or all that are on. Hosts are "
        "asked as politely as by the schedule. See docs/fetching.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", nargs="*", metavar="SOURCE", help="names, as in the admin")
        parser.add_argument("--date", metavar="DATE", help="ask for this day, as YYYY-MM-DD")
        parser.add_argument(
            "--dry-run", action="store_true", help="ask and read, and store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        day = parse_day(options["date"])
        today = utc_day(timezone.now())
        if day and day > today:
            raise CommandError(f"{day} has not come: by UTC, as the sources count, it is {today}")
        failed = 0
        for source in self.choose(options["sources"]):
            try:
                report = fetch_source(
                    source.pk,
                    by="command",
                    days=[day] if day else None,
                    dry_run=options["dry_run"],
                    say=self.stderr.write,
                )
            except FetchingError as error:
                if options["sources"]:
                    raise CommandError(str(error)) from error
                self.stderr.write(str(error))  # the others are asked
                continue
            failed += self.tell(source, report)
        if failed:
            raise CommandError(f"{failed} source{'s' * (failed > 1)} failed", returncode=1)

    def choose(self, names: list[str]) -> list[Source]:
        """Return the sources named, in that order; `CommandError` for a name that is none."""
        known = {source.name.lower(): source for source in Source.objects.all()}
        if not names:
            found = [source for source in known.values() if source.enabled]
            if not found:
                raise CommandError("no source is on: turn one on in the admin, or name it here")
            return found
        for name in names:
            if name.lower() not in known:
                there = ", ".join(source.name for source in known.values()) or "none"
                raise CommandError(f"{name!r} is no source; there are: {there}")
        return [known[name.lower()] for name in names]

    def tell(self, source: Source, report: RunReport | None) -> bool:
        """Print what came of it; return whether it failed."""
        if report is None:
            self.stderr.write(f"{source.name}: another process is looking at it right now")
            return True
        states = ", ".join(f"{part} {state}".strip() for part, state in report.states.items())
        self.stdout.write(
            f"{report.source}: {report.papers} papers, {report.unseen} unseen, {report.new} new, "
            f"{report.refused} refused, {report.requests} requests"
            + (f"; today: {states}" if states else "")
        )
        if report.problem:
            self.stderr.write(self.style.WARNING(report.problem))
        return report.state == "failed"
