"""A source tested by the operator: one request, nothing stored; or due at the next minute."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from newsletter.fetching import RunReport, fetch_source
from newsletter.freshness import utc_day
from newsletter.models import Source
from newsletter.politeness import Clock
from newsletter.sourcebook import ask_soon
from newsletter.sources.asking import ParameterError
from newsletter.sources.base import SourceError
from newsletter.sources.registry import find_source

IMPATIENT = Clock(patience=timedelta(seconds=10))  # somebody looks at the page


def show_test(request: HttpRequest, source_id: int) -> HttpResponse:
    """Show what can be done; a POST does it: one request shown, or the source made due."""
    if not request.user.has_perm("newsletter.change_source"):
        raise PermissionDenied
    source = get_object_or_404(Source, pk=source_id)
    report: RunReport | None = None
    if request.method == "POST":
        if "fetch" in request.POST:
            return _ask_soon(request, source)
        report = fetch_source(source_id, by="test", dry_run=True, most=1, clock=IMPATIENT)
        if report is None:
            messages.warning(request, gettext("It is being fetched right now: wait a minute."))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Test %(name)s") % {"name": source.name},
        "opts": Source._meta,
        "original": source,
        "source": source,
        "report": report,
        "is_quiet": report is not None and is_quiet_today(source),
    }
    return TemplateResponse(request, "admin/newsletter/source/test.html", context)


def is_quiet_today(source: Source) -> bool:
    """Return whether the source's calendar announces nothing today."""
    try:
        kind = find_source(source.kind)
        return kind.is_quiet(kind.read_parameters(source.parameters), utc_day(timezone.now()))
    except (SourceError, ParameterError):
        return False


def _ask_soon(request: HttpRequest, source: Source) -> HttpResponseRedirect:
    if ask_soon(source.pk):
        messages.success(request, gettext("It is due: beat or tick take it within a minute."))
    else:
        messages.error(request, gettext("It is off: turn it on first."))
    return HttpResponseRedirect(reverse("admin:newsletter_source_change", args=[source.pk]))
