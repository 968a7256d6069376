"""What is kept when rows go: counts without people, and when tidying was done last."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models.edition import Edition


class EditionTally(models.Model):
    """How many deliveries of an edition in a state were taken out of the ledger, and their papers.

    Rows leave it when their reader is erased or when they are old; the counts stay true with these
    added, and name nobody.
    """

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="tallies")
    state = models.CharField(max_length=9)
    deliveries = models.PositiveIntegerField(default=0)
    papers = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    complained = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "edition tallies"
        constraints = [
            models.UniqueConstraint(fields=["edition", "state"], name="tally_once_per_state"),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "failed", "in_doubt", "cancelled", "empty"]),
                name="tally_state_is_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deliveries} {self.state} in {self.edition_id}"


class Chore(models.Model):
    """Something done about once a day by whichever process comes first."""

    name = models.CharField(max_length=24, primary_key=True)
    done_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
