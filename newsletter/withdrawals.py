"""Papers that their authors or publishers took back."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from newsletter.identity import own_identifiers
from newsletter.models import Edition, Paper, PaperIdentifier
from newsletter.sources.base import Withdrawal

WRITE_BATCH = 500
# What no page, search or feed lists: what an editor hid, and what was withdrawn since.
LEFT_OUT = Q(hidden=True) | Q(withdrawn_at__isnull=False)
LISTED = Q(hidden=False, withdrawn_at__isnull=True)  # all others


def mark_withdrawn(withdrawals: Sequence[Withdrawal]) -> int:
    """Mark the stored papers meant, and return how many were not marked before.

    They are hidden, unless their edition is frozen: what it announced stays announced. A paper that
    turned out to be another takes that one along. Queries: four, whatever the number.
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
    found: dict[int, Paper] = {}
    for paper in papers.select_related("same_as").defer("same_as__abstract"):
        names = [*own_identifiers(paper), ids.get(paper.pk, "")]
        if said := next((by_identifier[name] for name in names if name in by_identifier), None):
            for one in (paper, paper.same_as):
                if one is not None and one.withdrawn_at is None:
                    one.withdrawn_at = said.at or timezone.now()
                    one.withdrawn_by, one.withdrawal = said.by, said.reason
                    found[one.pk] = one
    fields = ["withdrawn_at", "withdrawn_by", "withdrawal"]
    Paper.objects.bulk_update(found.values(), fields, batch_size=WRITE_BATCH)
    frozen = Edition.objects.filter(pk=OuterRef("edition"), frozen_at__isnull=False)
    shown = Paper.objects.filter(~Exists(frozen), pk__in=found, hidden=False)
    shown.update(hidden=True, hidden_as_withdrawn=True)
    return len(found)
