"""manage.py tick: what beat and workers do, once or for ever, without a broker."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections
from django.utils import timezone

from newsletter.days import drain_deliveries, run_minute


class Command(BaseCommand):
    help = (
        "Do what is due now: recover, freeze, match, plan, send. With --loop every 30 seconds, in "
        "place of beat and workers on a small machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--every", type=float, default=30.0, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        self.tick()
        while options["loop"]:
            time.sleep(options["every"])
            try:
                close_old_connections()
                self.tick()
            except OperationalError as error:
                self.stderr.write(f"the database is away, trying again: {error}")

    def tick(self) -> None:
        planned = run_minute(timezone.now())
        drained = drain_deliveries()
        states = ", ".join(f"{number} {state}" for state, number in sorted(drained.states.items()))
        if planned or states:
            self.stdout.write(f"{planned} planned, {states or 'nothing sent'}")
        if drained.relay:
            self.stderr.write(f"the relay took no more: {drained.relay}")
