"""The operator's looks: the accent as a style sheet of its own, and the logo."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from newsletter import looks

LOGO_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
LOGO_BYTES = 200_000  # the most: it is loaded with every first page
YEAR = 365 * 86_400  # seconds; the address changes with the content


@require_safe
def show_look(request: HttpRequest) -> HttpResponse:
    """The accent: colours alone, so that site.css stays the same for every installation."""
    return _keep(HttpResponse(write_look(), content_type="text/css; charset=utf-8"))


@require_safe
def show_logo(request: HttpRequest) -> HttpResponse:
    logo = read_logo(settings.SITE_LOGO)
    if logo is None:
        raise Http404("this site has no logo")
    response = HttpResponse(logo, content_type=LOGO_TYPES[Path(settings.SITE_LOGO).suffix.lower()])
    # An SVG opened by itself is a page: nothing in it may run.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return _keep(response)


def write_look() -> str:
    """Return the style sheet of the operator's accent, "" for the one site.css has."""
    light, dark = settings.SITE_ACCENT, settings.SITE_ACCENT_DARK
    if (light, dark) == (looks.ACCENT, looks.ACCENT_DARK):
        return ""
    # Not for print, where site.css has black.
    return (
        f"@media screen {{ :root {{ --accent: {light} }} }}\n"
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :root {{ --accent: {dark} }} }}\n"
    )


def look_url() -> str:
    """Return the address of the accent's style sheet, "" where there is none to load."""
    return _versioned("look", write_look().encode())


def logo_url() -> str:
    """Return the address of the logo, "" where there is none that can be shown."""
    return _versioned("logo", read_logo(settings.SITE_LOGO) or b"")


@lru_cache(maxsize=4)
def read_logo(path: str) -> bytes | None:
    """Return the logo's bytes, None without one; read once, so a new logo needs a restart."""
    file = Path(path)
    if not path or file.suffix.lower() not in LOGO_TYPES:
        return None
    try:
        content = file.read_bytes()
    except OSError:
        return None
    return content if 0 < len(content) <= LOGO_BYTES else None


def _versioned(name: str, content: bytes) -> str:
    if not content:
        return ""
    return f"{reverse(name)}?v={hashlib.sha256(content).hexdigest()[:8]}"


def _keep(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
