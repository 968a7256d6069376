"""What every page of the site knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from newsletter.digests import make_site


def add_site(request: HttpRequest) -> dict[str, object]:
    return {"site": make_site(), "demo": settings.DEMO}
