"""The pages that say what went wrong, and what can be done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token


@requires_csrf_token
def refuse_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request cannot be read."""
    return render(request, "web/400.html", status=400)


@requires_csrf_token
def refuse_access(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: not allowed."""
    return render(request, "web/403.html", status=403)


@requires_csrf_token
def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without its CSRF token, most often one that was open too long."""
    return render(request, "web/403_form.html", status=403)


@requires_csrf_token
def miss_page(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: not here."""
    return render(request, "web/404.html", status=404)


def own_up(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours. Needs nothing that may be what is broken."""
    try:
        return render(request, "web/500.html", status=500)
    except Exception:  # whatever it is, the visitor gets a page
        return HttpResponse(render_to_string("web/500_bare.html"), status=500)
