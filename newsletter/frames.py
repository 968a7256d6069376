"""A letter's HTML shown inside a page: nothing in it runs, and nothing is loaded from anywhere."""

from __future__ import annotations

import re

from django.http import HttpResponse

# Links open in a new tab, since pages of this site refuse to be framed. No scripts, no origin.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
BASE = '<base target="_blank">'


def frame_letter(html: str) -> HttpResponse:
    """Return a letter's HTML to be framed by a page of this site, under the strictest policy."""
    head = HEAD.search(html)
    at = head.end() if head else 0
    response = HttpResponse(html[:at] + BASE + html[at:])
    response["Content-Security-Policy"] = POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    return response
