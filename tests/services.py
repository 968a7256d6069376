"""Starts the embedded servers before pytest-django reads the settings, and stops them after.

pytest-django reads settings in `pytest_load_initial_conftests`, before any conftest.py, so this is
a plugin (`-p tests.services`) that comes first. Where DATABASE_URL is set, those servers are used.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from newsletter.embedded import Servers

_servers: Servers | None = None
_var: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _servers, _var
    if os.environ.get("DATABASE_URL") or os.environ.get("PYTEST_XDIST_WORKER"):
        return
    _var = Path(tempfile.mkdtemp(prefix="paper-round-tests-"))
    _servers = Servers(_var, fast=True)
    os.environ.update(
        {**_servers.start(), "PAPER_ROUND_EMBEDDED": "1", "PAPER_ROUND_VAR": str(_var)}
    )


def pytest_unconfigure() -> None:
    if _servers and _var:
        _servers.stop(wait=10)
        shutil.rmtree(_var, ignore_errors=True)
