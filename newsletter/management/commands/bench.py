"""`manage.py bench`: each measured beside a plain limit, or a plain way."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.bench.day import measure_day
from newsletter.bench.estimate import measure_estimate
from newsletter.bench.letters import measure_letters
from newsletter.bench.match import BenchError, measure_match
from newsletter.bench.pick import measure_pick
from newsletter.bench.plan import measure_plan
from newsletter.bench.report import table
from newsletter.bench.search import measure_search
from newsletter.bench.store import measure_store

# What stores its papers first.
STORED = {
    "estimate": measure_estimate,
    "search": measure_search,
    "day": measure_day,
}


class Command(BaseCommand):
    help = (
        "Measure matching (match), picking (pick), estimates (estimate), a search (search), the "
        "day's page (day), storing papers (store), planning (plan) or sending (letters) beside "
        "plain limits; see docs/benchmarks.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        match = what.add_parser("match", help="interests against papers")
        match.add_argument("--papers", type=int, default=2_000)
        match.add_argument("--interests", type=int, default=200_000)
        pick = what.add_parser("pick", help="from matches to every reader's letter")
        pick.add_argument("--subscribers", type=int, default=1_000_000)
        guess = what.add_parser("estimate", help="what an interest would have found")
        guess.add_argument("--papers", type=int, default=30_000)
        search = what.add_parser("search", help="a page of results")
        search.add_argument("--papers", type=int, default=30_000)
        day = what.add_parser("day", help="the day's page")
        day.add_argument("--papers", type=int, default=30_000)
        store = what.add_parser("store", help="a day's papers into the database")
        store.add_argument("--papers", type=int, default=2_000)
        store.add_argument("--stored", type=int, default=0, help="papers stored before")
        plan = what.add_parser("plan", help="who gets which letter")
        plan.add_argument("--subscribers", type=int, default=100_000)
        letters = what.add_parser("letters", help="from the ledger to a relay")
        letters.add_argument("--subscribers", type=int, default=20_000)
        letters.add_argument("--workers", type=int, default=1, help="processes")
        letters.add_argument("--rtt", type=float, default=0, help="milliseconds to the relay")
        for one in (match, pick, guess, search, day, store, plan, letters):
            one.add_argument("--seed", type=int, default=1)
            one.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, what: str, seed: int, **options: Any) -> None:
        try:
            if what == "match":
                found = measure_match(
                    options["papers"], options["interests"], seed, self.stderr.write
                )
            elif what == "pick":
                found = measure_pick(options["subscribers"], seed, self.stderr.write)
            elif what == "plan":
                found = measure_plan(options["subscribers"], seed, self.stderr.write)
            elif what == "store":
                found = measure_store(options["papers"], seed, self.stderr.write, options["stored"])
            elif what == "letters":
                found = measure_letters(
                    options["subscribers"],
                    options["workers"],
                    options["rtt"],
                    seed,
                    self.stderr.write,
                )
            else:
                found = STORED[what](options["papers"], seed, self.stderr.write)
        except BenchError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found) if options["json"] else table(**found))
