"""Sources: rows an operator keeps, how each day of theirs went, and what could not be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from newsletter.admin.base import (
    Admin,
    ReadOnlyAdmin,
    _ChangeList,
    button,
    format_day,
    labelled,
    link,
    list_url,
)
from newsletter.admin.source_forms import FIELDS, NewSourceForm, make_form, parameter_fields
from newsletter.admin.source_test import show_test
from newsletter.freshness import utc_day
from newsletter.models import FetchRun, Quarantined, Source, SourceDay
from newsletter.sourcebook import CHART_DAYS, add_usual_sources, begin_anew, chart_days
from newsletter.sources.registry import SOURCES

STATES = {
    "fresh": "success",
    "quiet": "info",
    "waiting": "info",
    "stalled": "warning",
    "failed": "danger",
}
RUN_STATES = {"running": "info", "done": "success", "partial": "warning", "failed": "danger"}
WORST = ("failed", "stalled", "waiting", "fresh", "quiet")
RUNS_SHOWN = 8


class SourceList(_ChangeList):
    """The page's sources with today's states and their last fetch, in two queries for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        sources = list(self.result_list)
        today = utc_day(timezone.now())
        keys = [source.pk for source in sources]
        days = SourceDay.objects.filter(source__in=keys, day=today)
        runs = FetchRun.objects.filter(source__in=keys).exclude(by="test")
        last = {
            run.source_id: run
            for run in runs.order_by("source_id", "-started_at")
            .distinct("source_id")
            .defer("sample")
        }
        for source in sources:
            source.today = [row for row in days if row.source_id == source.pk]
            source.last_run = last.get(source.pk)
        self.result_list = sources


