"""A demo and a browser, shared by the tests that walk through the whole product."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Browser, sync_playwright

from tests.browser.demosite import CHROMIUM, DemoSite
from tests.faults.running import list_processes, running_demo, wait_for


@pytest.fixture(scope="session")
def demo_site() -> Iterator[DemoSite]:
    """A demo after its first day, with everything running; one for all tests of a session."""
    var = Path(tempfile.mkdtemp(prefix="paper-round-site-"))
    with running_demo(var, "--port", "0") as demo:
        yield DemoSite(demo.await_ready(), var)
        demo.process.terminate()
        demo.process.communicate(timeout=30)
    wait_for(lambda: not list_processes(var), 15)
    shutil.rmtree(var)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for a module's tests. Django takes Playwright's loop for asynchronous code."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu"]
            yield playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser for one test on Django's own live server: nothing is left for the next."""
    yield chromium
    for context in chromium.contexts:
        context.close()
    connections.close_all()  # Django keeps one per loop: it would keep the database busy
