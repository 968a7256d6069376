"""An edition as one reader would get it: shown, or sent to the operator as a test."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from newsletter.admin.base import format_day
from newsletter.frames import frame_letter
from newsletter.mail.message import Verdict
from newsletter.models import Edition
from newsletter.previews import PreviewedLetter, PreviewError, preview_letter, send_test_letter
from subscribers.models import Subscriber
from subscribers.services import ReaderError

CHOICES = 12


@dataclass(frozen=True, slots=True)
class ReaderChoice:
    """A reader offered for the preview."""

    id: int
    email: str
    status: str


@require_safe
def show_preview(request: HttpRequest, edition_id: int) -> HttpResponse:
    """Show the letter the chosen reader (`?reader=`) would get, or readers found by `?q=`."""
    _require(request.user, "newsletter.view_edition", "subscribers.view_subscriber")
    edition = get_object_or_404(Edition, pk=edition_id)
    text = request.GET.get("q", "").strip()
    choices = find_readers(text)
    reader = _choose_reader(request.GET.get("reader", ""), choices)
    letter, problem = _try_preview(edition_id, reader) if reader else (None, "")
    context = {
        **admin.site.each_context(request),
        "title": f"Preview of {format_day(edition.date)}",
        "opts": Edition._meta,
        "original": edition,
        "edition": edition,
        "reader": reader,
        "letter": letter,
        "problem": problem,
        "query": text,
        "choices": choices,
        "to": getattr(request.user, "email", ""),
        "may_send": request.user.has_perm("newsletter.change_edition"),
    }
    return TemplateResponse(request, "admin/newsletter/edition/preview.html", context)


@require_safe
@xframe_options_sameorigin
def show_letter(request: HttpRequest, edition_id: int, reader_id: int) -> HttpResponse:
    """Return the letter's HTML alone, for the preview's frame: no script, nothing loaded."""
    _require(request.user, "newsletter.view_edition", "subscribers.view_subscriber")
    try:
        return frame_letter(preview_letter(edition_id, reader_id).html)
    except (PreviewError, Edition.DoesNotExist) as error:
        return HttpResponse(str(error), status=404, content_type="text/plain; charset=utf-8")


@require_POST
def send_test(request: HttpRequest, edition_id: int, reader_id: int) -> HttpResponse:
    """Send the reader's letter to the address given, as a test, and say what became of it."""
    _require(request.user, "newsletter.change_edition", "subscribers.view_subscriber")
    get_object_or_404(Edition, pk=edition_id)
    to = request.POST.get("to", "").strip()
    try:
        outcome = send_test_letter(edition_id, reader_id, to)
    except (PreviewError, ReaderError) as error:
        messages.error(request, f"Not sent: {error}")
    else:
        if outcome.verdict is Verdict.SENT:
            messages.success(request, f"The relay accepted the test letter to {to}.")
        else:
            messages.error(request, f"The test letter to {to} was not sent: {outcome.detail}")
    url = reverse("admin:newsletter_edition_preview", args=[edition_id])
    return HttpResponseRedirect(f"{url}?reader={reader_id}")


def find_readers(text: str) -> list[ReaderChoice]:
    """Return a few readers whose address begins with `text`; for "" the first confirmed ones."""
    readers = (
        Subscriber.objects.filter(email__startswith=text.lower())
        if text
        else Subscriber.objects.filter(status=Subscriber.Status.CONFIRMED)
    )
    return [
        ReaderChoice(reader.pk, reader.email, reader.get_status_display())
        for reader in readers.order_by("pk")[:CHOICES]
    ]


def _choose_reader(asked: str, choices: list[ReaderChoice]) -> ReaderChoice | None:
    """Return the reader asked for by id, else the first of those found."""
    if not asked.isdecimal():
        return choices[0] if choices else None
    reader = Subscriber.objects.filter(pk=int(asked)).first()
    return ReaderChoice(reader.pk, reader.email, reader.get_status_display()) if reader else None


def _try_preview(edition_id: int, reader: ReaderChoice) -> tuple[PreviewedLetter | None, str]:
    try:
        return preview_letter(edition_id, reader.id), ""
    except PreviewError as error:
        return None, str(error)


def _require(user: User | AnonymousUser, *permissions: str) -> None:
    if not user.has_perms(permissions):
        raise PermissionDenied
