"""What the tests run on: real servers of their own, a var/ of their own, and no setting of yours.

No Django at import: the environment must be ready before the settings are read.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

from newsletter.embedded import Servers, mark_throwaway

# Set while a testbed stands, so that pytest does not build another inside the gate's.
MARK = "PAPER_ROUND_TESTBED"
OWN = {"EMAIL_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "IN_DOUBT"}


class Testbed:
    """`with Testbed():` has the environment point at servers started for the run.

    Where DATABASE_URL is set (a CI's service), that server is used, with REDIS_URL beside it.
    """

    __test__ = False  # not a test, whatever pytest makes of its name

    def __init__(self) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="paper-round-tests-"))
        self.servers = Servers(self.var, fast=True)

    def start(self) -> None:
        clear_settings()
        given = {k: v for k in ("DATABASE_URL", "REDIS_URL") if (v := os.environ.get(k))}
        mark_throwaway(self.var)
        urls = {} if "DATABASE_URL" in given else self.servers.start()
        os.environ.update({**urls, **given, MARK: "1", "PAPER_ROUND_VAR": str(self.var)})
        os.environ.update({"PAPER_ROUND_EMBEDDED": "1", "PAPER_ROUND_ENV_FILE": ""})

    def stop(self) -> None:
        self.servers.stop(wait=10)
        shutil.rmtree(self.var, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def clear_settings() -> None:
    """Take the operator's settings out of the environment: no test may mail through their relay."""
    for name in list(os.environ):
        if name.startswith("PAPER_ROUND_") or name.removesuffix("_FILE") in OWN:
            del os.environ[name]
