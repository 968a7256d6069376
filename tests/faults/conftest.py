"""One installation for all fault tests, emptied before each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import Report, check
from tests.faults.world import World

ADDRESS = re.compile(r"@reader\d*\.example")


@pytest.fixture(scope="session")
def standing_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world") / "var") as world:
        yield world


@pytest.fixture
def world(standing_world: World) -> Iterator[World]:
    standing_world.reset()
    yield standing_world
    standing_world.end_all()
    named = [line for line in standing_world.logs().splitlines() if ADDRESS.search(line)]
    assert not named, f"an address was logged: {named[0][:300]}"


def judge(world: World, *, finished: bool = True) -> Report:
    """The checker's report on the world; fails where a promise was broken."""
    with world.connect() as connection:
        report = check(world.log, connection, finished=finished)
    assert not report.broken, str(report)
    return report


def receipts_left(var: Path) -> list[str]:
    return sorted(os.listdir(var / "receipts")) if (var / "receipts").exists() else []
