"""A reader: one address, when its letters go out, and how far they have come."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

EVERY_DAY = 0b111_1111  # bit 0 is Monday
WORKING_DAYS = 0b001_1111
PAPERS_PER_LETTER = 10
MOST_PAPERS_PER_LETTER = 30
MOST_SIMILAR = 10
MOST_INTERESTS = 50


class Subscriber(models.Model):
    """One address, when its letters go out, and how far they have come.

    `next_send_at` is the UTC instant of the next letter, None while none is due. `covered_until` is
    the date of the last edition a letter of theirs covered: the cursor.
    """

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "unconfirmed"
        CONFIRMED = "confirmed", "confirmed"
        PAUSED = "paused", "paused"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed"

    class EmptyDays(models.TextChoices):
        NOTHING = "nothing", _("no letter")
        LINE = "line", _("one line that says so")
        HEARTBEAT = "heartbeat", _("one line a week")

    email = models.EmailField(
        "address", max_length=254, help_text="Kept in lower case; one subscription per address."
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.UNCONFIRMED)
    timezone = models.CharField(
        "time zone", max_length=64, default="UTC", help_text="An IANA name, such as Europe/Paris."
    )
    send_time = models.TimeField("hour", help_text="Local time of day the letter goes out.")
    weekdays = models.PositiveSmallIntegerField(
        default=EVERY_DAY,
        validators=[MinValueValidator(1), MaxValueValidator(EVERY_DAY)],
        help_text="Bits, Monday is 1: 127 every day, 31 working days.",
    )
    papers_per_letter = models.PositiveSmallIntegerField(
        default=PAPERS_PER_LETTER,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PAPERS_PER_LETTER)],
        help_text=f"1 to {MOST_PAPERS_PER_LETTER}.",
    )
    similar_up_to = models.PositiveSmallIntegerField(
        "fill up with similar papers to",
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MOST_SIMILAR)],
        help_text=(
            "When fewer papers match, fill the letter up to so many with those most like what the "
            f"reader saved. 0 is off, {MOST_SIMILAR} the most."
        ),
    )
    language = models.CharField(
        max_length=8, default="en", db_default="en", help_text="Of the letters and of service mail."
    )
    empty_days = models.CharField(
        "when nothing matches",
        max_length=9,
        choices=EmptyDays,
        default=EmptyDays.NOTHING,
        db_default=EmptyDays.NOTHING,
    )
    paused_until = models.DateField(
        "paused until",
        null=True,
        blank=True,
        help_text="The reader's local date on which letters resume; empty until they say so.",
    )
    next_send_at = models.DateTimeField("next letter", null=True, blank=True)
    covered_until = models.DateField("covered until", null=True, blank=True)
    created_at = models.DateTimeField("since", auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "reader"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="subscriber_email_unique",
                violation_error_message="This address is subscribed already.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["unconfirmed", "confirmed", "paused", "unsubscribed"]),
                name="subscriber_status_known",
            ),
            models.CheckConstraint(
                condition=Q(papers_per_letter__gte=1)
                & Q(papers_per_letter__lte=MOST_PAPERS_PER_LETTER),
                name="subscriber_papers_per_letter_1_to_30",
            ),
            models.CheckConstraint(
                condition=Q(similar_up_to__lte=MOST_SIMILAR),
                name="subscriber_similar_up_to_0_to_10",
            ),
            models.CheckConstraint(
                condition=Q(empty_days__in=["nothing", "line", "heartbeat"]),
                name="subscriber_empty_days_known",
            ),
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | Q(status="paused"),
                name="subscriber_paused_until_while_paused",
            ),
            models.CheckConstraint(
                condition=Q(weekdays__gte=1) & Q(weekdays__lte=EVERY_DAY),
                name="subscriber_weekdays_some",
            ),
            models.CheckConstraint(
                condition=~Q(status="confirmed") | Q(confirmed_at__isnull=False),
                name="subscriber_confirmed_has_instant",
            ),
        ]
        indexes = [
            models.Index(
                "next_send_at",
                name="subscriber_due",
                condition=Q(status="confirmed", next_send_at__isnull=False),
            ),
            models.Index(
                "paused_until",
                name="subscriber_resuming",
                condition=Q(status="paused", paused_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.email
