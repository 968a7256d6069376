"""The measurements run and print what the page on them says; how fast is not asserted."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from newsletter.bench import wire
from newsletter.bench.generation import make_workload
from newsletter.matching.query import parse_query
from newsletter.models import Edition, Paper


def bench(*arguments: str) -> Any:
    out = StringIO()
    call_command("bench", *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_it_measures_matching() -> None:
    pytest.importorskip("ahocorasick_rs")
    found = bench("match", "--papers", "20", "--interests", "300")
    assert found["figures"]["matches"] > 0
    assert set(found["ratios"]) == {
        "build + match, of a plain ahocorasick-rs scan",
        "the plain phrases alone: build + match, of their scan",
        "PostgreSQL tsquery x GIN (scaled), of build + match",
        "parse + read + build + match, of read + scan",
    }


def test_it_measures_picking() -> None:
    found = bench("pick", "--subscribers", "500")
    assert found["figures"]["papers picked"] > 0
    assert list(found["ratios"]) == ["readers/s all at once, of one by one in Python"]


@pytest.mark.django_db
def test_it_measures_estimates_and_leaves_nothing() -> None:
    found = bench("estimate", "--papers", "90")
    assert found["figures"]["an estimate, median of the queries, ms"] > 0
    assert not Paper.objects.exists()


@pytest.mark.django_db
def test_it_measures_a_search_and_leaves_nothing() -> None:
    found = bench("search", "--papers", "90")
    assert found["figures"]["a page of results, median of the queries, ms"] > 0
    assert not Paper.objects.exists()


@pytest.mark.django_db
def test_it_measures_a_day_and_leaves_nothing() -> None:
    found = bench("day", "--papers", "250")
    assert 0 < found["figures"]["queries"] <= 6
    assert found["figures"]["kilobytes"] > 50
    assert not Paper.objects.exists()


def test_it_invents_the_same_again() -> None:
    work = make_workload(10, 200, seed=7)
    assert work == make_workload(10, 200, seed=7)
    assert len(work.interests) == len(set(work.interests)) == 200
    for text in work.interests:
        parse_query(text)


@pytest.mark.django_db(transaction=True)
def test_it_measures_letters_in_a_database_of_its_own() -> None:
    before = connection.settings_dict["NAME"]
    found = bench("letters", "--subscribers", "40", "--workers", "2", "--rtt", "1")
    figures = found["figures"]
    assert figures["letters planned"] == 40
    assert 0 < figures["letters sent"] == figures["joined letters"]
    assert figures["letters composed whole"] == 0
    assert {"letters/s, of the naive way", "letters/s, of wire"} <= found["ratios"].keys()
    assert connection.settings_dict["NAME"] == before
    assert not Paper.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_measures_planning_in_a_database_of_its_own() -> None:
    before = connection.settings_dict["NAME"]
    found = bench("plan", "--subscribers", "700")
    assert "readers/s in bulk, of one by one" in found["ratios"]
    assert min(found["figures"].values()) > 0
    assert connection.settings_dict["NAME"] == before
    assert not Edition.objects.exists()


def test_its_own_sink_takes_letters_and_its_line_is_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with wire.open_sink() as (port, whose):
        assert whose == "a sink in Python"
        near = wire.measure_wire(port, [b"Subject: x\r\n\r\n.\r\nx\r\n"], 20)
        with wire.open_line(port, 20) as far:
            assert wire.measure_wire(far, [b"Subject: x\r\n\r\nx\r\n"], 10) < min(50, near)
