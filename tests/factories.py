"""Makers of test data: each stock person and paper has a reason to exist."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

from newsletter.sources.base import FetchedPaper
from newsletter.storing import store_papers
from subscribers.services import add_confirmed_subscriber

_numbers = count(1)
DAY = date(2026, 11, 20)  # a Friday
MORNING = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)

RL = "Offline reinforcement learning with half the labels"
FOLDING = "Protein folding from a single pass"


def fetched(title: str, **fields: Any) -> FetchedPaper:
    """A paper listed on DAY by a source called "test"."""
    values: dict[str, Any] = {
        "source": "test",
        "title": title,
        "abstract": f"We study what {title.lower()} means, and show when it holds.",
        "listed_on": DAY,
        "authors": ("Ada Example", "Noor Sample"),
        "upvotes": 3,
    }
    return FetchedPaper(**{**values, **fields})


def store(*titles: str, **fields: Any) -> None:
    store_papers([fetched(title, **fields) for title in titles])


def subscribe(*interests: str, email: str = "", now: datetime = MORNING, **fields: Any) -> int:
    """A confirmed reader in UTC at 08:00; returns the id."""
    added = add_confirmed_subscriber(
        email=email or f"reader{next(_numbers)}@reader.example",
        interests=list(interests) or ["reinforcement learning"],
        timezone=fields.pop("timezone", "UTC"),
        send_time=fields.pop("send_time", time(8)),
        source="test",
        now=now,
        **fields,
    )
    return added.id
