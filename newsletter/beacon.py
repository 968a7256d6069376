"""A note outside the database of when letters last went out: it tells a restored backup.

A database restored from yesterday's backup does not know what went out since, and would send it all
again. The note beside it does: when it is newer than all the database knows, sending stops until
the operator says what to do.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min
from django.utils import timezone

from newsletter.tallies import KEEP, last_sent_minute

# A crash of PostgreSQL may cost it its last moments, and the database counts by minutes.
SLACK = timedelta(minutes=10)


def beacon_path() -> Path:
    return Path(settings.VAR_DIR) / "last-sent.json"


def write_beacon(at: datetime, newest: date) -> None:
    """Note that letters went out at `at`, the database's time; `newest` is their last edition."""
    path = beacon_path()
    note = {"at": at.isoformat(), "edition": newest.isoformat(), "installation": installation()}
    text = json.dumps(note)
    part = path.with_suffix(f".{id(text)}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_beacon() -> tuple[datetime, date] | None:
    """Return when letters last went out and the last edition among them, None where unknown.

    The note of another installation, whose database this is not a backup of, says nothing.
    """
    try:
        note = json.loads(beacon_path().read_text(encoding="utf-8"))
        if note["installation"] != installation():
            return None
        return datetime.fromisoformat(note["at"]), date.fromisoformat(note["edition"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def installation() -> str:
    """Return what a database and its backups have in common: when it was first migrated."""
    first = MigrationRecorder.Migration.objects.aggregate(first=Min("applied"))["first"]
    return str(first.isoformat()) if first else ""


def find_restored() -> str:
    """Return why sending must stop: letters went out that the database does not know; else ""."""
    note = read_beacon()
    if note is None:
        return ""
    at, edition = note
    if timezone.now() - at > KEEP:
        return ""  # so long ago that the database's tallies of it are deleted
    known = last_sent_minute()
    if known is not None and at - known < SLACK:
        return ""
    last = f"of {known:%Y-%m-%d %H:%M} UTC" if known else "none"
    return (
        f"restored? letters went out until {at:%Y-%m-%d %H:%M} UTC (edition {edition}), and the "
        f"last this database knows is {last}"
    )


def forget_beacon() -> None:
    """Take the note away: the operator knows."""
    beacon_path().unlink(missing_ok=True)
