"""Acronyms and long forms, as the operator decided them, and where papers define them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models.paper import Paper


class Synonym(models.Model):
    """A short form and a long form that find each other where accepted; rejected is remembered.

    `key` is the long form as matching compares it. `papers` counts the papers that define the pair;
    `evidence` is {"share": per cent of the papers that define `short`, "examples": [{"paper": id,
    "title": raw, "text": a raw piece of title or abstract, "marks": [[start, end], …],
    "cut": [before, after]}, …]}.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "rejected"

    class Source(models.TextChoices):
        SHIPPED = "shipped", "shipped"
        LEARNT = "learnt", "learnt from papers"
        OPERATOR = "operator", "by an operator"

    short = models.CharField("acronym", max_length=20)
    long = models.CharField("long form", max_length=200)
    key = models.CharField(max_length=200, editable=False)
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    source = models.CharField(max_length=8, choices=Source, default=Source.OPERATOR)
    papers = models.PositiveIntegerField(default=0, editable=False)
    evidence = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField("since", auto_now_add=True)
    decided_at = models.DateTimeField("decided", null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["short", "key"], name="synonym_pair_unique"),
            # With two meanings a reader of the one would get the papers of the other.
            models.UniqueConstraint(
                fields=["short"],
                condition=Q(state="accepted"),
                name="synonym_accepted_unambiguous",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "accepted", "rejected"]),
                name="synonym_state_known",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["shipped", "learnt", "operator"]),
                name="synonym_source_known",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_at__isnull=True)
                | (~Q(state="proposed") & Q(decided_at__isnull=False)),
                name="synonym_decided_has_instant",
            ),
            models.CheckConstraint(
                condition=~Q(short="") & ~Q(key=""), name="synonym_both_forms_given"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.short} = {self.long}"


class Definition(models.Model):
    """A paper defines an acronym: what proposals are counted from.

    The highest `paper_id` here is how far learning has come.
    """

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="definitions")
    short = models.CharField(max_length=20)
    long = models.CharField(max_length=200)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "short", "key"], name="definition_once_per_paper"
            )
        ]
        indexes = [models.Index(fields=["short", "key"], name="definition_pair")]

    def __str__(self) -> str:
        return f"{self.short} = {self.long} in {self.paper_id}"
