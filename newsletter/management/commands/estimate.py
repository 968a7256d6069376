"""manage.py estimate: what an interest would have found in the last 30 editions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.estimates import Estimate, Example, describe_days, describe_rate, estimate
from newsletter.management.commands.match import point_at
from newsletter.matching.base import QueryError

BARS = "▁▂▃▅▇"


class Command(BaseCommand):
    help = "Print how many papers an interest would have found in the last 30 editions, and which."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query", metavar="QUERY", help="an interest, as a reader types it")
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = estimate(options["query"], timezone.now())
        except QueryError as error:
            raise CommandError(point_at(options["query"], error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False))
            return
        for line in describe(found):
            self.stdout.write(line)


def describe(found: Estimate) -> Iterator[str]:
    """Yield the lines of an estimate, the advice first."""
    yield found.advice
    if found.hits:
        span = describe_days(found.days, found.of_editions)
        yield f"{draw(found.histogram)}  {found.hits} of {found.papers} papers in {span}"
    if found.also_finds:
        yield f"also finds: {', '.join(found.also_finds)}"
    for example in found.examples:
        yield f"  {show_title(example)}"
    for text, per_day in found.narrower:
        yield f"narrower: {text} ({describe_rate(per_day)})"
    for text, count in found.nearest:
        yield f"near: {text} ({count})"


def draw(histogram: tuple[tuple[object, int], ...]) -> str:
    """Return one bar per day, the highest for the most hits; a day without any is a dot."""
    most = max((hits for _, hits in histogram), default=0)
    return "".join(
        BARS[min(len(BARS) - 1, hits * len(BARS) // (most + 1))] if hits else "·"
        for _, hits in histogram
    )


def show_title(example: Example) -> str:
    """Return the title with what matched in [brackets]."""
    return "".join(f"[{part.text}]" if part.marked else part.text for part in example.title)
