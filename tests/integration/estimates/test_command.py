"""manage.py estimate."""

from __future__ import annotations

import json
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from newsletter.management.commands.estimate import draw
from tests.factories import DAY, MORNING
from tests.integration.estimates.days import freeze_days

pytestmark = pytest.mark.django_db


def run(query: str, *options: str) -> str:
    out = StringIO()
    with time_machine.travel(MORNING, tick=False):
        call_command("estimate", query, *options, stdout=out)
    return out.getvalue()


def test_it_prints_an_estimate() -> None:
    freeze_days(["On RL"], ["Other"], ["Reinforcement learning", "RL again"])
    assert run("RL") == (
        "1 a day, good.\n"
        "▂·▅  3 of 4 papers in the last 3 editions\n"
        "also finds: reinforcement learning\n"
        "  On [RL]\n"
        "  [Reinforcement learning]\n"
        "  [RL] again\n"
    )


def test_it_prints_json() -> None:
    freeze_days(["On RL"])
    found = json.loads(run("RL", "--json"))
    assert found["verdict"] == "good"
    assert found["histogram"] == [[DAY.isoformat(), 1]]
    assert found["examples"][0]["title"] == [["On ", False], ["RL", True]]


def test_it_points_at_what_is_refused() -> None:
    with pytest.raises(CommandError, match=r"never closed[^\n]*\n  foo\(bar\n     \^$"):
        run("foo(bar")


def test_it_draws_days() -> None:
    assert draw(()) == ""
    assert draw(tuple(enumerate([0, 1, 2, 3, 4, 5]))) == "·▁▂▃▅▇"
    assert draw(tuple(enumerate([1, 1]))) == "▃▃"
