"""manage.py tick: what beat and workers do, once or for ever, without a broker."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from newsletter.chores import do_chores
from newsletter.clock import check_clock
from newsletter.controls import describe_paused_editions
from newsletter.days import drain_deliveries, run_minute
from newsletter.fetching import fetch_source, list_due_sources
from newsletter.stopping import is_stopping, stopping_on_signals
from newsletter.thumbnail_fetching import fetch_thumbnails
from newsletter.watching import watch_sources

AWAY = (OperationalError, InterfaceError, OSError)  # the database is away, or the disk is full


class Command(BaseCommand):
    help = (
        "Do what is due now: fetch, recover, freeze, match, plan, send. With --loop every 30 "
        "seconds, in place of beat and workers on a small machine; letters do not wait for sources "
        "there. SIGTERM ends it after the letter in hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--every", type=float, default=30.0, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        with stopping_on_signals(signal.SIGTERM, signal.SIGINT):
            if not options["loop"]:
                self.fetch()
                self.tick()
                self.fetch_pictures()
                return
            fetcher: threading.Thread | None = None
            while not is_stopping():
                started = time.monotonic()
                if fetcher is None or not fetcher.is_alive():
                    fetcher = threading.Thread(target=self.fetch_aside, daemon=True)
                    fetcher.start()
                try:
                    close_old_connections()
                    self.tick(options["every"])  # behind a throttle letters wait for hours
                except AWAY as error:
                    self.stderr.write(f"trying again: {type(error).__name__}: {error}".strip())
                while not is_stopping() and time.monotonic() < started + options["every"]:
                    time.sleep(0.2)

    def fetch_aside(self) -> None:
        """Fetch and do the day's chores in a thread of its own: letters do not wait for minutes."""
        try:
            self.fetch()
            self.fetch_pictures()
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
        do_chores(timezone.now())

    def fetch_pictures(self) -> None:
        done = fetch_thumbnails()
        if done.kept or done.failed:
            self.stdout.write(f"pictures: {done.kept} kept, {done.failed} not")

    def tick(self, seconds: float | None = None) -> None:
        """Do the minute, and send for so many seconds or, where None, until nothing is due."""
        now = timezone.now()
        if why := check_clock(now):
            self.stderr.write(f"held: {why}: set it right, or say manage.py resume --clock")
            return
        planned = run_minute(now)
        drained = drain_deliveries(seconds=seconds)
        states = ", ".join(f"{number} {state}" for state, number in sorted(drained.states.items()))
        if planned or states:
            self.stdout.write(f"{planned} planned, {states or 'nothing sent'}")
        if why := drained.why or describe_paused_editions():
            self.stderr.write(f"no more is sent now: {why}")
