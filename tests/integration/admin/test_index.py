"""The first page: its figures are the database's, at a fixed cost."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.management import get_commands
from django.test import Client
from django.urls import reverse

from newsletter.models import QueryMatches
from newsletter.status import LetterCounts, morning_status
from subscribers.models import Query
from tests.integration.admin.makers import (
    NOW,
    TODAY,
    make_deliveries,
    make_edition,
    make_operator,
    make_paper,
    make_readers,
)

pytestmark = pytest.mark.django_db


def make_morning() -> None:
    """A morning with something of everything."""
    edition = make_edition()
    for number in range(4):
        make_paper(f"Paper {number}", edition, late=number == 0, hidden=number == 1)
    query, lonely = (Query.objects.create(text=text) for text in ("folding", "nothing"))
    QueryMatches.objects.create(edition=edition, query=query, hits=[[1, 2.0, []]])
    QueryMatches.objects.create(edition=edition, query=lonely, hits=[])
    readers = make_readers(6, next_send_at=NOW + timedelta(minutes=30))
    make_deliveries(edition, readers[:3], "sent")
    make_deliveries(edition, readers[3:4], "failed")
    make_deliveries(edition, readers[4:5], "in_doubt")
    make_deliveries(edition, readers[5:], "queued")
    make_readers(2, status="unconfirmed", confirmed_at=None)
    make_readers(1, next_send_at=NOW + timedelta(hours=5))
    make_readers(1, next_send_at=NOW - timedelta(hours=1))
    old = make_edition(TODAY - timedelta(days=3), frozen=False)
    make_deliveries(old, readers[:1], "failed", finished_at=NOW - timedelta(days=30))


def test_it_counts_the_morning() -> None:
    make_morning()
    status = morning_status(NOW)
    assert status.edition is not None
    assert status.edition.letters == LetterCounts(sent=3, failed=1, in_doubt=1, queued=1)
    assert (status.edition.papers.total, status.edition.papers.late) == (4, 1)
    assert (status.edition.papers.hidden, status.matched_queries) == (1, 1)
    assert (status.readers.confirmed, status.readers.unconfirmed) == (8, 2)
    assert (status.readers.due_hour, status.readers.due_day, status.readers.overdue) == (7, 8, 1)
    assert (status.in_doubt, status.failed, status.unfrozen) == (1, 1, 1)
    assert [row.date for row in status.recent] == [TODAY, TODAY - timedelta(days=3)]


def test_it_counts_the_papers_that_wait_for_the_freeze() -> None:
    make_paper("Waits", day=TODAY - timedelta(days=2))
    make_paper("Archive", day=TODAY - timedelta(days=30))
    status = morning_status(NOW)
    assert (status.edition, status.waiting, status.papers_today) == (None, 1, 1)


def test_it_takes_eight_queries_whatever_the_data(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):
        morning_status(NOW)
    make_morning()
    for day in range(10, 30):
        make_deliveries(make_edition(TODAY - timedelta(days=day)), make_readers(3), "sent")
    with django_assert_max_num_queries(8):
        assert len(morning_status(NOW).recent) == 14


@time_machine.travel(NOW, tick=False)
def test_it_shows_the_figures_and_what_needs_attention(operator_client: Client) -> None:
    make_morning()
    page = unescape(operator_client.get(reverse("admin:index")).content.decode())
    assert "Friday 20 November 2026" in page
    assert "4 papers in today’s edition" in " ".join(page.split())
    for notice in ("1 letter in doubt", "1 letter failed", "1 edition of past days never frozen"):
        assert notice in page


@time_machine.travel(NOW, tick=False)
def test_it_links_each_notice_to_a_list_of_as_many_rows(operator_client: Client) -> None:
    make_morning()
    response = operator_client.get(reverse("admin:index"))
    counts = [1, 1, 1, 1]
    assert len(response.context["notices"]) == len(counts)
    for notice, count in zip(response.context["notices"], counts, strict=True):
        listed = operator_client.get(notice.url)
        if "subscriber" not in notice.url:  # all confirmed readers, the overdue first
            assert listed.context["cl"].result_count == count, notice.text
        else:
            assert listed.context["cl"].result_list[0].next_send_at < NOW


def test_it_tells_a_fresh_installation_what_to_do(operator_client: Client) -> None:
    page = operator_client.get(reverse("admin:index")).content.decode()
    for command in ("import_papers", "add_subscriber", "run_day", "tick"):
        assert f"manage.py {command}" in page
        assert command in get_commands()


def test_it_keeps_figures_from_operators_without_permission() -> None:
    client = Client()
    client.force_login(make_operator("newsletter.view_paper"))
    page = client.get(reverse("admin:index")).content.decode()
    assert "pr-figures" not in page
    assert reverse("admin:newsletter_paper_changelist") in page
    assert reverse("admin:newsletter_delivery_changelist") not in page
