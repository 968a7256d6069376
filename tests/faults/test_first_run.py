"""From a bare checkout: paths with spaces, a first run cut short, a database that is not ours."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.embedded import Servers
from tests.faults.running import ROOT, list_processes, run_manage, running_demo, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
COUNT = "from newsletter.models import *; print(Paper.objects.count(), Delivery.objects.count())"


@pytest.fixture
def var() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="paper-round-first-"))
    yield directory
    wait_for(lambda: not list_processes(directory), 15)
    shutil.rmtree(directory)


def copy_checkout(destination: Path) -> None:
    """Copy what git knows of, or would take, so that nothing made here comes along."""
    names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(names, cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, destination / name)


def test_it_runs_in_a_path_with_spaces(tmp_path: Path) -> None:
    root = tmp_path / "a checkout with spaces"
    copy_checkout(root)
    checked = run_manage(root / "var", "migrate", "--check", root=root)
    assert checked.returncode == 1, checked.stderr  # no table yet, and that command makes none
    checked = run_manage(root / "var", "check", root=root)
    assert "no issues" in checked.stdout, checked.stderr
    assert "Setting up the database" in checked.stderr
    wait_for(lambda: not list_processes(root / "var"), 10)


def test_it_completes_a_first_run_that_was_killed(var: Path) -> None:
    with running_demo(var, "--port", "0") as demo:
        assert demo.process.stdout is not None
        seen = ""
        while "Sample papers" not in seen:
            seen += demo.process.stdout.read(1)
        demo.stop(signal.SIGKILL)
    with running_demo(var, "--port", "0") as demo:
        demo.await_ready()
        demo.stop(signal.SIGINT)
    assert "letters of the first day" in "".join(demo.lines)
    counted = run_manage(var, "shell", "-v0", "-c", COUNT)
    papers, deliveries = map(int, counted.stdout.split())
    assert papers == 60, counted.stderr
    assert deliveries >= 10


def test_it_keeps_its_hands_off_an_installation(var: Path, tmp_path: Path) -> None:
    with Servers(var, fast=True) as urls:
        given = {**urls, "PAPER_ROUND_EMBEDDED": "1"}
        assert run_manage(tmp_path, "migrate", **given).returncode == 0
        add = ["add_subscriber", "somebody@example.com", "--interest", "RL"]
        added = run_manage(tmp_path, *add, **given)
        assert added.returncode == 0, added.stderr
        refused = run_manage(tmp_path, "demo", "--port", "0", **given)
        assert refused.returncode == 1
        assert "points at an installation with readers of its own (1)" in refused.stderr
        half = run_manage(tmp_path, "demo", "--port", "0", DATABASE_URL=urls["DATABASE_URL"])
        assert "DATABASE_URL is set but REDIS_URL is not: set both, or neither" in half.stderr


def test_it_says_when_the_database_does_not_answer(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SECRET_KEY": "x" * 50,
        "PAPER_ROUND_LINK_KEY": "y" * 50,
    }
    failed = run_manage(tmp_path, "migrate", **settings)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[0].startswith("manage.py: the database does not answer (")
    assert "Traceback" not in failed.stderr
    assert not os.listdir(tmp_path)


def test_it_refuses_a_setting_in_one_line(var: Path) -> None:
    refused = run_manage(var, "match", "RL", PAPER_ROUND_LEASE="soon")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "manage.py: PAPER_ROUND_LEASE='soon': write a whole number from 5 to 3600"
    )
    assert "Traceback" not in refused.stderr
