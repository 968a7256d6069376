"""manage.py index_papers: bring the files that are searched up to what is stored."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from newsletter.volumes import index_papers
from newsletter.wordbook import current_wordbook


class Command(BaseCommand):
    help = (
        "Read the words of new and changed papers into the files that searches read, newest "
        "first. Happens by itself; needed only to have it done before anybody asks. May be "
        "interrupted: what is done stays done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--background", action="store_true", help="give way to other work")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["background"]:
            os.nice(10)
        done = index_papers(self.stderr.write)
        current_wordbook(timezone.now())
        self.stdout.write(f"{done.papers} papers read, {done.volumes} volumes made")
