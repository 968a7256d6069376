"""What a reader saved: the papers that similar ones are looked for to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models.paper import Paper
from subscribers.models import Subscriber


class SavedPaper(models.Model):
    """A reader liked a paper: saved it, or opened its link. One row per pair."""

    class How(models.TextChoices):
        SAVED = "saved", "saved"
        OPENED = "opened", "opened"

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="saved_papers", verbose_name="reader"
    )
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="saved_by")
    how = models.CharField(max_length=6, choices=How, default=How.SAVED)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "paper"], name="saved_once_per_reader"),
            models.CheckConstraint(
                condition=Q(how__in=["saved", "opened"]), name="saved_how_known"
            ),
        ]
        indexes = [models.Index(fields=["subscriber", "-saved_at"], name="saved_newest")]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.how} {self.paper_id}"
