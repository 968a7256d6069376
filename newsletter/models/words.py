"""The words of papers, packed, so that estimates need not read the papers again; what changed."""

from __future__ import annotations

from django.db import models


class PackedWords(models.Model):
    """A day's papers as `newsletter.matching.packs` packs them: a cache, may be emptied any time.

    `stamp` says what was packed and by which rules; with another stamp it is packed anew.
    """

    date = models.DateField(primary_key=True)
    stamp = models.CharField(max_length=120)
    packed = models.BinaryField()

    class Meta:
        verbose_name_plural = "packed words"

    def __str__(self) -> str:
        return f"{self.date}: {self.stamp}"


class PaperChange(models.Model):
    """A paper that was inserted, updated or deleted, as triggers note it; None where all were.

    Read by `newsletter.changes`, pruned after some days.
    """

    paper_id = models.BigIntegerField(null=True)
    transaction = models.BigIntegerField(db_index=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.paper_id} in {self.transaction}"
