"""The ledger: who got what, and what is in doubt."""

from __future__ import annotations

from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q

from newsletter.models.edition import Edition
from subscribers.models import Subscriber


class Delivery(models.Model):
    """One letter to one address. The row is the truth; queues carry hints.

    States: queued → sending → sent | deferred | failed | in_doubt | cancelled | empty. A claim sets
    `owner` and `lease_until`; only that owner may record what became of it. A trigger refuses any
    change of state out of sent, failed, cancelled and empty. "Sent" means the relay accepted it.

    `picks` says what the letter carried: [[paper id, [interest query id, …]], …], best first, then
    what fills it up, found by no interest: [paper id, [], liked paper id, "saved" or "opened"].
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENDING = "sending", "sending"
        SENT = "sent", "sent"
        DEFERRED = "deferred", "deferred"
        FAILED = "failed", "failed"
        IN_DOUBT = "in_doubt", "in doubt"
        CANCELLED = "cancelled", "cancelled"
        EMPTY = "empty", "empty"

    TERMINAL = (State.SENT, State.FAILED, State.CANCELLED, State.EMPTY)

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="deliveries")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.PROTECT, related_name="deliveries", verbose_name="reader"
    )
    covers_from = models.DateField(help_text="The first edition this letter covers.")
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    planned_at = models.DateTimeField()
    next_at = models.DateTimeField("not before", help_text="When it may be claimed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    doubts = models.PositiveSmallIntegerField(
        default=0, help_text="How often a process died between the final dot and the reply."
    )
    # The database's defaults: workers of the version before may write rows while this one migrates.
    setbacks = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="How often the relay hung up at it and went on with others.",
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often a worker ended while it was at this letter."
    )
    canary = models.BooleanField(
        default=False,
        db_default=False,
        help_text="One of the edition's first letters, judged before the others go.",
    )
    parked_at = models.DateTimeField(
        null=True, blank=True, help_text="In doubt, and by the operator's word not sent again."
    )
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    picks = models.JSONField(default=list, blank=True)
    message_id = models.CharField("Message-ID", max_length=128, blank=True)
    code = models.PositiveSmallIntegerField("SMTP code", null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True, help_text="The reply, or the reason.")
    finished_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "subscriber"], name="delivery_once_per_edition"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "queued",
                        "sending",
                        "sent",
                        "deferred",
                        "failed",
                        "in_doubt",
                        "cancelled",
                        "empty",
                    ]
                ),
                name="delivery_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="sending", lease_until__isnull=False) & ~Q(owner="")
                | ~Q(state="sending") & Q(lease_until__isnull=True, owner=""),
                name="delivery_lease_while_sending",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent")
                | Q(finished_at__isnull=False, code__isnull=False) & ~Q(message_id=""),
                name="delivery_sent_has_proof",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "cancelled", "empty"])
                | Q(finished_at__isnull=False),
                name="delivery_terminal_has_instant",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at", "id"],  # as they are claimed
                name="delivery_due",
                condition=Q(state__in=["queued", "deferred"]),
            ),
            models.Index(
                fields=["subscriber"],  # as they are merged into the next one
                name="delivery_waiting",
                condition=Q(state__in=["queued", "deferred"]),
            ),
            models.Index(
                fields=["lease_until"], name="delivery_leased", condition=Q(state="sending")
            ),
            models.Index(fields=["subscriber", "edition"], name="delivery_of_reader"),
            models.Index(fields=["edition"], name="delivery_canary", condition=Q(canary=True)),
            # A report names a letter by it, among millions. A hash: a quarter of a B-tree's size.
            HashIndex(
                fields=["message_id"],
                name="delivery_by_message_id",
                condition=Q(state__in=["sent", "in_doubt"]),
            ),
            models.Index(
                fields=["edition"],
                name="delivery_complained",
                condition=Q(complained_at__isnull=False),
            ),
            models.Index(
                fields=["state"],
                name="delivery_attention",
                condition=Q(state__in=["in_doubt", "failed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.get_state_display()}"
