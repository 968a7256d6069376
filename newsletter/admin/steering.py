"""How the letters go out, on one page, and the hand on it: hold, let go, cancel."""

from __future__ import annotations

from datetime import date

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from newsletter.admin.base import format_day
from newsletter.controls import (
    ControlError,
    cancel_letters,
    count_cancellable,
    pause_sending,
    resume_sending,
)
from newsletter.models import Edition
from newsletter.progress import read_progress

LIVE_SECONDS = 5


@require_safe
def show_sending(request: HttpRequest) -> HttpResponse:
    """Show what `manage.py status` shows; with `?live=1` the page asks again every few seconds."""
    _require(request.user, "newsletter.view_edition")
    live = request.GET.get("live") == "1"
    context = {
        **admin.site.each_context(request),
        "title": _("Going out"),
        "opts": Edition._meta,
        "progress": read_progress(),
        "live": live,
        "seconds": LIVE_SECONDS,
        "may_steer": request.user.has_perm("newsletter.change_edition"),
    }
    answer = TemplateResponse(request, "admin/newsletter/edition/sending.html", context)
    if live:
        answer["Refresh"] = str(LIVE_SECONDS)
    return answer


@require_POST
def steer(request: HttpRequest) -> HttpResponse:
    """Hold the letters or let them go, of the edition `day` or all of them."""
    _require(request.user, "newsletter.change_edition")
    day = _read_day(request.POST.get("day", ""))
    try:
        if request.POST.get("go") == "hold":
            pause_sending(f"the admin, by {request.user.get_username()}", day)
            messages.success(request, _("No further letter of these goes out."))
        elif resume_sending(day):
            messages.success(request, _("The letters go out again."))
        else:
            messages.warning(request, _("They were not held."))
    except ControlError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:newsletter_sending"))


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, day: str = "") -> HttpResponse:
    """Ask, saying how many letters it concerns; once confirmed, cancel what waits."""
    _require(request.user, "newsletter.change_edition")
    edition = _read_day(day)
    try:
        concerned = count_cancellable(edition)
        if request.method == "POST":
            cancelled = cancel_letters(edition, timezone.now())
            text = ngettext("%d letter cancelled.", "%d letters cancelled.", cancelled)
            messages.success(request, text % cancelled)
            return HttpResponseRedirect(reverse("admin:newsletter_sending"))
    except ControlError as error:
        raise Http404(str(error)) from error
    name = format_day(edition) if edition else ""
    title = _("Cancel the letters of %(day)s") % {"day": name} if edition else ""
    context = {
        **admin.site.each_context(request),
        "title": title or _("Cancel every letter that waits"),
        "opts": Edition._meta,
        "day": name,
        "concerned": concerned,
    }
    return TemplateResponse(request, "admin/newsletter/edition/cancel.html", context)


def steering_urls() -> list[URLPattern]:
    """Return the addresses, below the editions'."""
    wrap = admin.site.admin_view
    return [
        path("going-out/", wrap(show_sending), name="newsletter_sending"),
        path("going-out/steer/", wrap(steer), name="newsletter_steer"),
        path("going-out/cancel/", wrap(cancel), name="newsletter_cancel_all"),
        path("going-out/cancel/<str:day>/", wrap(cancel), name="newsletter_cancel"),
    ]


def _read_day(text: str) -> date | None:
    """Return the day, None where none is named; 404 for what is no day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Http404(str(error)) from error


def _require(user: User | AnonymousUser, permission: str) -> None:
    if not user.has_perm(permission):
        raise PermissionDenied
