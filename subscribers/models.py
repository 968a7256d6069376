"""People and what they asked for. Knows no paper, edition, delivery or Celery."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

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
        validators=[MaxValueValidator(MOST_SIMILAR)],
        help_text=(
            "When fewer papers match, fill the letter up to so many with those most like what the "
            f"reader saved. 0 is off, {MOST_SIMILAR} the most."
        ),
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
        ]

    def __str__(self) -> str:
        return self.email


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


class ConsentEvent(models.Model):
    """What a reader agreed to or withdrew, when and how. A trigger refuses UPDATE and DELETE."""

    class Kind(models.TextChoices):
        CONFIRMED_BY_OPERATOR = "confirmed_by_operator", "confirmed by the operator"
        SUBSCRIBED = "subscribed", "subscribed"
        CONFIRMED = "confirmed", "confirmed"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed"

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.PROTECT, related_name="consent_events", verbose_name="reader"
    )
    kind = models.CharField(max_length=24, choices=Kind)
    at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(
        max_length=200, help_text="Where: a command, a page, a letter's link."
    )
    wording = models.TextField(blank=True, help_text="The exact words agreed to.")

    class Meta:
        indexes = [models.Index(fields=["subscriber", "at"], name="consent_of_reader")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address not to be mailed, kept as a keyed hash so that it outlives erasure."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", "hard bounce"
        COMPLAINT = "complaint", "complaint"
        ERASED = "erased", "erased"
        OPERATOR = "operator", "by the operator"

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=12, choices=Reason)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.address_hash[:12]}"
