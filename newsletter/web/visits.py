"""A visit: half an hour in which a reader who used a mailed link may change what is theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from newsletter.web.carrying import carried_token, keep_private
from newsletter.web.languages import prefer_language
from subscribers.models import Subscriber
from subscribers.services import hash_address

KEY = "visit"
ADD = "interests_to_add"  # offered on the page of interests, from a paper's words
SECONDS = 30 * 60

View = Callable[..., HttpResponse]


def begin_visit(request: HttpRequest, subscriber_id: int) -> None:
    """Begin a visit under a new session key, so that none known before can follow it."""
    reader = Subscriber.objects.get(pk=subscriber_id)
    request.session.cycle_key()
    request.session[KEY] = {
        "reader": reader.pk,
        "address": hash_address(reader.email),
        "until": timezone.now().timestamp() + SECONDS,
    }
    if not request.user.is_authenticated:  # an operator's own session lasts as long as it did
        request.session.set_expiry(SECONDS)


def end_visit(request: HttpRequest) -> None:
    """End the visit; an operator stays logged in."""
    request.session.pop(KEY, None)
    if not request.user.is_authenticated:
        request.session.flush()


def find_visitor(request: HttpRequest) -> Subscriber | None:
    """Return the reader of this visit, None when it is over or never began.

    A visit ends with the address it was mailed to: after a change of address it is over.
    """
    visit = request.session.get(KEY)
    if not isinstance(visit, dict) or visit.get("until", 0) <= timezone.now().timestamp():
        return None
    reader = Subscriber.objects.filter(pk=visit["reader"]).first()
    if reader is None or visit.get("address") != hash_address(reader.email):
        return None
    return reader


def visited(view: View) -> View:
    """Call `view(request, reader, …)` within a visit; without one lead to where a link is asked."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, **parts: Any) -> HttpResponse:
        reader = find_visitor(request)
        if reader is None:
            return see_other("manage")
        prefer_language(request, reader.language)
        response = view(request, reader, **parts)
        response.headers.setdefault("X-Robots-Tag", "noindex")
        return response

    return guarded


def see_other(name: str, anchor: str = "", **parts: Any) -> HttpResponse:
    """Lead on with 303, so that a reload repeats nothing (RFC 9110 §15.4.4)."""
    url = reverse(name, kwargs=parts) + (f"#{anchor}" if anchor else "")
    response = HttpResponseRedirect(url)
    response.status_code = 303
    response["Referrer-Policy"] = "no-referrer"
    return response


def show_private(
    request: HttpRequest, template: str, context: Mapping[str, object], status: int = 200
) -> HttpResponse:
    """Show a link's page: not kept, not indexed, and no referrer leaves it; its forms carry on."""
    shown = {"carried": carried_token(request), **context}
    return keep_private(render(request, template, shown, status=status))