@admin.register(Source)
class SourceAdmin(Admin[Source]):
    list_display = (
        "name", "kind_label", "enabled", "today_label", "news", "last_fetch", "next_look",
    )  # fmt: skip
    list_filter = ("enabled",)
    ordering = ("name",)
    actions = None
    actions_detail = ("go_test",)
    actions_list = ("go_usual",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SourceList]:
        return SourceList

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("name", "kind")}),)
        return (
            (_("The last 30 days"), {"fields": ("chart", "runs_shown", "quarantine_shown")}),
            (None, {"fields": ("name", "kind_label", "enabled")}),
            (_("What it asks for"), {"fields": parameter_fields(obj)}),
            (_("When"), {"fields": ("daily", "every", "expected_by", "first_day", "next_look")}),
            (_("Key"), {"fields": ("secret_env",)}),
            (_("The last answer that could not be used"), {"fields": ("failure_shown",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        if obj is None:
            return ()
        return (
            "chart", "runs_shown", "quarantine_shown", "kind_label", "next_look", "failure_shown",
        )  # fmt: skip

    def get_form(
        self, request: HttpRequest, obj: Source | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = make_form(obj) if obj else NewSourceForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        now = timezone.now()
        if change:
            obj.parameters = form.cleaned_data["parameters"]
            if "enabled" in form.changed_data and obj.enabled:
                begin_anew(obj, now)
            own = [*(name for name in FIELDS if name != "kind"), "parameters", "next_at"]
            obj.save(update_fields=own)  # what fetching writes meanwhile stays
        else:
            obj.enabled, obj.first_day = False, utc_day(now)
            obj.save()

    def response_add(
        self, request: HttpRequest, obj: Source, post_url_continue: str | None = None
    ) -> HttpResponse:
        url = reverse("admin:newsletter_source_change", args=[obj.pk])
        self.message_user(request, gettext("Say what it asks for, test it, and turn it on."))
        return HttpResponseRedirect(url)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:source_id>/test/", view(show_test), name="newsletter_source_test"),
            path("usual/", view(self.add_usual), name="newsletter_source_usual"),
            *super().get_urls(),
        ]

    @button("Test…", "try", "change")
    def go_test(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:newsletter_source_test", args=[object_id]))

    @button("Add the usual ones…", "add-usual", "add")
    def go_usual(self, request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:newsletter_source_usual"))

    def add_usual(self, request: HttpRequest) -> HttpResponse:
        """Ask, then add Hugging Face and arXiv, off."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            added = ", ".join(add_usual_sources(timezone.now()))
            text = gettext("Added, and off: %(names)s.") % {"names": added or "–"}
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(list_url("newsletter_source"))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Add the usual sources"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/newsletter/source/usual.html", context)

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_label(self, source: Source) -> str:
        kind = SOURCES.get(source.kind)
        return gettext(kind.label) if kind else source.kind

    @labelled("Today", STATES)
    def today_label(self, source: Any) -> tuple[str, str] | None:
        if not source.enabled or not source.today:
            return None
        states = {row.state: row.get_state_display() for row in source.today}
        worst = next(state for state in WORST if state in states)
        return worst, states[worst]

    @admin.display(description=_("News today"))
    def news(self, source: Any) -> str:
        return str(sum(row.unseen for row in source.today)) if source.today else ""

    @admin.display(description=_("Last fetch"))
    def last_fetch(self, source: Any) -> SafeString | str:
        run = source.last_run
        if run is None:
            return ""
        words = gettext("%(time)s ago, %(state)s") % {
            "time": timesince(run.started_at, timezone.now(), depth=1),
            "state": run.get_state_display(),
        }
        return link(reverse("admin:newsletter_fetchrun_change", args=[run.pk]), words)

    @admin.display(description=_("Next look"), ordering="next_at")
    def next_look(self, source: Source) -> str:
        if not source.enabled:
            return gettext("off")
        if source.next_at is None or source.next_at <= timezone.now():
            return gettext("now")
        return f"{timezone.localtime(source.next_at):%H:%M}"

    @admin.display(description=_("Days"))
    def chart(self, source: Source) -> str:
        now = timezone.now()
        last = utc_day(now)
        context = {"rows": chart_days(source, now), "last": last}
        context["first"] = last - timedelta(days=CHART_DAYS - 1)
        return render_to_string("admin/newsletter/source/chart.html", context)

    @admin.display(description=_("Last fetches"))
    def runs_shown(self, source: Source) -> str:
        runs = source.runs.order_by("-started_at").defer("sample")[:RUNS_SHOWN]
        more = list_url("newsletter_fetchrun", source__id__exact=source.pk)
        context = {"runs": runs, "more": more}
        return render_to_string("admin/newsletter/source/runs.html", context)

    @admin.display(description=_("Quarantine"))
    def quarantine_shown(self, source: Source) -> SafeString | str:
        count = source.quarantine.count()
        if not count:
            return gettext("empty: every record was read")
        url = list_url("newsletter_quarantined", source__id__exact=source.pk)
        words = ngettext(
            "%(count)d record could not be read", "%(count)d records could not be read", count
        )
        return link(url, words % {"count": count})

    @admin.display(description=_("Sample"))
    def failure_shown(self, source: Source) -> SafeString | str:
        run = source.runs.exclude(sample="").order_by("-started_at").first()
        if run is None:
            return gettext("none is kept")
        return format_html("<p>{}</p>{}", run.problem, _show_sample(run))


def _show_sample(run: FetchRun) -> SafeString:
    """The beginning of an answer as inert text: whatever it holds, it is escaped."""
    return format_html('<pre class="pr-source pr-sample">{}</pre>', run.sample)


@admin.register(FetchRun)
class FetchRunAdmin(ReadOnlyAdmin[FetchRun]):
    list_display = (
        "started_at", "source", "state_label", "by", "requests", "unchanged", "papers", "unseen",
        "new", "refused", "problem",
    )  # fmt: skip
    list_filter = ("source", "state", "by")
    list_select_related = ("source",)
    ordering = ("-started_at",)
    fields = (
        "source", "state", "by", "started_at", "finished_at", "requests", "unchanged",
        "octets", "papers", "unseen", "new", "refused", "problem", "sample_shown",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[FetchRun]:
        runs = super().get_queryset(request)
        return runs.defer("sample") if self.is_list(request) else runs

    @labelled("State", RUN_STATES, ordering="state")
    def state_label(self, run: FetchRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @admin.display(description=_("Sample"))
    def sample_shown(self, run: FetchRun) -> SafeString | str:
        return _show_sample(run) if run.sample else gettext("none: the answers could be used")


@admin.register(SourceDay)
class SourceDayAdmin(ReadOnlyAdmin[SourceDay]):
    list_display = (
        "day_shown", "source", "part", "state_label", "papers", "unseen", "lacking", "asked",
        "failed", "fresh_at", "problem",
    )  # fmt: skip
    list_filter = ("source", "state")
    list_select_related = ("source",)
    date_hierarchy = "day"
    ordering = ("-day", "source__name", "part")
    fields = (
        "source", "part", "day_shown", "state", "papers", "unseen", "asked", "failed",
        "fresh_at", "answered_at", "failed_at", "problem", "lacking", "bulletin_day", "checked_at",
        "alerted_at", "over_at",
    )  # fmt: skip

    @admin.display(description=_("Day"), ordering="day")
    def day_shown(self, row: SourceDay) -> str:
        return format_day(row.day)

    @labelled("State", STATES, ordering="state")
    def state_label(self, row: SourceDay) -> tuple[str, str]:
        return row.state, row.get_state_display()


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin[Quarantined]):
    list_display = ("last_at", "source", "part", "place", "reason", "times")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("place", "reason")
    search_help_text = _("An identifier, or words of the reason")
    ordering = ("-last_at",)
    fields = ("source", "part", "day", "place", "reason", "times", "first_at", "last_at")
