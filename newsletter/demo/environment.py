"""The running demo's settings, shared with commands beside it: their mail ends in its inbox too."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

from newsletter.embedded import Places
from newsletter.processes import try_lock

SHARED = (
    "ALLOWED_HOSTS",
    "EMAIL_URL",
    "PAPER_ROUND_DEMO",
    "PAPER_ROUND_ENV_FILE",
    "PAPER_ROUND_SITE_URL",
)


def share_demo(places: Places) -> Path:
    """Write the demo's settings down, and return the file: it goes when the demo does."""
    path = places.run / "demo.json"
    path.write_text(json.dumps({name: os.environ[name] for name in SHARED}), encoding="utf-8")
    return path


def join_demo(places: Places) -> None:
    """Take over the settings of the demo, if one runs on this var/.

    An EMAIL_URL that was given stays, but mail of the demo goes to this machine only.
    """
    with places.open_lock("demo") as lock:
        if try_lock(lock, fcntl.LOCK_SH):
            return
    given = os.environ.get("EMAIL_URL")
    with contextlib.suppress(FileNotFoundError):  # it is just starting, or ending
        os.environ.update(json.loads((places.run / "demo.json").read_text(encoding="utf-8")))
    if given:
        os.environ["EMAIL_URL"] = given
