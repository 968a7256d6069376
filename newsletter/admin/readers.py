"""Readers, with what each interest also finds: the table of synonyms is not theirs to know."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from newsletter.matching.synonyms import Synonyms
from newsletter.synonyms import describe_reach, read_synonyms
from subscribers.admin import InterestInline, SubscriberAdmin
from subscribers.models import Interest, Subscriber

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


@admin.register(Subscriber)
class ReaderAdmin(SubscriberAdmin):
    def get_inlines(self, request: HttpRequest, obj: Subscriber | None) -> list[type[Any]]:
        inlines = super().get_inlines(request, obj)
        return [InterestWithReachInline if one is InterestInline else one for one in inlines]
