"""manage.py chaos: a storm of faults over a throwaway installation, judged from outside."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Run an installation of its own, break something every second or so, and check that no "
        "letter is lost or doubled. Your data and your relay are not touched. Needs a checkout "
        "with its tests."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--minutes", type=float, default=5.0)
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same faults")
        parser.add_argument("--readers", type=int, default=2000)
        parser.add_argument("--days", type=int, default=5)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from tests.faults.storm import Storm, summarise
            from tests.faults.world import World
        except ImportError as error:
            raise CommandError(
                f"{error}: chaos needs a checkout with its tests and their packages"
            ) from error
        with ExitStack() as stack:
            directory = stack.enter_context(TemporaryDirectory(prefix="paper-round-chaos-"))
            world = stack.enter_context(World(Path(directory) / "var"))
            storm = Storm(
                world,
                options["seed"],
                readers=options["readers"],
                days=options["days"],
                seconds=options["minutes"] * 60,
                say=lambda line: self.stderr.write(line),
            )
            report = storm.run()
            self.stdout.write(summarise(storm, report))
        if report.broken:
            raise CommandError(f"{len(report.broken)} promises were broken")
