"""Editions: a day's papers, fixed when frozen, and what matched in them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from subscribers.models import Query


class Edition(models.Model):
    """A day's papers. Open, then frozen (its papers are fixed), then closed (every letter done).

    A paused edition's letters wait; a cancelled one's are never sent, and no later letter covers
    it. Until `cleared_at` at most `canary_size` of its letters go out, to be judged first.

    `matched_queries` has bit n set when query n was matched in bulk at `matched_at`; an interest
    that came later is matched when its reader's letter is composed. It may be 100 kB: defer it.
    """

    date = models.DateField(unique=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(
        "why it is paused", max_length=200, blank=True, default="", db_default=""
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    canary_size = models.PositiveIntegerField("first letters", null=True, blank=True)
    cleared_at = models.DateTimeField("first letters judged good", null=True, blank=True)
    matched_queries = models.BinaryField(default=b"", editable=False)
    absent = ArrayField(
        models.TextField(),
        default=list,
        blank=True,
        editable=False,
        help_text="The sources whose papers had not come when it froze, as its letters name them.",
    )
    synonyms = models.JSONField(
        default=list,
        editable=False,
        help_text="Pairs that counted when it was matched, so that its reasons stay the same.",
    )
    note = models.TextField("editor's note", blank=True, help_text="Plain text above the papers.")

    class Meta:
        ordering = ["-date"]
        get_latest_by = "date"
        constraints = [
            models.CheckConstraint(
                condition=Q(matched_at__isnull=True) | Q(frozen_at__isnull=False),
                name="edition_matched_after_frozen",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("frozen_at")),
                name="edition_closed_after_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date:%A} {self.date.day} {self.date:%B %Y}"

    @property
    def state(self) -> str:
        if self.closed_at:
            return "closed"
        return "frozen" if self.frozen_at else "open"

    @property
    def shown_state(self) -> str:
        """The state; "cancelled" or "paused" where its letters were stopped."""
        if self.cancelled_at:
            return "cancelled"
        return "paused" if self.paused_at and not self.closed_at else self.state


class QueryMatches(models.Model):
    """What one query matched in one edition; no row means nothing, once the query was matched.

    `hits` is a list of [paper id, score], best first: compact, for a day may have a million.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="matches")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="matches")
    hits = models.JSONField()

    class Meta:
        verbose_name_plural = "query matches"
        constraints = [
            models.UniqueConstraint(fields=["edition", "query"], name="matches_once_per_edition")
        ]

    def __str__(self) -> str:
        return f"{self.query_id} in {self.edition_id}"
