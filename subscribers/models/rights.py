"""What passes: single-use rights, forms not looked at yet, and counts that limit."""

from __future__ import annotations

from django.db import models

from subscribers.models.subscriber import Subscriber


class Grant(models.Model):
    """A right to do one thing once, to whoever holds its token. The token itself is not kept.

    `token_hash` is the SHA-256 of purpose and token, so that the tables hold no usable token and a
    token serves one purpose. `payload` is what the right is about, if more than the reader.
    """

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", "confirm"
        BLOCK = "block", "block"
        MANAGE = "manage", "manage"
        ADDRESS_OLD = "address_old", "leave an address"
        ADDRESS_NEW = "address_new", "take a new address"
        UNDO = "undo", "undo"

    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="grants",
        verbose_name="reader",
    )
    purpose = models.CharField(max_length=12, choices=Purpose)
    token_hash = models.CharField(max_length=64, unique=True)
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["subscriber", "purpose"], name="grant_of_reader"),
            models.Index(fields=["expires_at"], name="grant_over"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class Signup(models.Model):
    """A form somebody sent, before anything about its address was looked up.

    Every address is written down alike, so that neither the answer nor its speed tells whether it
    is known. A worker reads it within seconds, and then it is gone.
    """

    email = models.EmailField(max_length=254)
    choices = models.JSONField()
    evidence = models.JSONField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"signup {self.pk}"


class LimitCount(models.Model):
    """How often something happened in a window of time; `key` is a keyed hash, never the thing."""

    scope = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    window_start = models.DateTimeField()
    expires_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="limit_count_once")]
        indexes = [models.Index(fields=["expires_at"], name="limit_count_over")]

    def __str__(self) -> str:
        return f"{self.scope}: {self.count}"
