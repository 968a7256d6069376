"""What steers the sending: switches, relays' circuits, throttles, and what is counted on the way.

All of it is in the database, so that every worker on every machine sees the same.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Switch(models.Model):
    """One row: whether anything is sent at all, and why not."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    paused_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "switches"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="switch_is_one")]

    def __str__(self) -> str:
        return f"paused: {self.reason}" if self.paused_at else "sending"


class Circuit(models.Model):
    """Whether a relay takes mail. No row is as good as a closed circuit: mail flows.

    Open (`opened_at` set, `ramp` 0): nothing is offered before `probe_at`, then one letter. Half
    open (`ramp` set): batches of `ramp`, doubled by each that goes well, until it closes.
    """

    relay = models.CharField(primary_key=True, max_length=270, help_text="host:port")
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    pause = models.PositiveSmallIntegerField(default=0, help_text="Seconds between probes.")
    ramp = models.PositiveIntegerField(default=0)
    code = models.PositiveSmallIntegerField(default=0)
    detail = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.relay}: {self.state}"

    @property
    def state(self) -> str:
        if self.opened_at is None:
            return "closed"
        return "half open" if self.ramp else "open"


class Bucket(models.Model):
    """A throttle: letters to `key` may go from `free_at` on, which each letter moves further."""

    key = models.CharField(primary_key=True, max_length=300)
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class Tally(models.Model):
    """What a relay answered in one minute. Kept for weeks: rates, the brake, the last letter."""

    relay = models.CharField(max_length=270)
    minute = models.DateTimeField()
    sent = models.PositiveIntegerField(default=0)
    soft = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    doubtful = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(fields=["minute", "relay"], name="tally_once_per_minute")
        ]

    def __str__(self) -> str:
        return f"{self.relay} {self.minute:%H:%M}: {self.sent} sent"


class DomainReply(models.Model):
    """How the mail of one recipient domain fares: counts since the row began, and the last reply.

    No address is kept here: the reply's text is stored without any it quotes.
    """

    domain = models.CharField(primary_key=True, max_length=254)
    sent = models.PositiveBigIntegerField(default=0)
    soft = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    code = models.PositiveSmallIntegerField(default=0)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    trouble_code = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=300, blank=True)
    trouble_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "domain replies"
        indexes = [
            models.Index(
                fields=["-trouble_at"],
                name="domain_trouble",
                condition=Q(trouble_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain}: {self.code} {self.detail}"


class Tick(models.Model):
    """The last minute one machine worked: its clock then, and how long the machine had run.

    Between two ticks of one boot the clock must have moved as far as the uptime did: if not, it was
    set, however long the site was down.
    """

    boot = models.CharField(primary_key=True, max_length=64)
    wall = models.DateTimeField()
    uptime = models.FloatField(help_text="Seconds.")
    back_at = models.DateTimeField(
        null=True, blank=True, help_text="When the site last came back from having been down."
    )

    def __str__(self) -> str:
        return f"{self.boot[:8]} {self.wall:%Y-%m-%d %H:%M}"
