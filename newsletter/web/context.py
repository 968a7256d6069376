"""What every page of the site knows: whose site it is, its sections, its languages, its looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext_lazy

from newsletter.site import make_site
from newsletter.web.languages import CHOICE
from newsletter.web.looks import logo_url, look_url

# The masthead's links by the name of their address; one without an address is not shown.
SECTIONS = {
    "today": gettext_lazy("Today"),
    "week": gettext_lazy("Week"),
    "search": gettext_lazy("Search"),
    "subscribe": gettext_lazy("Subscribe"),
}
# Pages that belong to a section without being its first.
WITHIN = {
    "day": "today",
    "month": "week",
    "subscribe_preview": "subscribe",
    "subscribe_sent": "subscribe",
}
CALL = "subscribe"


@dataclass(frozen=True, slots=True)
class Section:
    """A link of the masthead; `call` is the one readers are invited to follow."""

    label: str
    url: str
    current: bool
    call: bool


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language this page can be read in too; `name` is its own word for itself."""

    code: str
    name: str
    url: str


def add_site(request: HttpRequest) -> dict[str, object]:
    return {
        "site": make_site(),
        "demo": settings.DEMO,
        "look_url": look_url(),
        "logo_url": logo_url(),
        "sections": SimpleLazyObject(lambda: tuple(list_sections(request))),
        "tongues": SimpleLazyObject(lambda: tuple(list_tongues(request))),
    }


def list_sections(request: HttpRequest) -> Iterator[Section]:
    """Yield the masthead's links, the one of this page marked."""
    match = request.resolver_match
    here = match.url_name if match else None
    for name, label in SECTIONS.items():
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = name in (here, WITHIN.get(here or ""))
        yield Section(str(label), url, current, name == CALL)


def list_tongues(request: HttpRequest) -> Iterator[Tongue]:
    """Yield the other languages, each with this page's address in it."""
    for code, name in settings.LANGUAGES:
        if code != get_language():
            query = request.GET.copy()
            query[CHOICE] = code
            yield Tongue(code, name, f"?{query.urlencode()}")
