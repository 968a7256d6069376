"""Frozen editions of papers with given titles, oldest first, the last on DAY."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from newsletter.editions import freeze_edition, open_edition
from newsletter.storing import store_papers
from tests.factories import DAY, MORNING, fetched


def freeze_days(*days: Sequence[str]) -> None:
    """Freeze an edition for each list of titles; a title may come again on another day."""
    for back, titles in zip(range(len(days) - 1, -1, -1), days, strict=True):
        day, now = DAY - timedelta(days=back), MORNING - timedelta(days=back)
        store_papers(
            fetched(title, abstract="", listed_on=day, arxiv_id=f"{back:04}.{number:05}")
            for number, title in enumerate(titles)
        )
        freeze_edition(open_edition(day, now), now)
