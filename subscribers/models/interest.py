"""What readers want to read about."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from subscribers.models.subscriber import Subscriber


class Query(models.Model):
    """A distinct interest, shared by every reader who typed it: compiled and matched once.

    `text` is the canonical form (`str(parse_query(...))`); `expand` says whether synonyms apply.
    """

    text = models.CharField(max_length=400)
    expand = models.BooleanField("synonyms", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "queries"
        constraints = [
            models.UniqueConstraint(fields=["text", "expand"], name="query_text_expand_unique")
        ]

    def __str__(self) -> str:
        return self.text


class Interest(models.Model):
    """One line of keywords of one reader, in the language of docs/interests.md."""

    NORMAL, STARRED = 1, 2

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="interests", verbose_name="reader"
    )
    query = models.ForeignKey(Query, on_delete=models.PROTECT, related_name="interests")
    text = models.CharField("as typed", max_length=200)
    weight = models.PositiveSmallIntegerField(
        choices=[(NORMAL, "normal"), (STARRED, "★ starred")], default=NORMAL
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Order in the letter.")
    muted = models.BooleanField(
        default=False, db_default=False, help_text="Kept, but finds nothing for this reader."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["subscriber_id", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "query"], name="interest_once_per_reader"
            ),
            models.CheckConstraint(condition=Q(weight__in=[1, 2]), name="interest_weight_known"),
        ]

    def __str__(self) -> str:
        return self.text
