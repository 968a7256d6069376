"""A paper's picture, kept here: a page asks no other host for anything."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.models.paper import Paper

MOST_BYTES = 200_000
MOST_PIXELS = 1600  # of a side


class Thumbnail(models.Model):
    """A small raster picture, its format and size as read from its own bytes.

    `digest` is its SHA-256 in hex: the address of a picture names what it shows, so it may be kept
    by browsers for ever. `large` is the same in more pixels, for the paper's own page; none where
    the source had no more.
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
    large_digest = models.CharField(max_length=64, blank=True)
    large_width = models.PositiveSmallIntegerField(default=0)
    large_height = models.PositiveSmallIntegerField(default=0)
    large_data = models.BinaryField(default=bytes, blank=True)
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
            models.CheckConstraint(
                condition=Q(large_digest="", large_width=0, large_height=0, large_data=b"")
                | ~Q(large_digest="")
                & Q(large_width__gte=1, large_width__lte=MOST_PIXELS)
                & Q(large_height__gte=1, large_height__lte=MOST_PIXELS),
                name="thumbnail_large_whole_or_none",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {self.media_type}"


class PictureFetch(models.Model):
    """What became of fetching a paper's picture from `url`; `tries` are counted as they begin.

    States: due → kept | failed | refused. A failed one was tried as often as it is worth, a refused
    one is never to be asked for. Another address begins anew. `claimed_until` is the lease of who
    fetches it.
    """

    class State(models.TextChoices):
        DUE = "due", _("due")
        KEPT = "kept", _("kept")
        FAILED = "failed", _("failed")
        REFUSED = "refused", _("refused")

    paper = models.OneToOneField(
        Paper, on_delete=models.CASCADE, primary_key=True, related_name="picture_fetch"
    )
    url = models.CharField(_("address"), max_length=500)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.DUE)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["due", "kept", "failed", "refused"]),
                name="picture_state_known",
            ),
            models.CheckConstraint(
                condition=Q(claimed_until__isnull=True) | Q(state="due"),
                name="picture_claimed_while_due",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="picture_due", condition=Q(state="due")),
            models.Index(fields=["tried_at"], name="picture_tried"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.url}"
