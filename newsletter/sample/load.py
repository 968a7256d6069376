"""The demo's first run: sample papers and readers into empty tables, and an administrator."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from newsletter.editions import freeze_edition, match_edition, open_edition, site_date
from newsletter.models import Paper
from newsletter.redrawing import redraw
from newsletter.sample import SampleReader, load_readers, load_sample
from newsletter.sample.drawings import draw_figure
from newsletter.storing import store_papers
from newsletter.thumbnails import store_thumbnail
from subscribers.models import Subscriber
from subscribers.services import add_confirmed_subscriber

ADMIN = "admin"
PICTURELESS = 5
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the first run put in; zeros where something was there already."""

    papers: int
    readers: int


def count_strangers() -> int:
    """Return how many readers are not the sample's; 0 too where there are no tables yet."""
    if Subscriber._meta.db_table not in connection.introspection.table_names():
        return 0
    sample = [reader.email for reader in load_readers()]
    return Subscriber.objects.exclude(email__in=sample).count()


def load_first_run(now: datetime) -> Loaded:
    """Load the sample, its newest day today, where there is no paper and no reader: all or nothing.

    Raises what `add_confirmed_subscriber` raises.
    """
    with transaction.atomic():
        if Paper.objects.exists() or Subscriber.objects.exists():
            return Loaded(0, 0)
        today = site_date(now)
        papers = load_sample(today).papers
        counts = store_papers(papers)
        freeze_past({p.listed_on for p in papers if p.listed_on and p.listed_on < today}, now)
        readers = add_readers(now)
        draw_pictures(today - WEEK)
    return Loaded(counts.new, readers)


def draw_pictures(since: date) -> None:
    """Draw a picture for four late papers of five: as with real sources, some come without."""
    late = Paper.objects.filter(newest_listing__gte=since).order_by("pk")
    titles = dict(late.values_list("pk", "title"))
    wanted = {key: title for key, title in titles.items() if key % PICTURELESS}
    with ThreadPoolExecutor() as pool:  # drawing and packing leave the interpreter's lock
        drawn = pool.map(lambda title: redraw(draw_figure(title)), wanted.values())
        for paper_id, picture in zip(wanted, drawn, strict=True):
            store_thumbnail(paper_id, picture.small, picture.large)


def freeze_past(days: Iterable[date], now: datetime) -> None:
    """Give past days editions of their own, as if the site had run: today's is today's alone."""
    for day in sorted(days):
        edition_id = open_edition(day, now)
        freeze_edition(edition_id, now)
        match_edition(edition_id, now)


def add_readers(now: datetime) -> int:
    """Add the sample's readers where there is none; return how many."""
    if Subscriber.objects.exists():
        return 0
    readers = load_readers()
    for reader in readers:
        add_reader(reader, now)
    return len(readers)


def add_reader(reader: SampleReader, now: datetime) -> None:
    add_confirmed_subscriber(
        reader.email,
        [interest.query for interest in reader.interests if interest.weight == 1],
        timezone=reader.timezone,
        send_time=time.fromisoformat(reader.hour),
        weekdays=sum(1 << day for day in reader.weekdays),
        papers_per_letter=reader.papers_per_letter,
        starred=[interest.query for interest in reader.interests if interest.weight == 2],
        source="the demo's sample",
        now=now,
    )


def make_admin(note: Path) -> str:
    """Return the password of the user `admin`, made once and kept in `note` (mode 0600).

    "" where that user is not of our making. One changed in the admin since is not known here.
    """
    password = note.read_text(encoding="utf-8").strip() if note.exists() else ""
    users = get_user_model().objects
    if users.filter(username=ADMIN).exists():
        return password
    if not password:
        password = secrets.token_urlsafe(9)
        write_private(note, f"{password}\n")
    users.create_superuser(ADMIN, "admin@example.org", password)
    return password


def write_private(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
