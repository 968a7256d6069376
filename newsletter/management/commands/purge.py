"""manage.py purge: delete what has had its time, as happens daily by itself."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter.retention import purge


class Command(BaseCommand):
    help = (
        "Delete or anonymise what is not to be kept longer (docs/managing.md says what and how "
        "long). Workers and `tick` do it once a day by themselves."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        purged = [f"{number} {name}" for name, number in purge(timezone.now()).items() if number]
        self.stdout.write(", ".join(purged) or "nothing is old enough to go")
