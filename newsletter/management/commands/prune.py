"""manage.py prune: delete what has been kept for as long as is said."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from newsletter.chores import prune


class Command(BaseCommand):
    help = (
        "Delete or anonymise what is older than it is kept, as workers and `tick` do daily by "
        "themselves. docs/managing.md says how long readers' data are kept, docs/fetching.md what "
        "of sources is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = prune(timezone.now(), dry_run=options["dry_run"])
        verb = "would go" if options["dry_run"] else "deleted"
        shown = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
        self.stdout.write(f"{shown or 'nothing'} {verb}")
