"""manage.py tick: what beat and workers do, once or for ever, without a broker."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections, connection
from django.utils import timezone

from newsletter.days import drain_deliveries, run_minute
from newsletter.fetching import fetch_source, list_due_sources, watch_sources


class Command(BaseCommand):
    help = (
        "Do what is due now: fetch, recover, freeze, match, plan, send. With --loop every 30 "
        "seconds, in place of beat and workers on a small machine; letters do not wait for "
        "sources there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--every", type=float, default=30.0, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["loop"]:
            self.fetch()
        self.tick()
        fetcher: threading.Thread | None = None
        while options["loop"]:
            if fetcher is None or not fetcher.is_alive():
                fetcher = threading.Thread(target=self.fetch_aside, daemon=True)
                fetcher.start()
            time.sleep(options["every"])
            try:
                close_old_connections()
                self.tick()
            except OperationalError as error:
                self.stderr.write(f"the database is away, trying again: {error}")

    def fetch_aside(self) -> None:
        """Fetch in a thread of its own: a source may take minutes, and letters do not wait."""
        try:
            self.fetch()
        except Exception as error:  # the next round tries again
            self.stderr.write(f"fetching stopped: {type(error).__name__}: {error}")
        finally:
            connection.close()

    def fetch(self) -> None:
        watch_sources(timezone.now())
        for source_id in list_due_sources(timezone.now()):
            report = fetch_source(source_id)
            if report and (report.new or report.problem):
                self.stdout.write(f"{report.source}: {report.new} new papers {report.problem}")

    def tick(self) -> None:
        planned = run_minute(timezone.now())
        drained = drain_deliveries()
        states = ", ".join(f"{number} {state}" for state, number in sorted(drained.states.items()))
        if planned or states:
            self.stdout.write(f"{planned} planned, {states or 'nothing sent'}")
        if drained.relay:
            self.stderr.write(f"the relay took no more: {drained.relay}")
