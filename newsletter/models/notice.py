"""Service mails waiting to be sent: confirm this address, here is your link, you are out."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from subscribers.models import Subscriber


class Notice(models.Model):
    """One service mail to one address; the row is the truth, queues carry hints.

    States: queued → sending → sent | failed | cancelled; back to queued to try again. The tokens of
    its links are made as it is sent, so a waiting row holds none. `address` is "" for the reader's
    own; it and `payload` are emptied once the notice is finished.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the address"
        MANAGE_LINK = "manage_link", "link to manage"
        ADDRESS_OLD = "address_old", "address change, to the old one"
        ADDRESS_NEW = "address_new", "address change, to the new one"
        ADDRESS_CHANGED = "address_changed", "address changed"
        UNSUBSCRIBED = "unsubscribed", "unsubscribed"
        ERASED = "erased", "erased"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENDING = "sending", "sending"
        SENT = "sent", "sent"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    TERMINAL = (State.SENT, State.FAILED, State.CANCELLED)

    kind = models.CharField(max_length=16, choices=Kind)
    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notices",
        verbose_name="reader",
    )
    address = models.EmailField(max_length=254, blank=True)
    language = models.CharField(max_length=8, default="en")
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField("not before")
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    code = models.PositiveSmallIntegerField("SMTP code", null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True, help_text="The reply, or the reason.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "failed", "cancelled"]),
                name="notice_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="sending", lease_until__isnull=False) & ~Q(owner="")
                | ~Q(state="sending") & Q(lease_until__isnull=True, owner=""),
                name="notice_lease_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending"])
                | Q(finished_at__isnull=False, address="", payload={}),
                name="notice_finished_forgets",
            ),
            models.CheckConstraint(
                condition=Q(subscriber__isnull=False)
                | ~Q(address="")
                | Q(finished_at__isnull=False),
                name="notice_has_an_address",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="notice_due", condition=Q(state="queued")),
            models.Index(
                fields=["lease_until"], name="notice_leased", condition=Q(state="sending")
            ),
            models.Index(fields=["finished_at"], name="notice_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_state_display()}"
