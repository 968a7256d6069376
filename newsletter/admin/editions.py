"""Editions: the day's papers, the editor's note, and letters previewed before they go."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from newsletter.admin import preview, steering
from newsletter.admin.base import (
    STATE_COLOURS,
    Admin,
    _ChangeList,
    button,
    format_day,
    labelled,
    link,
    list_url,
)
from newsletter.controls import pause_sending, resume_sending
from newsletter.editions import EditionError, open_edition, site_date
from newsletter.freshness import describe_day, tell_day
from newsletter.models import Delivery, Edition
from newsletter.status import LetterCounts, count_letters, count_papers

STATE_NAMES = dict(Delivery.State.choices)


class EditionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Edition
        fields = ("date", "note")

    def clean_date(self) -> date:
        day: date = self.cleaned_data["date"]
        today = site_date(timezone.now())
        if day < today:
            raise forms.ValidationError(
                f"{day} is past; papers that came late join today's edition: choose {today}"
            )
        return day


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("frozen", "frozen"), ("closed", "closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Edition]) -> QuerySet[Edition]:
        conditions = {
            "open": {"frozen_at__isnull": True},
            "frozen": {"frozen_at__isnull": False, "closed_at__isnull": True},
            "closed": {"closed_at__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))


class EditionList(_ChangeList):
    """The page's editions with their letters counted in one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        editions = list(self.result_list)
        counts = count_letters(edition.pk for edition in editions)
        for edition in editions:
            edition.letters = counts[edition.pk]
        self.result_list = editions


