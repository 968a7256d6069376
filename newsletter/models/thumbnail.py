"""A paper's picture, kept here: a page asks no other host for anything."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models.paper import Paper

MOST_BYTES = 200_000
MOST_PIXELS = 1600  # of a side


class Thumbnail(models.Model):
    """A small raster picture, its format and size as read from its own bytes.

    `digest` is its SHA-256 in hex: the address of a picture names what it shows, so it may be kept
    by browsers for ever.
    """

    class Format(models.TextChoices):
        PNG = "image/png", "PNG"
        JPEG = "image/jpeg", "JPEG"
        WEBP = "image/webp", "WebP"

    paper = models.OneToOneField(
        Paper, on_delete=models.CASCADE, primary_key=True, related_name="thumbnail"
    )
    digest = models.CharField(max_length=64)
    media_type = models.CharField(max_length=10, choices=Format)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    data = models.BinaryField()
    stored_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(media_type__in=["image/png", "image/jpeg", "image/webp"]),
                name="thumbnail_format_known",
            ),
            models.CheckConstraint(
                condition=Q(width__gte=1, width__lte=MOST_PIXELS)
                & Q(height__gte=1, height__lte=MOST_PIXELS),
                name="thumbnail_of_a_sane_size",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {self.media_type}"
