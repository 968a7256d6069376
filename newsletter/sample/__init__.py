"""Invented papers and readers, for a first look and for tests; none of them exists.

`papers.json` has the shape of Hugging Face's daily_papers, plus `paper.categories`, which that
service does not give. Ids are of the month 00, which arXiv does not have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from newsletter.sources.base import FetchedPaper, Listing
from newsletter.sources.huggingface import load_daily_papers

SOURCE = "sample"

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SampleInterest:
    query: str
    weight: int  # 1 normal, 2 starred


@dataclass(frozen=True, slots=True)
class SampleReader:
    """A reader at example.org; `why` is the reason this one exists. Weekdays: Monday is 0."""

    email: str
    why: str
    timezone: str
    hour: str  # "08:00", local time
    weekdays: tuple[int, ...]
    papers_per_letter: int
    interests: tuple[SampleInterest, ...]


def load_sample(last_day: date) -> Listing:
    """The sixty sample papers, all dates moved so that the newest day becomes `last_day`.

    They span fourteen days with four empty ones. Without arXiv id and address of their own, they
    are told apart by their titles and nothing links to a paper that does not exist.
    """
    records = json.loads((_FOLDER / "papers.json").read_text(encoding="utf-8"))
    listing = load_daily_papers(records)
    days = [paper.listed_on for paper in listing.papers if paper.listed_on]
    shift = last_day - max(days)
    return Listing(
        tuple(
            _move_paper(paper, shift, tuple(record["paper"]["categories"]))
            for paper, record in zip(listing.papers, records, strict=True)
        )
    )


def load_readers() -> tuple[SampleReader, ...]:
    """The sample readers; who names no weekdays reads every day."""
    records = json.loads((_FOLDER / "readers.json").read_text(encoding="utf-8"))
    return tuple(
        SampleReader(
            email=record["email"],
            why=record["why"],
            timezone=record["timezone"],
            hour=record["hour"],
            weekdays=tuple(record.get("weekdays", range(7))),
            papers_per_letter=record["papers_per_letter"],
            interests=tuple(SampleInterest(**interest) for interest in record["interests"]),
        )
        for record in records
    )


def _move_paper(paper: FetchedPaper, shift: timedelta, categories: tuple[str, ...]) -> FetchedPaper:
    return replace(
        paper,
        source=SOURCE,
        arxiv_id="",
        url="",
        published_at=paper.published_at + shift if paper.published_at else None,
        listed_on=paper.listed_on + shift if paper.listed_on else None,
        categories=categories,
    )
