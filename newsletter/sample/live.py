"""The demo with today's real papers: fetched from the sources, or the sample where none answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from newsletter.editions import site_date
from newsletter.fetching import RunReport, fetch_source
from newsletter.freshness import utc_day
from newsletter.models import Edition, Listing, Source
from newsletter.politeness import SYSTEM, Clock
from newsletter.sample.load import add_readers, freeze_past, load_first_run
from newsletter.sourcebook import add_usual_sources
from newsletter.sources.registry import find_source

BACK = timedelta(days=3)  # days before today that are asked for: a weekend has no papers of its own


@dataclass(frozen=True, slots=True)
class Live:
    """How many papers came (none: the sample is loaded), and "" or one line on what is missing."""

    papers: int
    note: str


def load_live_run(
    now: datetime, categories: Sequence[str] = (), mirror: str = "", clock: Clock = SYSTEM
) -> Live:
    """Fetch Hugging Face's Daily Papers and the arXiv categories named; else load the sample.

    Sources that did not answer are off afterwards. `mirror` is asked in place of the services:
    one that PAPER_ROUND_FETCH_ALLOW names. Raises ParameterError for a category that is none.
    """
    reports: list[RunReport] = []
    for source in _set_up_sources(now, categories, mirror):
        if report := fetch_source(source.pk, by="command", clock=clock):
            reports.append(report)
    problems = "; ".join(one.problem for one in reports if one.problem)
    silent = [one.source for one in reports if one.problem and not one.papers]
    Source.objects.filter(name__in=silent).update(enabled=False)
    days = _list_days([one.source for one in reports], site_date(now))
    if not days:
        load_first_run(now)
        why = f"no source answered ({problems})" if problems else "the sources listed nothing"
        return Live(0, f"{why}: these are the sample's papers")
    with transaction.atomic():
        frozen = set(Edition.objects.filter(frozen_at__isnull=False).values_list("date", flat=True))
        # The newest day is today's edition, also where today has none of its own.
        past = {day for day in days if day < max(days)} - frozen
        freeze_past(past, now)
        add_readers(now)
    return Live(sum(one.papers for one in reports), problems)


def _set_up_sources(now: datetime, categories: Sequence[str], mirror: str) -> list[Source]:
    """Return Hugging Face and, where categories are named, arXiv; made where missing, and on."""
    if categories:  # refused before anything is stored
        find_source("arxiv-rss").read_parameters({"categories": " ".join(categories)})
    add_usual_sources(now)
    wanted: list[tuple[str, dict[str, str]]] = [("huggingface", {})]
    if categories:
        wanted.append(("arxiv-rss", {"categories": "\n".join(categories)}))
    sources = []
    for kind, parameters in wanted:
        source = Source.objects.filter(kind=kind).order_by("pk")[0]
        source.parameters = parameters | ({"base": mirror} if mirror else {})
        # A feed shows only the day it is at: it cannot be blamed for days before.
        back = BACK if find_source(kind).by_day else timedelta(0)
        source.enabled, source.first_day = True, utc_day(now) - back
        source.save(update_fields=["parameters", "enabled", "first_day"])
        sources.append(source)
    return sources


def _list_days(names: Sequence[str], today: date) -> set[date]:
    """Return the days, up to today, on which these sources listed papers."""
    own = Q(pk__in=[])
    for name in names:
        own |= Q(source=name) | Q(source__startswith=f"{name} ")
    rows = Listing.objects.filter(own, listed_on__gte=today - BACK, listed_on__lte=today)
    return set(rows.values_list("listed_on", flat=True))
