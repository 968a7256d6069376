"""What a reader saved: the reading list, and the papers that similar ones are looked for to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models.paper import Paper
from subscribers.models import Subscriber


class SavedPaper(models.Model):
    """A reader liked a paper: saved it, wanted more of it, or opened its link. One row per pair.

    Only what was saved is in the reading list; the others are for finding similar papers.
    """

    class How(models.TextChoices):
        SAVED = "saved", "saved"
        LIKED = "liked", "wanted more of"
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
                condition=Q(how__in=["saved", "liked", "opened"]), name="saved_how_known"
            ),
        ]
        indexes = [models.Index(fields=["subscriber", "-saved_at"], name="saved_newest")]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.how} {self.paper_id}"


class SavedFeed(models.Model):
    """The private feed of a reading list: open while there is a row, under links of `version`.

    The links are signed and name the version: a new version, or no row, makes older ones worthless.
    Versions never come again, because they are instants in milliseconds.
    """

    subscriber = models.OneToOneField(
        Subscriber, on_delete=models.CASCADE, related_name="saved_feed", verbose_name="reader"
    )
    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"feed of reader {self.subscriber_id}"
