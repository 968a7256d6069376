"""`bench letters`: from the ledger to a relay, beside what the relay can take and a naive way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.utils import timezone

from newsletter.bench.match import BenchError
from newsletter.bench.readers import store_edition, store_readers
from newsletter.bench.report import Clock, Say
from newsletter.bench.wire import measure_source, measure_wire, open_line, open_sink
from newsletter.deliveries import Claimed
from newsletter.digests import make_digest
from newsletter.mail.render import render_digest
from newsletter.material import Material, read_material
from newsletter.models import Delivery
from newsletter.paths import ROOT
from newsletter.planning import plan_deliveries
from newsletter.shares import pick_share
from subscribers.queries import read_readers

PAPERS = 200
NAIVE = 100  # readers who are written to the naive way
NEAR, FAR = 4, 32  # connections of a worker: the default, and to a relay that is not next door
SAMPLES = "letters-{}"  # the first letters of each worker
MOST_LIMIT = 20_000  # letters sent to measure a limit


def measure_letters(readers: int, workers: int, rtt: float, seed: int, say: Say) -> dict[str, Any]:
    """Return {"ratios": …, "figures": …}; all of it happens in a database of its own."""
    clock = Clock(say)
    with own_database(), tempfile.TemporaryDirectory() as folder:
        now = timezone.now()
        with clock.time("store papers and readers, match"):
            queries = store_edition(PAPERS, min(max(readers // 5, 500), 200_000), seed, now)
            store_readers(readers, queries, seed, now)
        with clock.time("plan"):
            planned = plan_deliveries(now)
        with open_sink() as (sink, whose), open_line(sink, rtt) as port:
            with clock.time("naive"):
                naive = min(NAIVE, planned)
                write_naively(naive, port)
            with clock.time("all"):
                reports = run_workers(workers, port, folder, FAR if rtt else NEAR)
            kept = sorted(Path(folder).glob(SAMPLES.format("*")))  # a worker may come too late
            if not kept:
                raise BenchError("no letter was sent: ask for more --subscribers")
            bodies = kept[0].read_bytes().split(b"\0")
            size = sum(map(len, bodies)) // len(bodies)
            number = min(MOST_LIMIT, planned, 20_000 if not rtt else 2_000)
            say("the limits …")
            source = measure_source(port, number, size)
            wire = measure_wire(port, bodies, number if not rtt else number // 10)
    return _report(clock, reports, planned, naive, source, wire, size, whose)


def _report(
    clock: Clock,
    reports: list[dict[str, Any]],
    planned: int,
    naive: int,
    source: float | None,
    wire: float,
    size: int,
    whose: str,
) -> dict[str, Any]:
    sent = sum(report["states"].get("sent", 0) for report in reports)
    seconds = max(report["seconds"] for report in reports) + clock.seconds["plan"]
    rate, slow = sent / seconds, naive / clock.seconds["naive"]
    ratios = {"letters/s, of the naive way": rate / slow, "letters/s, of wire": rate / wire}
    if source:
        ratios = {"letters/s, of source": rate / source, **ratios}
    steps: dict[str, float] = {}
    for report in reports:
        for step, took in report["steps"].items():
            steps[step] = steps.get(step, 0.0) + took
    thousands = max(sent, 1) / 1000
    figures: dict[str, Any] = {
        "letters planned": planned,
        "letters sent": sent,
        "octets of a letter": size,
        "letters/s": rate,
        "letters/s naive": slow,
        "letters/s wire": wire,
        "plan, s": clock.seconds["plan"],
        "joined letters": sum(report["joined"] for report in reports),
        "letters composed whole": sum(report["whole"] for report in reports),
        "cards made, of a letter": sum(report["cards"] for report in reports) / max(sent, 1),
        "peak resident size of a worker, MB": max(report["peak"] for report in reports),
    }
    if source:
        figures["letters/s source"] = source
    for step, took in steps.items():
        figures[f"CPU s per thousand letters: {step}"] = took / thousands
    whole = sum(report["cpu"] for report in reports)
    figures["CPU s per thousand letters: all"] = whole / thousands
    return {"ratios": ratios, "figures": figures}


@contextmanager
def own_database() -> Iterator[None]:
    """Work in a new, empty database beside the installation's, dropped at the end."""
    before = connection.settings_dict["NAME"]
    name = f"paper_round_bench_{os.getpid()}"
    test = connection.settings_dict["TEST"]
    kept, test["NAME"] = test.get("NAME"), name
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)
        test["NAME"] = kept


def run_workers(number: int, port: int, folder: str, lanes: int) -> list[dict[str, Any]]:
    """Let so many processes send what is due; return what each says of itself."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}?connections={lanes}",
        "PAPER_ROUND_VAR": folder,
        "PAPER_ROUND_LINK_KEY": settings.LINK_KEY,
        "DJANGO_SETTINGS_MODULE": "newsletter.settings",
    }
    environment.setdefault("PAPER_ROUND_BATCH", "500")
    processes = []
    for place in range(number):
        sample = str(Path(folder) / SAMPLES.format(place))
        command = [sys.executable, "-m", "newsletter.bench.sender", sample]
        processes.append(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                cwd=ROOT,
            )
        )
    for process in processes:
        _stream(process.stdout).readline()
    for process in processes:
        _stream(process.stdin).write("go\n")
        _stream(process.stdin).flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def _stream(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise RuntimeError("a worker without pipes")
    return stream


def database_url() -> str:
    """Return the DATABASE_URL of the database this process is connected to."""
    values = connection.settings_dict
    login = quote(values["USER"] or "", safe="")
    if values["PASSWORD"]:
        login += f":{quote(values['PASSWORD'], safe='')}"
    host, port = quote(values["HOST"] or "localhost", safe=""), values["PORT"]
    return f"postgresql://{login}@{host}{f':{port}' if port else ''}/{values['NAME']}"


def write_naively(number: int, port: int) -> None:
    """Write so many letters one by one: templates, premailer, Django's mail, one save() each.

    What is read of the edition is read once, as it would be by anybody.
    """
    material = Material()
    link = get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port
    )
    with link:
        for row in Delivery.objects.order_by("id")[:number]:
            item = Claimed(
                row.pk, row.edition_id, row.subscriber_id, row.covers_from, row.planned_at, 0, []
            )
            reader = read_readers([row.subscriber_id])[row.subscriber_id]
            read_material(material, [(item, reader)])
            share = pick_share(item, reader, material)
            if not share.count:
                continue
            rendered = render_digest(make_digest(share, material))
            mail = EmailMultiAlternatives(
                rendered.subject,
                rendered.text,
                settings.FROM_EMAIL,
                [reader.email],
                connection=link,
            )
            mail.attach_alternative(rendered.html, "text/html")
            mail.send()
            row.detail = "written"
            row.save()
