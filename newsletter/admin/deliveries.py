"""Deliveries: the ledger, to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from newsletter.admin.base import (
    STATE_COLOURS,
    ReadOnlyAdmin,
    button,
    format_day,
    labelled,
    link,
)
from newsletter.admin.explain import explain_url
from newsletter.admin.filters import EditionFilter
from newsletter.complaints import OUT, record_complaint
from newsletter.controls import park_in_doubt, resend_in_doubt
from newsletter.matching.display import readable
from newsletter.models import Delivery, Paper
from subscribers.models import Interest, Query, Subscriber

MOST_AT_ONCE = 100  # complaints recorded by one action; each is a form field


class ParkedFilter(admin.SimpleListFilter):
    title = _("in doubt")
    parameter_name = "parked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("to be settled")), ("yes", _("parked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() not in {"no", "yes"}:
            return queryset
        return queryset.filter(state="in_doubt", parked_at__isnull=self.value() == "no")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    list_display = (
        "reader",
        "edition_day",
        "state_label",
        "attempts",
        "code",
        "reply",
        "finished_at",
    )
    list_display_links = ("reader",)
    list_filter = ("state", EditionFilter, ParkedFilter, "finished_at")
    actions = ("resend", "park", "complain")
    search_fields = ("subscriber__email",)
    search_help_text = "Start of an address, or Message-ID"
    ordering = ("-pk",)
    actions_detail = ("explain",)
    fieldsets = (
        (None, {"fields": ("reader_link", "edition_link", "state", "covers_from")}),
        ("The letter", {"fields": ("carried", "message_id")}),
        (
            "On its way",
            {
                "fields": (
                    "planned_at",
                    "next_at",
                    "attempts",
                    "doubts",
                    "parked_at",
                    "setbacks",
                    "crashes",
                    "canary",
                    "owner",
                    "lease_until",
                    "code",
                    "detail",
                    "finished_at",
                    "bounced_at",
                    "complained_at",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        deliveries = super().get_queryset(request).select_related("subscriber", "edition")
        deliveries = deliveries.defer("edition__matched_queries")  # up to 100 kB, shown nowhere
        return deliveries.defer("picks") if self.is_list(request) else deliveries

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Find by the beginning of an address or by a whole Message-ID: no scan of every letter."""
        term = search_term.strip()
        if not term:
            return queryset, False
        readers = Subscriber.objects.filter(email__startswith=term.lower())
        whole = f"<{term.strip('<>')}>"
        return queryset.filter(Q(subscriber__in=readers) | Q(message_id=whole)), False

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """The ledger is nobody's to edit; what is in doubt is settled with the right to change."""
        return bool(request.user.has_perm("newsletter.change_delivery"))

    @admin.action(
        description=_("Send again what is in doubt (same Message-ID)"), permissions=["settle"]
    )
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        resent = resend_in_doubt(queryset.values_list("pk", flat=True))
        self._tell(request, resent, ngettext("%d letter goes out again.",
                                             "%d letters go out again.", resent))  # fmt: skip

    @admin.action(
        description=_("Park what is in doubt: do not send it again"), permissions=["settle"]
    )
    def park(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        parked = park_in_doubt(queryset.values_list("pk", flat=True), timezone.now())
        self._tell(request, parked, ngettext("%d letter parked.", "%d letters parked.", parked))

    def has_complain_permission(self, request: HttpRequest) -> bool:
        """It marks a letter and ends a reader's: who may do only one of these may not."""
        needed = ("newsletter.change_delivery", "subscribers.change_subscriber")
        return bool(request.user.has_perms(needed))

    @admin.action(description=_("Record a complaint…"), permissions=["complain"])
    def complain(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        letters = queryset.filter(state__in=OUT, complained_at__isnull=True).order_by("pk")
        fields = ("pk", "subscriber__email", "edition__date")
        chosen = list(letters.values_list(*fields)[: MOST_AT_ONCE + 1])
        if not chosen or len(chosen) > MOST_AT_ONCE:
            mend = f"choose 1 to {MOST_AT_ONCE} letters that are out and not complained of yet"
            self.message_user(request, f"No complaint was recorded: {mend}.", messages.ERROR)
            return None
        if request.POST.get("confirmed") != "yes":
            return _ask_to_complain(self, request, chosen)
        source = f"the admin, by {request.user.get_username()}"
        found = [record_complaint(pk, timezone.now(), source) for pk, _email, _day in chosen]
        new = [recorded for recorded in found if recorded and recorded.new]
        text = ngettext("%d complaint recorded.", "%d complaints recorded.", len(new))
        self.message_user(request, text % len(new), messages.SUCCESS)
        for one in new:
            if one.paused:
                text = f"The edition of {one.day} is paused: {one.paused}."
                self.message_user(request, text, messages.WARNING)
        return None

    def _tell(self, request: HttpRequest, number: int, text: str) -> None:
        if number:
            self.message_user(request, text % number, messages.SUCCESS)
        else:
            self.message_user(request, _("None of these is in doubt."), messages.WARNING)

    @button("Why (not)?", "why", "view")
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        reader_id = Delivery.objects.values_list("subscriber", flat=True).get(pk=int(object_id))
        return HttpResponseRedirect(explain_url(reader=reader_id))

    @admin.display(description="Reader", ordering="subscriber__email")
    def reader(self, delivery: Delivery) -> str:
        return delivery.subscriber.email

    @admin.display(description="Edition", ordering="edition__date")
    def edition_day(self, delivery: Delivery) -> str:
        return format_day(delivery.edition.date)

    @labelled("State", STATE_COLOURS, ordering="state")
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    @admin.display(description="Reply or reason")
    def reply(self, delivery: Delivery) -> str:
        later = (("bounced", delivery.bounced_at), ("complained", delivery.complained_at))
        return "; ".join([delivery.detail, *(name for name, at in later if at)]).removeprefix("; ")

    @admin.display(description="Reader")
    def reader_link(self, delivery: Delivery) -> str:
        url = reverse("admin:subscribers_subscriber_change", args=[delivery.subscriber_id])
        return link(url, delivery.subscriber.email)

    @admin.display(description="Edition")
    def edition_link(self, delivery: Delivery) -> str:
        url = reverse("admin:newsletter_edition_change", args=[delivery.edition_id])
        return link(url, format_day(delivery.edition.date))

    @admin.display(description="Papers, best first")
    def carried(self, delivery: Delivery) -> str | None:
        rows = name_picks(delivery)
        if not rows:
            return None
        items = format_html_join(
            "",
            '<li><a href="{}">{}</a> <span class="pr-soft">{}</span></li>',
            (
                (reverse("admin:newsletter_paper_change", args=[paper]), title, ", ".join(words))
                for paper, title, words in rows
            ),
        )
        return format_html('<ol class="pr-picks">{}</ol>', items)


def _ask_to_complain(
    page: DeliveryAdmin, request: HttpRequest, chosen: list[Any]
) -> TemplateResponse:
    context = {
        **page.admin_site.each_context(request),
        "opts": Delivery._meta,
        "title": _("Record a complaint about these letters?"),
        "chosen": chosen,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/newsletter/delivery/complain.html", context)


def name_picks(delivery: Delivery) -> list[tuple[int, str, list[str]]]:
    """Return the letter's papers, best first: (id, title, the interests as this reader typed them).

    An interest the reader has since removed goes by its canonical text; what fills a letter up has
    none, and is "similar".
    """
    picks: list[tuple[int, list[int]]] = [(pick[0], list(pick[1])) for pick in delivery.picks]
    papers = Paper.objects.filter(pk__in=[paper for paper, _ in picks])
    titles = dict(papers.values_list("pk", "title"))
    wanted = {key for _, keys in picks for key in keys}
    words = dict(Query.objects.filter(pk__in=wanted).values_list("pk", "text"))
    typed = Interest.objects.filter(subscriber=delivery.subscriber_id, query__in=wanted)
    words |= dict(typed.values_list("query", "text"))
    return [
        (
            paper,
            readable(titles.get(paper, "a paper since removed")).text,
            [words[key] for key in keys if key in words] if keys else ["similar"],
        )
        for paper, keys in picks
    ]