@admin.register(Edition)
class EditionAdmin(Admin[Edition]):
    form = EditionForm
    list_per_page = 31
    list_display = ("day", "state_label", "papers", "late", "sent", "empty", "failed", "on_the_way")
    list_filter = (StateFilter,)
    date_hierarchy = "date"
    ordering = ("-date",)
    actions = ("pause_letters", "resume_letters")
    actions_list = ("go_sending",)
    actions_detail = ("preview_as", "cancel_letters")
    add_fieldsets = ((None, {"fields": ("date", "note")}),)
    fieldsets = (
        (None, {"fields": ("state_label", "papers_link", "sources_said", "letters_link", "note")}),
        ("Instants", {"fields": ("opened_at", "frozen_at", "matched_at", "closed_at")}),
        (
            _("Going out"),
            {"fields": ("paused_at", "pause_reason", "cancelled_at", "canary_size", "cleared_at")},
        ),
    )

    def has_steer_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """A frozen edition is nobody's to edit; its letters are held with the right to change."""
        return bool(request.user.has_perm("newsletter.change_edition"))

    @admin.action(description=_("Hold the letters"), permissions=["steer"])
    def pause_letters(self, request: HttpRequest, queryset: QuerySet[Edition]) -> None:
        reason = f"the admin, by {request.user.get_username()}"
        for edition in queryset:
            pause_sending(reason, edition.date)
        self.message_user(request, _("No further letter of these goes out."), messages.SUCCESS)

    @admin.action(description=_("Let the letters go"), permissions=["steer"])
    def resume_letters(self, request: HttpRequest, queryset: QuerySet[Edition]) -> None:
        resumed = sum(resume_sending(edition.date) for edition in queryset)
        text = ngettext("%d edition goes out again.", "%d editions go out again.", resumed)
        self.message_user(request, text % resumed, messages.SUCCESS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Edition]:
        return count_papers(super().get_queryset(request).defer("matched_queries"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EditionList]:
        return EditionList

    def get_readonly_fields(self, request: HttpRequest, obj: Edition | None = None) -> list[str]:
        if obj is None:
            return []
        shown: list[Any] = [name for _, group in self.fieldsets for name in group["fields"]]
        return [name for name in shown if name != "note"]

    def has_change_permission(self, request: HttpRequest, obj: Edition | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and not (obj and obj.frozen_at)

    def has_delete_permission(self, request: HttpRequest, obj: Edition | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Edition, form: Any, change: bool) -> None:
        """Write the note alone, and only while the edition is open: it may freeze meanwhile."""
        if not change:
            try:
                obj.pk = open_edition(obj.date, timezone.now())
            except EditionError as error:
                self.message_user(request, f"Nothing changed: {error}.", messages.ERROR)
                return
        still_open = Edition.objects.filter(pk=obj.pk, frozen_at__isnull=True)
        if not still_open.update(note=obj.note):
            self.message_user(
                request, "The note was not kept: the edition froze meanwhile.", messages.ERROR
            )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            *steering.steering_urls(),
            path(
                "<int:edition_id>/preview/",
                wrap(preview.show_preview),
                name="newsletter_edition_preview",
            ),
            path(
                "<int:edition_id>/preview/<int:reader_id>/letter/",
                wrap(preview.show_letter),
                name="newsletter_edition_letter",
            ),
            path(
                "<int:edition_id>/preview/<int:reader_id>/test/",
                wrap(preview.send_test),
                name="newsletter_edition_test",
            ),
            *super().get_urls(),
        ]

    @button("Preview as…", "preview-as", "view")
    def preview_as(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:newsletter_edition_preview", args=[object_id]))

    @button("Cancel the letters…", "cancel-letters", "steer")
    def cancel_letters(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        day = Edition.objects.values_list("date", flat=True).get(pk=int(object_id))
        return HttpResponseRedirect(reverse("admin:newsletter_cancel", args=[day.isoformat()]))

    @button("Going out", "see-going-out", "view")
    def go_sending(self, request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:newsletter_sending"))

    @admin.display(description="Edition", ordering="date")
    def day(self, edition: Edition) -> str:
        return format_day(edition.date)

    @labelled("State", STATE_COLOURS)
    def state_label(self, edition: Edition) -> str:
        return edition.shown_state

    @admin.display(description="Papers", ordering="papers_total")
    def papers(self, edition: Any) -> int:
        return int(edition.papers_total)

    @admin.display(description="Late", ordering="papers_late")
    def late(self, edition: Any) -> int:
        return int(edition.papers_late)

    @admin.display(description="Sent")
    def sent(self, edition: Any) -> int:
        return int(edition.letters.sent)

    @admin.display(description="Empty")
    def empty(self, edition: Any) -> int:
        return int(edition.letters.empty)

    @admin.display(description="Failed")
    def failed(self, edition: Any) -> int:
        return int(edition.letters.failed)

    @admin.display(description="On the way or in doubt")
    def on_the_way(self, edition: Any) -> int:
        letters: LetterCounts = edition.letters
        return letters.queued + letters.sending + letters.deferred + letters.in_doubt

    @admin.display(description="Papers")
    def papers_link(self, edition: Any) -> SafeString | str:
        if not edition.papers_total:
            return "none yet" if edition.state == "open" else "none"
        words = f"{edition.papers_total}, of them {edition.papers_late} late"
        words += f" and {edition.papers_hidden} hidden"
        return link(list_url("newsletter_paper", edition=edition.pk), words)

    @admin.display(description=_("Sources"))
    def sources_said(self, edition: Edition) -> str:
        story = describe_day(edition.date, edition.frozen_at)
        said = tell_day(story) or (gettext("all came in time") if story.sources else "")
        if edition.absent:
            names = {"names": ", ".join(edition.absent)}
            said = gettext("Its letters say it was made without %(names)s.") % names + f" {said}"
        return said or gettext("none was asked")

    @admin.display(description="Letters")
    def letters_link(self, edition: Edition) -> SafeString | str:
        letters = count_letters([edition.pk])[edition.pk]
        return (
            format_html_join(
                ", ",
                '<a class="pr-link" href="{}">{} {}</a>',
                (
                    (
                        list_url("newsletter_delivery", edition=edition.pk, state__exact=state),
                        count,
                        STATE_NAMES[state],
                    )
                    for state, count in letters.items()
                    if count
                ),
            )
            or "none yet"
        )
