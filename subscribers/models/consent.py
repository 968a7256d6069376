"""Who agreed to what, and which addresses are not to be mailed."""

from __future__ import annotations

from django.db import models

from subscribers.models.subscriber import Subscriber


class ConsentEvent(models.Model):
    """What a reader agreed to or withdrew, when and how. A trigger refuses UPDATE and DELETE.

    `network` is the /24 or /48 the request came from: enough to tell where, not who; whole IP
    addresses are stored nowhere. `grant_id` is the number of the grant whose token was used.
    """

    class Kind(models.TextChoices):
        CONFIRMED_BY_OPERATOR = "confirmed_by_operator", "confirmed by the operator"
        SUBSCRIBED = "subscribed", "subscribed"
        CONFIRMED = "confirmed", "confirmed"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed"
        RETURNED = "returned", "took back an unsubscribe"
        ADDRESS_CHANGED = "address_changed", "changed the address"

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.PROTECT, related_name="consent_events", verbose_name="reader"
    )
    kind = models.CharField(max_length=24, choices=Kind)
    at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(
        max_length=200, help_text="Where: a command, a page, a letter's link."
    )
    wording = models.TextField(blank=True, help_text="The exact words agreed to.")
    language = models.CharField(max_length=8, blank=True, db_default="", help_text="Of the words.")
    form_version = models.CharField(
        max_length=16, blank=True, db_default="", help_text="Hash of the form as it was shown."
    )
    url = models.CharField("page", max_length=200, blank=True, db_default="")
    network = models.CharField(max_length=43, blank=True, db_default="")
    user_agent = models.CharField(max_length=200, blank=True, db_default="")
    grant_id = models.BigIntegerField("grant", null=True, blank=True)

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
        BLOCKED = "blocked", "blocked by its owner"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed long ago"

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=12, choices=Reason)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.address_hash[:12]}"
