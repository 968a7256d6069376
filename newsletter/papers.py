"""The stored papers: their lock, those withdrawn, as matching reads them, those that wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.db import connection
from django.db.models import QuerySet

from newsletter.matching.base import Document
from newsletter.models import Listing, Paper

DAYS_LATE = 7  # so late a paper still joins the next edition; after that it is archive
# Serialises storing with freezing: a paper stored while an edition freezes joins the next one.
PAPERS_LOCK = 0x7061_7065  # "pape"


def lock_papers() -> None:
    """Take the papers' lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PAPERS_LOCK])


def list_documents(papers: QuerySet[Paper]) -> Iterator[Document]:
    """Yield what matching reads of each paper; streams, so any number costs little memory."""
    for paper in papers.iterator(chunk_size=500):
        yield make_document(paper)


def make_document(paper: Paper) -> Document:
    """What matching reads of a paper; with the votes it was frozen with, if its edition is."""
    frozen = paper.edition_id is not None
    organizations = (paper.organization_handle, paper.organization)
    return Document(
        id=paper.pk,
        title=paper.title,
        abstract=paper.abstract,
        keywords=tuple(paper.ai_keywords),
        authors=tuple(paper.authors),
        categories=tuple(paper.categories),
        organizations=tuple(name for name in organizations if name),
        upvotes=paper.frozen_upvotes if frozen else paper.upvotes,
        comments=paper.frozen_comments if frozen else paper.comments,
        published_at=paper.published_at,
    )


def waiting_papers(day: date, days_late: int = 0) -> QuerySet[Paper]:
    """Papers without an edition that were listed on `day`, or up to `days_late` days before.

    Not those found to be another paper, which is sent instead.
    """
    first = date.fromordinal(day.toordinal() - days_late)
    listed = Listing.objects.filter(listed_on__gte=first, listed_on__lte=day)
    return Paper.objects.filter(
        edition__isnull=True, same_as__isnull=True, pk__in=listed.values("paper")
    )
