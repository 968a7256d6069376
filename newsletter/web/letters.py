"""The pages behind a letter's links: leave, and see what one gets. A GET changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import links
from newsletter.digests import format_schedule
from newsletter.synonyms import describe_interests
from subscribers.models import Subscriber
from subscribers.queries import read_readers
from subscribers.services import unsubscribe

BUTTON = "End my letters"


@csrf_exempt  # RFC 8058: a mail provider posts without a cookie; the token is the proof
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST unsubscribes: from the page's button, or one-click from a mail program."""
    try:
        value = links.read_token(token, links.UNSUBSCRIBE)
    except links.BadToken:
        return _refuse(request)
    if request.method == "POST":
        source, wording = ("unsubscribe page", BUTTON) if _is_button(request) else ("one-click", "")
        unsubscribe(value.subscriber_id, source, timezone.now(), wording)
        return _show(request, "web/letters/left.html", {})
    reader = read_readers([value.subscriber_id]).get(value.subscriber_id)
    if reader is None or reader.status == Subscriber.Status.UNSUBSCRIBED:
        return _show(request, "web/letters/left.html", {})
    context = {"address": mask_address(reader.email), "button": BUTTON}
    return _show(request, "web/letters/leave.html", context)


@never_cache
@require_safe
def show_round(request: HttpRequest, token: str) -> HttpResponse:
    """What a reader gets: interests, hour, address; nothing can be changed here."""
    try:
        value = links.read_token(token, links.MANAGE)
    except links.BadToken:
        return _refuse(request)
    reader = read_readers([value.subscriber_id]).get(value.subscriber_id)
    if reader is None or reader.status == Subscriber.Status.UNSUBSCRIBED:
        return _show(request, "web/letters/left.html", {})
    context = {
        "reader": reader,
        "interests": describe_interests(reader.interests),
        "address": mask_address(reader.email),
        "schedule": format_schedule(reader),
        "leave_url": links.unsubscribe_url(reader.id),
    }
    return _show(request, "web/letters/round.html", context)


def mask_address(address: str) -> str:
    """Return "a•••@example.org": enough for its owner, nothing for whom a letter was sent on to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _is_button(request: HttpRequest) -> bool:
    try:
        return request.POST.get("from") == "page"
    except (MultiPartParserError, SuspiciousOperation):
        return False  # a broken body is no reason to go on mailing


def _show(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    response = render(request, template, dict(context))
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"  # the address holds the token
    return response


def _refuse(request: HttpRequest) -> HttpResponse:
    return render(request, "web/letters/bad_link.html", status=404)
