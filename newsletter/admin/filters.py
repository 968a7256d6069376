"""Filters shared by the lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from newsletter.admin.base import format_day
from newsletter.models import Edition

SHOWN = 21  # editions offered: three weeks


class EditionFilter(admin.SimpleListFilter):
    """By edition: the last three weeks, and whichever older one is asked for."""

    title = "edition"
    parameter_name = "edition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = self.value() or ""
        latest = Edition.objects.order_by("-date").values("pk")[:SHOWN]
        wanted = Q(pk__in=latest)
        if asked.isdecimal():
            wanted |= Q(pk=int(asked))
        editions = Edition.objects.filter(wanted).order_by("-date").only("date")
        return [(str(edition.pk), format_day(edition.date)) for edition in editions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if not asked:
            return queryset
        return queryset.filter(edition=int(asked)) if asked.isdecimal() else queryset.none()
