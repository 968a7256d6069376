"""What is to be said of a paper beside its text: its version, its journal, that it is withdrawn."""

from __future__ import annotations

from datetime import UTC, date

from django.utils.formats import date_format
from django.utils.translation import gettext

from newsletter.matching.display import readable
from newsletter.models import Paper


def tell_version(paper: Paper) -> str:
    """Return "v2 since 23 Nov 2026" of a paper revised after it was listed, else ""."""
    if not paper.version or not paper.listed_version or paper.version <= paper.listed_version:
        return ""
    if paper.revised_on is None:
        return f"v{paper.version}"
    return gettext("v%(number)d since %(day)s") % {
        "number": paper.version,
        "day": date_format(paper.revised_on, "DATE_FORMAT"),
    }


def tell_late(listed_on: date | None) -> str:
    """Return what marks a paper that missed its day's edition: the day it was listed on."""
    if listed_on is None:
        return gettext("came late")
    return gettext("late: listed on %(day)s") % {"day": date_format(listed_on, "DATE_FORMAT")}


def tell_journal(raw: str) -> str:
    """Return where a paper appeared, readable: "Nature", "Phys. Rev. D 76, 013009"."""
    return readable(raw).text


def tell_withdrawal(paper: Paper) -> str:
    """Return the sentence that says who took the paper back and when; "" of one that stands."""
    if paper.withdrawn_at is None:
        return ""
    sentences = {
        Paper.WithdrawnBy.SOURCE: gettext("Withdrawn on %(day)s by the archive that had it."),
        Paper.WithdrawnBy.JOURNAL: gettext("Retracted on %(day)s by its journal."),
    }
    by_authors = gettext("Withdrawn on %(day)s by its authors.")
    sentence = sentences.get(Paper.WithdrawnBy(paper.withdrawn_by or "authors"), by_authors)
    return sentence % {"day": date_format(paper.withdrawn_at.astimezone(UTC), "MONTH_DAY")}


def tell_reason(paper: Paper) -> str:
    """Return why its authors took it back, in their own words; "" where only others' are known."""
    own = paper.withdrawn_by == Paper.WithdrawnBy.AUTHORS
    return readable(paper.withdrawal).text if own else ""
