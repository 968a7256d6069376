"""What every response says to browsers: load nothing from elsewhere, run nothing inline."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]

SITE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Pages that show a letter in a sandboxed frame; the letter has a policy of its own.
FRAMING_POLICY = f"{SITE_POLICY}; frame-src 'self'"
# The admin's theme evaluates expressions (Alpine.js) and writes styles into elements. Still nothing
# of another host is loaded or framed, nor anything sent there.
ADMIN_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FRAMING_PAGES = {"inbox", "inbox_mail", "subscribe", "subscribe_preview"}

UNUSED = "accelerometer camera display-capture geolocation gyroscope microphone midi payment usb"
PERMISSIONS = ", ".join(f"{feature}=()" for feature in UNUSED.split())


class HeadersMiddleware:
    """Adds the headers a view has not set itself."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", choose_policy(request))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def choose_policy(request: HttpRequest) -> str:
    """Return the policy of the page asked for; the strictest for one that is not there."""
    match = request.resolver_match
    if match and "admin" in match.app_names:
        return ADMIN_POLICY
    if match and match.url_name in FRAMING_PAGES:
        return FRAMING_POLICY
    return SITE_POLICY
