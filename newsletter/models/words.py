"""The words of papers, packed, so that estimates and search need not read the papers again."""

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


class PackedBlock(models.Model):
    """A block of a thousand stored papers by id, packed for search: a cache like `PackedWords`."""

    block = models.PositiveIntegerField(primary_key=True)
    stamp = models.CharField(max_length=64)
    packed = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.block}: {self.stamp}"
