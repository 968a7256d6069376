"""Which language a page speaks: asked for, remembered, preferred by the browser, the site's.

A choice (`?lang=de`) is remembered in a cookie of the visitor's own browser, set only then and read
by nothing else. The admin and the demo's inbox are the operator's and in English.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import trans_real

from newsletter.translations import SOURCE

CHOICE = "lang"
INBOX = "/inbox/"
COOKIE = settings.LANGUAGE_COOKIE_NAME
YEAR = 365 * 86_400  # seconds
MOST_WANTED = 400  # characters of Accept-Language that are read

Answer = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """Activates the language of each request, and says which it was."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.english = (reverse("admin:index"), INBOX)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = read_choice(request)
        with translation.override(self._choose(request, asked)):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or SOURCE)
        if not request.path.startswith(self.english):
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
            if asked and request.method == "GET" and request.COOKIES.get(COOKIE) != asked:
                remember(response, asked)
        return response

    def _choose(self, request: HttpRequest, asked: str) -> str:
        if request.path.startswith(self.english):
            return SOURCE
        return asked or read_preference(request) or settings.SITE_LANGUAGE


def read_choice(request: HttpRequest) -> str:
    """Return the language the address asks for, "" for none or one the site does not have."""
    code = request.GET.get(CHOICE, "")
    return code if code in dict(settings.LANGUAGES) else ""


def read_preference(request: HttpRequest) -> str:
    """Return the language chosen before, else the browser's first that the site has, else ""."""
    kept = request.COOKIES.get(COOKIE, "")
    if kept in dict(settings.LANGUAGES):
        return kept
    wanted = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    for code, _ in trans_real.parse_accept_lang_header(wanted.lower()[:MOST_WANTED]):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""


def remember(response: HttpResponse, code: str) -> None:
    response.set_cookie(
        COOKIE,
        code,
        max_age=YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def prefer_language(request: HttpRequest, code: str) -> None:
    """Go on in the reader's own language, unless this visitor chose one."""
    chosen = read_choice(request) or request.COOKIES.get(COOKIE, "")
    languages = dict(settings.LANGUAGES)
    if chosen not in languages and code in languages:
        translation.activate(code)
