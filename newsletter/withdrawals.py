"""Papers that their authors or publishers took back."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from newsletter.identity import own_identifiers
from newsletter.models import Edition, Paper, PaperIdentifier
from newsletter.sources.base import Withdrawal

WRITE_BATCH = 500


def mark_withdrawn(withdrawals: Sequence[Withdrawal]) -> int:
    """Mark the stored papers meant, and return how many were not marked before.

    They are hidden, unless their edition is frozen. Queries: four, whatever the number.
    """
    by_identifier = {one.identifier: one for one in withdrawals}
    if not by_identifier:
        return 0
    others = PaperIdentifier.objects.filter(identifier__in=by_identifier)
    ids = dict(others.values_list("paper", "identifier"))
    values = [identifier.partition(":")[2] for identifier in by_identifier]
    papers = Paper.objects.filter(
        Q(arxiv_id__in=values) | Q(doi__in=values) | Q(pk__in=ids), withdrawn_at__isnull=True
    )
    found: list[Paper] = []
    for paper in papers:
        names = [*own_identifiers(paper), ids.get(paper.pk, "")]
        if said := next((by_identifier[name] for name in names if name in by_identifier), None):
            paper.withdrawn_at = said.at or timezone.now()
            paper.withdrawal = said.reason
            found.append(paper)
    Paper.objects.bulk_update(found, ["withdrawn_at", "withdrawal"], batch_size=WRITE_BATCH)
    frozen = Edition.objects.filter(pk=OuterRef("edition"), frozen_at__isnull=False)
    Paper.objects.filter(~Exists(frozen), pk__in=[paper.pk for paper in found]).update(hidden=True)
    return len(found)
