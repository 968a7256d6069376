"""`bench day`: the day's page with a hundred papers of many stored, beside an empty page."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from newsletter.bench.estimate import milliseconds
from newsletter.bench.generation import iterate_papers
from newsletter.bench.report import Clock, Say
from newsletter.bench.stored import copy_papers

A_DAY = 100  # papers
LAST = datetime.date(1900, 1, 31)  # no installation has papers of these days
ROUNDS = 9


def measure_day(papers: int, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; what is stored for it is taken back."""
    clock = Clock(say)
    with transaction.atomic():
        with clock.time("generate and store"):
            copy_papers(iterate_papers(papers, seed), papers, LAST, A_DAY)
        client = Client(headers={"host": _host()})
        page = f"/d/{LAST - datetime.timedelta(days=1)}"
        with CaptureQueriesContext(connection) as queries:
            first = _get(client, page)
        asked = len(queries)
        again = partial(_get, client, page, first.headers["ETag"])
        full = _median(partial(_get, client, page))
        unchanged = _median(again)
        empty = _median(partial(_get, client, "/healthz"))
        transaction.set_rollback(True)
    return {
        "ratios": {
            "the day's page, of an empty answer": full / empty,
            "the day's page, of one that has not changed (304)": full / unchanged,
        },
        "figures": {
            "papers": papers,
            "papers of the day": A_DAY,
            "queries": asked,
            "kilobytes": len(first.content) / 1000,
            "the day's page, ms": full,
            "the day's page unchanged, ms": unchanged,
        },
    }


def _get(client: Client, page: str, etag: str = "") -> HttpResponse:
    return client.get(page, headers={"if-none-match": etag} if etag else {}, secure=True)  # type: ignore[return-value]


def _median(ask: Callable[[], object]) -> float:
    ask()
    return median(milliseconds(ask) for _ in range(ROUNDS))


def _host() -> str:
    return next((name for name in settings.ALLOWED_HOSTS if name != "*"), "localhost").lstrip(".")
