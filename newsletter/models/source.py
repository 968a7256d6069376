"""Sources: what is fetched and how it went, run by run and day by day."""

from __future__ import annotations

import re

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

# Only names made for this: an operator of the admin must not be able to send SECRET_KEY somewhere.
SECRET_NAME = re.compile(r"PAPER_ROUND_SOURCE_[A-Z0-9_]{1,60}")


class Source(models.Model):
    """One source as the operator set it up. `kind` is one of `newsletter.sources.registry`.

    `next_at` says when it is due; `owner` and `lease_until` say who fetches it now. Days before
    `first_day` are not asked for.
    """

    class Every(models.IntegerChoices):
        HALF_HOUR = 30, _("every half hour")
        HOUR = 60, _("every hour")
        TWO_HOURS = 120, _("every two hours")
        FOUR_HOURS = 240, _("every four hours")
        DAY = 1440, _("once a day")

    name = models.CharField(
        _("name"),
        max_length=24,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9 .-]*$",
                _("Write letters, digits, dots, hyphens and spaces, such as arXiv."),
            )
        ],
        help_text=_("As readers see it, and as its listings are filed: such as arXiv."),
    )
    kind = models.CharField(_("kind"), max_length=24)
    parameters = models.JSONField(default=dict, blank=True, editable=False)
    enabled = models.BooleanField(_("on"), default=True)
    daily = models.BooleanField(
        _("announces every working day"),
        default=True,
        help_text=_("Then a working day without news is called stalled. A journal's is quiet."),
    )
    every = models.PositiveSmallIntegerField(
        _("look"),
        choices=Every,
        default=Every.TWO_HOURS,
        help_text=_("While the day's papers are awaited it looks every ten minutes."),
    )
    expected_by = models.TimeField(
        _("expected by"),
        null=True,
        blank=True,
        help_text=_(
            "UTC. A working day without news by then is called stalled. Empty: the cut-off, "
            "and not before 06:00."
        ),
    )
    secret_env = models.CharField(
        _("key"),
        max_length=80,
        blank=True,
        validators=[
            RegexValidator(
                f"^{SECRET_NAME.pattern}$", _("Write a name such as PAPER_ROUND_SOURCE_HF_TOKEN.")
            )
        ],
        help_text=_(
            "The NAME of the environment variable that holds the key, never the key itself. Its "
            "value is sent as “Authorization: Bearer”."
        ),
    )
    first_day = models.DateField(_("first day"), help_text=_("No day before it is asked for."))
    next_at = models.DateTimeField(_("next look"), null=True, blank=True, editable=False)
    owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner="", lease_until__isnull=True)
                | ~Q(owner="") & Q(lease_until__isnull=False),
                name="source_lease_has_owner",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="source_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class FetchRun(models.Model):
    """One look at a source: what it asked, what came, and what went wrong.

    `sample` is the start of the last answer that could not be used, as text.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        PARTIAL = "partial", _("in part")
        FAILED = "failed", _("failed")

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="runs", verbose_name=_("source")
    )
    by = models.CharField(_("started by"), max_length=12)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    requests = models.PositiveIntegerField(_("requests"), default=0)
    unchanged = models.PositiveIntegerField(
        _("unchanged"), default=0, help_text=_("Answers that were the same as before (304).")
    )
    octets = models.PositiveBigIntegerField(_("bytes"), default=0)
    papers = models.PositiveIntegerField(_("papers"), default=0)
    unseen = models.PositiveIntegerField(
        _("unseen"), default=0, help_text=_("Of them not listed by this source before.")
    )
    new = models.PositiveIntegerField(_("new"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    sample = models.TextField(_("sample of the answer"), blank=True)

    class Meta:
        verbose_name = _("fetch")
        verbose_name_plural = _("fetches")
        indexes = [models.Index(fields=["source", "-started_at"], name="fetchrun_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | ~Q(state="running") & Q(finished_at__isnull=False),
                name="fetchrun_finished_has_instant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.started_at:%Y-%m-%d %H:%M}"


class SourceDay(models.Model):
    """What is known of one part of a source on one day: the facts, and the state they mean.

    `papers` is how many the source offered under this day when last asked, `unseen` how many of
    all it ever offered were news. Asked in vain, `asked` grows and `unseen` does not. `quiet` says
    that the calendar announces nothing, `empty` that the last whole answer for the day held none.
    Where the source has a page of its newest day, `checked_at` is when that was read,
    `bulletin_day` the day it was of, and `lacking` how many papers of this day it names that are
    not stored.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        FRESH = "fresh", _("fresh")
        QUIET = "quiet", _("quiet")
        STALLED = "stalled", _("stalled")
        FAILED = "failed", _("failed")

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="days", verbose_name=_("source")
    )
    part = models.CharField(_("part"), max_length=60, blank=True)
    day = models.DateField(_("day"))
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    papers = models.PositiveIntegerField(_("papers"), default=0)
    unseen = models.PositiveIntegerField(_("unseen"), default=0)
    asked = models.PositiveIntegerField(_("answers"), default=0)
    failed = models.PositiveIntegerField(_("failures"), default=0)
    quiet = models.BooleanField(default=False, editable=False)
    empty = models.BooleanField(default=False, editable=False)
    fresh_at = models.DateTimeField(_("fresh since"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last answer"), null=True, blank=True)
    failed_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    alerted_at = models.DateTimeField(_("operators told"), null=True, blank=True)
    over_at = models.DateTimeField(_("told that it is over"), null=True, blank=True)
    checked_at = models.DateTimeField(_("own list read"), null=True, blank=True)
    bulletin_day = models.DateField(_("day of its own list"), null=True, blank=True)
    lacking = models.PositiveIntegerField(
        _("lacking"),
        default=0,
        help_text=_("Papers that the source's own list of the day has and that never came."),
    )

    class Meta:
        verbose_name = _("day of a source")
        verbose_name_plural = _("days of sources")
        constraints = [
            models.UniqueConstraint(fields=["source", "part", "day"], name="sourceday_once"),
            models.CheckConstraint(
                condition=Q(state="fresh", fresh_at__isnull=False, unseen__gt=0)
                | ~Q(state="fresh") & Q(fresh_at__isnull=True, unseen=0),
                name="sourceday_fresh_has_news",
            ),
        ]
        indexes = [models.Index(fields=["day", "state"], name="sourceday_state")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.part} {self.day}: {self.state}"


class Quarantined(models.Model):
    """A record that could not be read; it stops no other. The same one is counted, not repeated."""

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="quarantine", verbose_name=_("source")
    )
    part = models.CharField(_("part"), max_length=60, blank=True)
    place = models.CharField(_("place"), max_length=120)
    reason = models.CharField(_("reason"), max_length=500)
    day = models.DateField(_("day"))
    times = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first seen"))
    last_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("quarantined record")
        verbose_name_plural = _("quarantined records")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "part", "day", "place", "reason"], name="quarantined_once"
            )
        ]
        indexes = [models.Index(fields=["-last_at"], name="quarantined_newest")]

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class FetchedPage(models.Model):
    """What an address said of its answer, to ask only for what changed (RFC 9110 §13)."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="pages")
    url = models.CharField(max_length=1000)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "url"], name="fetchedpage_once")]

    def __str__(self) -> str:
        return self.url


class FetchHost(models.Model):
    """A host's turn, shared by all workers: when it may be asked again, and who asks now."""

    host = models.CharField(max_length=255, primary_key=True)
    next_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")

    def __str__(self) -> str:
        return self.host
