"""The clock and the people of these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from subscribers.models import Subscriber
from subscribers.services import add_confirmed_subscriber

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday


def add_ada(**wanted: Any) -> Subscriber:
    """A reader like most: two interests, eight in the morning, every day."""
    email = wanted.pop("email", "ada@example.org")
    interests = wanted.pop("interests", ["diffusion models", "RL"])
    details: dict[str, Any] = {"source": "a test", "now": NOW} | wanted
    return Subscriber.objects.get(pk=add_confirmed_subscriber(email, interests, **details).id)


def mark_letter_planned(reader: Subscriber, next_send_at: datetime, covered_until: Any) -> None:
    """Move the reader's columns as the planner does when it plans a letter."""
    Subscriber.objects.filter(pk=reader.pk).update(
        next_send_at=next_send_at, covered_until=covered_until
    )
