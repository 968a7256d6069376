"""The words of each day's papers, packed, so that estimates need not read the papers again."""

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
