"""Readers, with what each interest also finds: the table of synonyms is not theirs to know."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from newsletter.admin.base import ReadOnlyInline, format_day, link
from newsletter.matching.synonyms import Synonyms
from newsletter.models import Delivery
from newsletter.synonyms import describe_reach, read_synonyms
from subscribers.admin import InterestInline, SubscriberAdmin
from subscribers.models import Interest, Subscriber

LETTERS_SHOWN = 30

admin.site.unregister(Subscriber)


class InterestWithReachInline(InterestInline):
    readonly_fields = ("also_finds",)

    def get_fields(self, request: HttpRequest, obj: Subscriber | None = None) -> tuple[str, ...]:
        *first, last = self.fields
        return (*first, "also_finds", last)

    @cached_property
    def synonyms(self) -> Synonyms:
        """Read once a page: an inline lives as long as a request."""
        return read_synonyms()

    @admin.display(description="also finds")
    def also_finds(self, interest: Interest) -> SafeString | str:
        if interest.pk is None:
            return ""
        found = describe_reach(interest.query.text, self.synonyms)
        words = ", ".join(f"“{other}”" for other in found)
        if interest.query.expand:
            return words
        return format_html("<s>{}</s> switched off", words) if words else ""


class DeliveryInline(ReadOnlyInline):
    """The reader's last letters: what became of each."""

    model = Delivery
    verbose_name_plural = _("the last letters")
    fields = readonly_fields = ("edition_day", "state", "attempts", "code", "detail", "finished_at")
    ordering = ("-edition__date",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        letters: QuerySet[Delivery] = super().get_queryset(request)
        match = request.resolver_match
        reader = match.kwargs.get("object_id") if match else None
        newest = Delivery.objects.filter(subscriber=reader).order_by("-edition__date")
        shown = list(newest.values_list("pk", flat=True)[:LETTERS_SHOWN])
        return letters.filter(pk__in=shown).select_related("edition").defer("picks")

    @admin.display(description=_("edition"))
    def edition_day(self, delivery: Delivery) -> SafeString:
        url = reverse("admin:newsletter_delivery_change", args=[delivery.pk])
        return link(url, format_day(delivery.edition.date))


@admin.register(Subscriber)
class ReaderAdmin(SubscriberAdmin):
    def get_inlines(self, request: HttpRequest, obj: Subscriber | None) -> list[type[Any]]:
        inlines = super().get_inlines(request, obj)
        shown = [InterestWithReachInline if one is InterestInline else one for one in inlines]
        return [*shown, DeliveryInline] if obj else shown
