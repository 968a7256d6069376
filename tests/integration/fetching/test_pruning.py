"""What is deleted when: everything has its days, and nothing goes before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from newsletter.models import (
    FetchedPage,
    FetchHost,
    FetchRun,
    PackedWords,
    Quarantined,
    Source,
    SourceDay,
)
from newsletter.pruning import KEPT_DAYS, prune_sources

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def keep_one_of_each(source: Source, at: datetime, number: int) -> None:
    FetchRun.objects.create(
        source=source, by="schedule", state="failed", started_at=at, finished_at=at, sample="<html>"
    )
    Quarantined.objects.create(
        source=source, place=f"record {number}", reason="no id", day=at, first_at=at, last_at=at
    )
    FetchedPage.objects.create(source=source, url=f"https://x/{number}", fetched_at=at)
    FetchHost.objects.create(host=f"host{number}", next_at=at)
    SourceDay.objects.create(source=source, day=at.date())


def test_it_keeps_each_for_its_days() -> None:
    source = Source.objects.create(name="arXiv", kind="arxiv-rss", first_day=date(2025, 1, 1))
    for number, days in enumerate((0, 6, 8, 29, 31, 399, 401)):
        keep_one_of_each(source, NOW - timedelta(days=days), number)
    counts = prune_sources(NOW)
    assert counts["samples"] == 5
    assert FetchRun.objects.exclude(sample="").count() == 2
    for model in (FetchRun, Quarantined, FetchedPage, FetchHost):
        assert model._default_manager.count() == 4, model
    assert SourceDay.objects.count() == 6
    assert set(prune_sources(NOW).values()) == {0}


def test_it_keeps_the_words_of_the_newest_thirty_days() -> None:
    for back in range(40):
        PackedWords.objects.create(date=NOW.date() - timedelta(days=back), stamp="x", packed=b"")
    assert prune_sources(NOW)["packed words"] == 10
    oldest = PackedWords.objects.order_by("date").values_list("date", flat=True)[0]
    assert oldest == NOW.date() - timedelta(days=29)


def test_it_prunes_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune")
    assert capsys.readouterr().out == "nothing deleted\n"
    assert set(KEPT_DAYS) <= set(prune_sources(NOW))
