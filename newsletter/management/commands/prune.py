"""manage.py prune: delete what has been kept for as long as is said."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from newsletter.pruning import KEPT_DAYS, prune


class Command(BaseCommand):
    help = (
        "Delete what is older than it is kept, as the scheduler does daily: "
        + ", ".join(f"{name} {days} days" for name, days in KEPT_DAYS.items())
        + ", packed words of all but the newest 30 editions."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = prune(timezone.now(), dry_run=options["dry_run"])
        verb = "would go" if options["dry_run"] else "deleted"
        shown = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
        self.stdout.write(f"{shown or 'nothing'} {verb}")
