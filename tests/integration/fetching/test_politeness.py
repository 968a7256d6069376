"""Turns at a host: shared by all workers through the database, each as far apart as is due."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection

from newsletter.models import FetchHost
from newsletter.politeness import (
    LEASE,
    SYSTEM,
    Clock,
    HeldError,
    Manner,
    database_now,
    find_manner,
    take_turn,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Hands:
    """A clock moved by hand: sleeping moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self.clock = Clock(lambda: self.at, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.mark.django_db
def test_it_lets_requests_start_so_far_apart() -> None:
    hands, starts = Hands(), []
    for _ in range(4):
        with take_turn(Manner("arxiv.org", 3.0), hands.clock):
            starts.append(hands.at)
            hands.sleep(0.5)
    assert [(b - a).total_seconds() for a, b in pairwise(starts)] == [3, 3, 3]


@pytest.mark.django_db
def test_it_counts_all_of_arxiv_as_one_host() -> None:
    names = ("rss.arxiv.org", "export.arxiv.org", "oaipmh.arxiv.org", "arxiv.org")
    manners = {find_manner("feed", name, 1.0) for name in names}
    assert {(manner.host, manner.seconds) for manner in manners} == {("arxiv.org", 3.0)}
    assert find_manner("feed", "notarxiv.org", 1.0).host == "notarxiv.org"
    assert find_manner("arxiv-rss", "mirror:8080", 3.0).pause == timedelta(minutes=10)


@pytest.mark.django_db
def test_it_leaves_a_host_alone_that_asked_for_it() -> None:
    hands, manner = Hands(), Manner("huggingface.co", 1.0)
    with take_turn(manner, hands.clock) as turn:
        turn.hold(timedelta(minutes=10), "it answered 429")
    hands.sleep(599)
    with pytest.raises(HeldError, match="until 12:10:00 UTC: it answered 429"):
        take_turn(manner, hands.clock).__enter__()
    hands.sleep(2)
    with take_turn(manner, hands.clock):
        pass


@pytest.mark.django_db
def test_it_leaves_arxiv_alone_in_its_busiest_hour() -> None:
    manner = find_manner("arxiv-rss", "rss.arxiv.org", 3.0)
    for minute in (0, 30, 59):
        hands = Hands(datetime(2026, 11, 20, 0, minute, tzinfo=UTC))
        with pytest.raises(HeldError, match="until 01:00:00 UTC"):
            take_turn(manner, hands.clock).__enter__()
    with take_turn(manner, Hands(datetime(2026, 11, 20, 1, 0, tzinfo=UTC)).clock):
        pass


@pytest.mark.django_db
def test_it_takes_over_from_a_worker_that_died() -> None:
    hands, manner = Hands(), Manner("huggingface.co", 1.0)
    dead = take_turn(manner, hands.clock)
    dead.__enter__()  # and never leaves
    with take_turn(manner, hands.clock):
        assert hands.at - NOON == LEASE
    del dead


@pytest.mark.django_db
def test_it_does_not_wait_for_ever() -> None:
    hands, manner = Hands(), Manner("huggingface.co", 200.0)
    with take_turn(manner, hands.clock):
        pass
    with pytest.raises(HeldError, match="others are asking"):
        take_turn(manner, hands.clock).__enter__()


@pytest.mark.django_db(transaction=True)
def test_it_gives_each_worker_its_turn_alone() -> None:
    """Four threads with connections of their own, on the database's clock."""
    spans: list[tuple[float, float]] = []
    manner = Manner("huggingface.co", 0.2)
    quick = Clock(database_now, lambda seconds: time.sleep(min(seconds, 0.05)))

    def ask() -> None:
        try:
            for _ in range(2):
                with take_turn(manner, quick):
                    began = time.monotonic()
                    time.sleep(0.03)
                    spans.append((began, time.monotonic()))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    spans.sort()
    assert len(spans) == 8
    for (began, ended), (following, _) in pairwise(spans):
        assert following >= ended
        assert following - began >= 0.19
    row = FetchHost.objects.get(host="huggingface.co")
    assert (row.owner, row.lease_until) == ("", None)


@pytest.mark.django_db
def test_it_reads_the_databases_clock() -> None:
    assert abs(SYSTEM.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert SYSTEM.now().tzinfo is UTC
