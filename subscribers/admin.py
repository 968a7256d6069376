"""Readers in the admin. What changes them goes through services, so that consent is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, IntegerField, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from subscribers import services
from subscribers.forms import InterestForm, InterestFormSet, SubscriberForm, SuppressionForm
from subscribers.models import ConsentEvent, Interest, Query, Subscriber, Suppression

if TYPE_CHECKING:
    from django.forms import ModelForm

INTERESTS_SHOWN = 3
MOST_AT_ONCE = 500  # readers unsubscribed by one action; each is a form field
STATUS_COLOURS = {
    "confirmed": "success",
    "unconfirmed": "warning",
    "paused": "info",
    "unsubscribed": "danger",
}
SCHEDULE = ("timezone", "send_time", "weekdays", "papers_per_letter", "similar_up_to")


class ReadOnly:
    """Rows that are looked at, never changed here."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class InterestInline(TabularInline):  # type: ignore[misc]
    model = Interest
    form = InterestForm
    formset = InterestFormSet
    fields = ("text", "weight", "expand", "position")
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interest]:
        found: QuerySet[Interest] = super().get_queryset(request).select_related("query")
        return found


class ConsentEventInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = ConsentEvent
    fields = ("at", "kind", "source", "wording")
    readonly_fields = fields
    ordering = ("-at", "-pk")
    extra = 0


