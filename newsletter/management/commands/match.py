"""manage.py match: which of the stored papers an interest finds, and why."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.matching.base import QueryError
from newsletter.matching.display import readable
from newsletter.search import FoundPaper, search_papers


class Command(BaseCommand):
    help = "Print the stored papers that match an interest, best first, and the words that matched."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query", metavar="QUERY", help="an interest, as a reader types it")
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = search_papers(options["query"])
        except QueryError as error:
            raise CommandError(point_at(options["query"], error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([paper.as_dict() for paper in found], ensure_ascii=False))
            return
        for paper in found:
            self.stdout.write(self.describe(paper))
        self.stdout.write(f"{len(found)} paper{'s' * (len(found) != 1)} match")

    def describe(self, paper: FoundPaper) -> str:
        words = {readable(reason.text).text: None for reason in paper.reasons}
        fields = {reason.field: None for reason in paper.reasons}
        why = f"{', '.join(fields)}: {', '.join(words)}"
        return f"{paper.score:5.1f}  {readable(paper.title).text}\n       {why}"


def point_at(query: str, error: QueryError) -> str:
    """Return the refusal with a caret under the place."""
    return f"{error}\n  {query}\n  {' ' * error.position}^"
