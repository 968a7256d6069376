"""Starts the real servers before pytest-django reads the settings, and stops them after.

pytest-django reads settings in `pytest_load_initial_conftests`, before any conftest.py, so this is
a plugin (`-p tests.services`) that comes first. `manage.py test` has started them already.
"""

from __future__ import annotations

import os

import pytest

from newsletter.embedded import EmbeddedError
from newsletter.testbed import MARK, Testbed

_testbed: Testbed | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _testbed
    if MARK in os.environ:
        return
    _testbed = Testbed()
    try:
        _testbed.start()
    except EmbeddedError as error:
        _testbed.stop()
        raise pytest.UsageError(str(error)) from error


def pytest_unconfigure() -> None:
    if _testbed:
        _testbed.stop()
