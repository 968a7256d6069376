"""A process with Django in it that does what a web server or an operator would, when told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

from tests.faults.running import ROOT

PEOPLE = """
from datetime import date, time, timedelta
from django.utils import timezone
from subscribers.models import Interest, Query, Subscriber
query, _ = Query.objects.get_or_create(text='"reinforcement learning"', expand=False)
now = timezone.now()
readers = Subscriber.objects.bulk_create([
    Subscriber(email=email, status="confirmed", send_time=time(8), confirmed_at=now,
        next_send_at=now + timedelta(hours=20), covered_until=date(2026, 1, 1))
    for email in emails])
Interest.objects.bulk_create([
    Interest(subscriber=reader, query=query, text="reinforcement learning") for reader in readers])
"""
PAPERS = """
from datetime import timedelta
from django.utils import timezone
from newsletter.editions import site_date
from newsletter.storing import store_papers
from newsletter.sources.base import FetchedPaper
day = site_date(timezone.now()) - timedelta(days=back)
store_papers([FetchedPaper(source="test", title=f"Reinforcement learning, {day}, part {n}",
    abstract="We study it.", listed_on=day, authors=("Ada Example",), upvotes=1)
    for n in range(number)])
"""
PLAN = """
from datetime import timedelta
from django.utils import timezone
from newsletter.days import prepare_edition
from newsletter.editions import site_date
from newsletter.planning import plan_edition
now = timezone.now()
edition, _ = prepare_edition(site_date(now) - timedelta(days=back), now)
result = plan_edition(edition, now, everyone=True)
"""
ASK = """
from newsletter import tasks
for _ in range(times):
    tasks.deliver.delay()
"""
HAND = """
import json, sys
import django
django.setup()
from django.db import close_old_connections, connection
for line in sys.stdin:
    order = json.loads(line)
    for attempt in range(40):
        names = dict(order["values"])
        try:
            close_old_connections()
            exec(order["code"], names)
            answer = {"result": names.get("result")}
            break
        except Exception as error:
            import time
            answer = {"error": repr(error)}
            if type(error).__name__ not in {"OperationalError", "InterfaceError"}:
                break
            connection.close()
            time.sleep(0.25)
    print(json.dumps(answer, default=str), flush=True)
"""


class Hand:
    """A long-lived process with Django in it: what a person does costs no start of Python."""

    def __init__(self, environment: dict[str, str]) -> None:
        environment = environment | {"DJANGO_SETTINGS_MODULE": "newsletter.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HAND],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, code: str, **values: Any) -> Any:
        """Run `code` there; return what it called `result`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"code": code, "values": values}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def close(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
