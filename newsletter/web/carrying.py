"""Links from mails without their tokens in the address bar, the history or a second request.

Opening a link answers 303 to its page, whose address has a short mark in the token's place. The
token goes along in a signed cookie of that page alone, for half an hour, and stands in the page's
forms: what a form posts is the proof, the cookie only lets a GET show the page again. Nothing of it
is in the database, so opening a link changes nothing there.

A browser that refuses cookies is told so, and can open the link by pasting it into the page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]
SECONDS = 30 * 60  # as long as the visit a link may begin
LEAST, LONGEST = 20, 400  # characters of what may be a token
MARK = 10  # hex digits of the token's hash
FIELD, PASTED = "token", "link"
_ATTRIBUTE = "carried_token"
_AT_THE_END = re.compile(rf"([\w~-]{{{LEAST},{LONGEST}}})/?\s*$", re.ASCII)
_TILDE = re.compile("%7E", re.IGNORECASE)  # as some programs write it; the same by RFC 3986


def link_paths(route: str, view: View, name: str, **parts: Any) -> list[URLPattern]:
    """Return a link's two addresses: with the token as mails have it, and with the mark.

    `route` holds `<token>` where either stands; the page is called `name`_page.
    """
    page, link = route.replace("<token>", "<mark:mark>"), route.replace("<token>", "<str:token>")
    return [
        path(page, view, parts, name=f"{name}_page"),
        path(link, view, parts, name=name),
    ]


def carried(view: View) -> View:
    """Call `view(request, token, …)` for the page of a link, and for a POST to the link itself.

    The token is the proof, so there is no CSRF token beside it: without a referrer browsers post
    with "Origin: null", and a mail program's own browser may keep no cookie.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def page(request: HttpRequest, token: str = "", mark: str = "", **parts: Any) -> HttpResponse:
        if request.method != "POST" and LEAST <= len(token) <= LONGEST:
            return keep_private(_lead_on(request, token))
        found = token or _read_form(request) or _read_cookie(request, mark)
        if not found:
            return ask_again(request)
        setattr(request, _ATTRIBUTE, found)
        return keep_private(view(request, token=found, **parts))

    return page


def carried_token(request: HttpRequest) -> str:
    """Return the token of the page that is shown, for its forms; "" on any other page."""
    return str(getattr(request, _ATTRIBUTE, ""))


def is_carried(request: HttpRequest) -> bool:
    """Return whether the browser brought the page's cookie along: then it keeps a visit's too."""
    match = request.resolver_match
    return bool(match and _read_cookie(request, match.kwargs.get("mark", "")))


def is_on_page(request: HttpRequest) -> bool:
    """Return whether the address is that of a link's page, not the link's own."""
    match = request.resolver_match
    return match is not None and "mark" in match.kwargs


def ask_again(request: HttpRequest, *, for_visit: bool = False) -> HttpResponse:
    """400: say that the browser kept no cookie, or not for so long, and take the link as pasted."""
    context = {"for_visit": for_visit, "field": PASTED}
    return keep_private(render(request, "web/letters/again.html", context, status=400))


def keep_private(response: HttpResponse) -> HttpResponse:
    """Have the response neither kept nor indexed, and no referrer leave it."""
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _lead_on(request: HttpRequest, token: str) -> HttpResponse:
    match = request.resolver_match
    assert match is not None  # noqa: S101 - a view was found
    mark = _make_mark(token)
    inner = {
        name: value
        for name, value in match.kwargs.items()
        if name != "token" and f":{name}>" in match.route  # the others are the view's own
    }
    address = reverse(f"{match.url_name}_page", kwargs={**inner, "mark": mark})
    response = HttpResponseRedirect(address)
    response.status_code = 303
    response.set_cookie(
        _cookie_name(mark),
        signing.dumps(token, salt=address),
        max_age=SECONDS,
        path=address,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _read_form(request: HttpRequest) -> str:
    """Return the token a form of the page posts; a pasted link is opened, whatever the method."""
    if request.method != "POST":
        return ""
    if pasted := request.POST.get(PASTED, ""):
        found = _AT_THE_END.search(_TILDE.sub("~", pasted[: 2 * LONGEST + 100]))
        request.method = "GET"
        return found[1] if found else "-"
    return request.POST.get(FIELD, "")[:LONGEST]


def _read_cookie(request: HttpRequest, mark: str) -> str:
    if not mark:
        return ""
    try:
        token = signing.loads(
            request.COOKIES.get(_cookie_name(mark), ""), salt=request.path, max_age=SECONDS
        )
    except signing.BadSignature:
        return ""
    return token if isinstance(token, str) and _make_mark(token) == mark else ""


def _make_mark(token: str) -> str:
    return hashlib.sha256(f"mark\0{token}".encode("utf-8", "surrogatepass")).hexdigest()[:MARK]


def _cookie_name(mark: str) -> str:
    return f"link_{mark}"