@admin.register(Subscriber)
class SubscriberAdmin(ModelAdmin):  # type: ignore[misc]
    form = SubscriberForm
    inlines = (InterestInline, ConsentEventInline)
    list_display = (
        "email", "status_label", "interest_summary", "timezone", "send_time", "next_letter",
        "covered_until",
    )  # fmt: skip
    list_filter = ("status", "timezone")
    search_fields = ("^email", "interests__text")
    search_help_text = "The beginning of an address, or words of an interest"
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)
    actions = ("unsubscribe",)
    actions_detail = ("explain",)
    readonly_fields = (
        "status", "next_letter", "covered_until", "created_at", "confirmed_at", "unsubscribed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        mine = Interest.objects.filter(subscriber=OuterRef("pk"))
        count = mine.order_by().values("subscriber").annotate(n=Count("pk")).values("n")
        texts = mine.order_by("position", "pk").values("text")[:INTERESTS_SHOWN]
        found: QuerySet[Subscriber] = super().get_queryset(request)
        return found.annotate(
            interest_count=Coalesce(Subquery(count, output_field=IntegerField()), 0),
            first_interests=ArraySubquery(texts),
        )

    @action(description="Why (not)?", url_path="why", permissions=["view"])  # type: ignore[untyped-decorator]
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Lead to the page that says why this reader got, or did not get, a paper."""
        url = reverse("admin:newsletter_paper_explain", query={"reader": int(object_id)})
        return HttpResponseRedirect(url)

    @display(description="status", ordering="status", label=STATUS_COLOURS)  # type: ignore[untyped-decorator]
    def status_label(self, reader: Subscriber) -> tuple[str, str]:
        return reader.status, reader.get_status_display()

    @admin.display(description="interests")
    def interest_summary(self, reader: Any) -> str:
        shown = " · ".join(reader.first_interests)
        more = reader.interest_count - len(reader.first_interests)
        return f"{shown} + {more} more" if more > 0 else shown

    @admin.display(description="next letter", ordering="next_send_at")
    def next_letter(self, reader: Subscriber) -> str:
        if reader.next_send_at is None:
            return "none"
        local = reader.next_send_at.astimezone(ZoneInfo(reader.timezone))
        return date_format(local, "D j M H:i")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("email", *SCHEDULE) if obj is None else ("email", *SCHEDULE, *self.readonly_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # An address that changes hands would take another person's consent with it.
        return self.readonly_fields if obj is None else ("email", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Subscriber, form: ModelForm[Subscriber], change: bool
    ) -> None:
        wanted = {name: form.cleaned_data[name] for name in SCHEDULE}
        if change:
            services.set_schedule(obj.pk, now=timezone.now(), **wanted)
        else:
            source = f"the admin, by {request.user.get_username()}"
            added = services.add_confirmed_subscriber(
                obj.email, (), **wanted, source=source, now=timezone.now()
            )
            obj.pk = added.id
        obj.refresh_from_db()

    @admin.action(description="Unsubscribe: no more letters…", permissions=["change"])
    def unsubscribe(
        self, request: HttpRequest, queryset: QuerySet[Subscriber]
    ) -> HttpResponse | None:
        readers = queryset.exclude(status=Subscriber.Status.UNSUBSCRIBED).order_by("pk")
        chosen = list(readers.values_list("pk", "email")[: MOST_AT_ONCE + 1])
        if not chosen or len(chosen) > MOST_AT_ONCE:
            mend = f"choose 1 to {MOST_AT_ONCE:,} readers who are not unsubscribed"
            self.message_user(request, f"Nobody was unsubscribed: {mend}.", messages.ERROR)
            return None
        if request.POST.get("confirmed") != "yes":
            return _ask_to_unsubscribe(self, request, chosen)
        source = f"the admin, by {request.user.get_username()}"
        done = sum(services.unsubscribe(pk, source, timezone.now()) for pk, _ in chosen)
        self.message_user(request, f"{done:,} unsubscribed.", messages.SUCCESS)
        return None


def _ask_to_unsubscribe(
    page: SubscriberAdmin, request: HttpRequest, chosen: list[tuple[int, str]]
) -> TemplateResponse:
    context = {
        **page.admin_site.each_context(request),
        "opts": Subscriber._meta,
        "title": "Unsubscribe these readers?",
        "chosen": chosen,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/subscribers/subscriber/unsubscribe.html", context)


@admin.register(Interest)
class InterestAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("text", "subscriber", "weight", "query", "created_at")
    list_filter = ("weight",)
    list_select_related = ("subscriber", "query")
    search_fields = ("text",)
    show_full_result_count = False
    ordering = ("-pk",)


@admin.register(Query)
class QueryAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("text", "expand", "reader_count", "created_at")
    search_fields = ("text",)
    show_full_result_count = False
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Query]:
        reading = Interest.objects.filter(
            query=OuterRef("pk"), subscriber__status=Subscriber.Status.CONFIRMED
        )
        count = reading.order_by().values("query").annotate(n=Count("pk")).values("n")
        found: QuerySet[Query] = super().get_queryset(request)
        return found.annotate(readers=Coalesce(Subquery(count, output_field=IntegerField()), 0))

    @admin.display(description="readers", ordering="readers")
    def reader_count(self, query: Any) -> int:
        return int(query.readers)


@admin.register(Suppression)
class SuppressionAdmin(ModelAdmin):  # type: ignore[misc]
    form = SuppressionForm
    list_display = ("short_hash", "reason", "note", "at")
    list_filter = ("reason",)
    search_fields = ("note",)
    search_help_text = "A whole address, or words of a note"
    show_full_result_count = False
    ordering = ("-pk",)
    fields = ("address", "reason", "note")

    @admin.display(description="keyed hash")
    def short_hash(self, suppression: Suppression) -> str:
        return suppression.address_hash[:12]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.fields if obj is None else ("address_hash", "reason", "note", "at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        if "@" in search_term:
            digest = services.hash_address(search_term)
            return queryset.filter(Q(address_hash=digest)), False
        found: tuple[QuerySet[Suppression], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found

    def save_model(
        self, request: HttpRequest, obj: Suppression, form: ModelForm[Suppression], change: bool
    ) -> None:
        address = form.cleaned_data["address"]
        services.suppress_address(address, obj.reason, obj.note)
        stored = Suppression.objects.get(address_hash=services.hash_address(address))
        obj.pk, obj.address_hash = stored.pk, stored.address_hash


@admin.register(ConsentEvent)
class ConsentEventAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("at", "subscriber", "kind", "source")
    list_filter = ("kind",)
    list_select_related = ("subscriber",)
    search_fields = ("^subscriber__email",)
    show_full_result_count = False
    ordering = ("-pk",)
