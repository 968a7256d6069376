"""Synonyms: decided by the operator, those learnt from papers with their evidence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from newsletter.admin.base import Admin, labelled, link
from newsletter.matching.display import marked_segments, readable
from newsletter.models import Synonym
from newsletter.synonyms import (
    SynonymError,
    check_pair,
    count_interests,
    decide_synonyms,
    refuse_ambiguous,
    save_synonym,
)

COLOURS = {"proposed": "warning", "accepted": "success", "rejected": "danger"}
STATE_HELP = (
    "An accepted pair counts at once in search and from the next edition on in letters, wherever a "
    "reader left synonyms on. A rejected one is not proposed again."
)
EXAMPLE_WORDS = 160  # characters of the example in the list


class SynonymForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Synonym
        fields = ("short", "long", "state")
        help_texts = {
            "short": "With its capitals, as RL or LoRA: only so written is it looked for.",
            "long": "In the singular: plurals, hyphens and case make no difference.",
            "state": STATE_HELP,
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            data["short"], data["long"] = check_pair(data["short"], data["long"])
            refuse_ambiguous(data["short"], data["long"], data["state"], self.instance.pk)
        except SynonymError as error:
            self.add_error(error.field, str(error))
        return data

    def validate_constraints(self) -> None:
        """`clean` has judged, in words that name the rival and the mend."""


@admin.register(Synonym)
class SynonymAdmin(Admin[Synonym]):
    """Nothing is deleted here: a pair that was rejected must not be proposed again."""

    form = SynonymForm
    list_display = ("short", "long", "state_label", "source", "paper_count", "example")
    list_filter = ("state", "source")
    search_fields = ("short", "long")
    search_help_text = "An acronym, or words of a long form"
    actions = ("accept", "reject")
    fieldsets = (
        (None, {"fields": ("short", "long", "state")}),
        ("Why", {"fields": ("source", "papers_said", "affects", "examples")}),
        ("When", {"fields": ("created_at", "decided_at")}),
    )
    readonly_fields = (
        "source", "papers_said", "affects", "examples", "created_at", "decided_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Synonym]:
        waiting = Case(When(state="proposed", then=Value(0)), default=Value(1))
        return (
            super()
            .get_queryset(request)
            .alias(waiting=waiting)
            .order_by("waiting", "-papers", "short", "pk")
        )

    def get_fieldsets(self, request: HttpRequest, obj: Synonym | None = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:1]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"state": Synonym.State.ACCEPTED}

    def has_delete_permission(self, request: HttpRequest, obj: Synonym | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Synonym, form: Any, change: bool) -> None:
        data = form.cleaned_data
        obj.pk = save_synonym(data["short"], data["long"], data["state"], timezone.now(), obj.pk)
        obj.refresh_from_db()

    @admin.action(description="Accept: counts from the next edition on", permissions=["change"])
    def accept(self, request: HttpRequest, synonyms: QuerySet[Synonym]) -> None:
        self._decide(request, synonyms, Synonym.State.ACCEPTED)

    @admin.action(description="Reject: never proposed again", permissions=["change"])
    def reject(self, request: HttpRequest, synonyms: QuerySet[Synonym]) -> None:
        self._decide(request, synonyms, Synonym.State.REJECTED)

    def _decide(self, request: HttpRequest, synonyms: QuerySet[Synonym], state: str) -> None:
        chosen = list(synonyms.values_list("pk", flat=True))
        refused = decide_synonyms(chosen, state, timezone.now())
        for error in refused:
            self.message_user(request, f"Not {state}: {error}.", messages.ERROR)
        done = len(chosen) - len(refused)
        if done:
            self.message_user(request, f"{done} synonym{'' if done == 1 else 's'} {state}.")

    @labelled("State", COLOURS, ordering="state")
    def state_label(self, synonym: Synonym) -> tuple[str, str]:
        return synonym.state, synonym.get_state_display()

    @admin.display(description="Papers", ordering="papers")
    def paper_count(self, synonym: Synonym) -> str:
        return f"{synonym.papers:,}" if synonym.papers else ""

    @admin.display(description="Example")
    def example(self, synonym: Synonym) -> str:
        examples = synonym.evidence.get("examples", ())
        text = readable(examples[0]["title"]).text if examples else ""
        return text if len(text) <= EXAMPLE_WORDS else f"{text[: EXAMPLE_WORDS - 1]}…"

    @admin.display(description="Papers")
    def papers_said(self, synonym: Synonym) -> str:
        if not synonym.papers:
            return "no stored paper was found to define it"
        share = synonym.evidence.get("share", 100)
        one = synonym.papers == 1
        return (
            f"{synonym.papers:,} paper{'' if one else 's'} define{'s' if one else ''} "
            f"{synonym.short} so, {share} % of those that define it"
        )

    @admin.display(description="Interests it makes find more")
    def affects(self, synonym: Synonym) -> str:
        count = count_interests(synonym.short, synonym.long)
        return f"{count:,} of confirmed readers"

    @admin.display(description="Evidence")
    def examples(self, synonym: Synonym) -> SafeString:
        rows = (_example(one) for one in synonym.evidence.get("examples", ()))
        shown = format_html_join("", "{}", ((row,) for row in rows))
        return format_html('<div class="pr-prose">{}</div>', shown or "none kept")


def _example(example: dict[str, Any]) -> SafeString:
    """A piece of a paper with both forms marked, below the paper's title."""
    segments = marked_segments(example["text"], (tuple(mark) for mark in example["marks"]))
    words = format_html_join(
        "",
        "{}",
        ((format_html("<mark>{}</mark>", s.text) if s.marked else s.text,) for s in segments),
    )
    before, after = ("…\N{NO-BREAK SPACE}" if cut else "" for cut in example["cut"])
    url = reverse("admin:newsletter_paper_change", args=[example["paper"]])
    title = link(url, readable(example["title"]).text)
    return format_html("<p>{}<br>{}{}{}</p>", title, before, words, after[::-1])
