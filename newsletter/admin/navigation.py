"""The sidebar, by noun, and the site's name and colours around every admin page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from newsletter.models import (
    Delivery,
    Edition,
    FetchRun,
    Listing,
    Notice,
    Paper,
    PictureFetch,
    Quarantined,
    Source,
    SourceDay,
    Synonym,
)
from subscribers.models import ConsentEvent, Interest, Query, Subscriber, Suppression

Item = dict[str, Any]
NOUNS: list[tuple[str, list[tuple[str, type[Model]]]]] = [
    ("Papers", [("Papers", Paper), ("Listings", Listing), ("Synonyms", Synonym)]),
    (
        "Sources",
        [
            ("Sources", Source),
            ("Days", SourceDay),
            ("Fetches", FetchRun),
            ("Quarantine", Quarantined),
            ("Pictures", PictureFetch),
        ],
    ),
    ("Letters", [("Editions", Edition), ("Deliveries", Delivery), ("Service mail", Notice)]),
    (
        "Readers",
        [
            ("Readers", Subscriber),
            ("Interests", Interest),
            ("Queries", Query),
            ("Suppressions", Suppression),
            ("Consent", ConsentEvent),
        ],
    ),
    ("Operators", [("Users", User), ("Groups", Group)]),
]


def site_name(request: HttpRequest) -> str:
    return str(settings.SITE_NAME)


def stylesheet(request: HttpRequest) -> str:
    return static("newsletter/admin.css")


def icon(request: HttpRequest) -> str:
    return static("newsletter/icon.svg")


def environment(request: HttpRequest) -> list[str] | None:
    """Say on every page that this is the demo: its letters go no further than the inbox."""
    return ["Demo", "primary"] if settings.DEMO else None


def list_sidebar(request: HttpRequest) -> list[Item]:
    """Return the sidebar's groups: what this operator may see, what needs attention counted."""
    top: list[Item] = [{"title": "Morning", "link": reverse("admin:index")}]
    groups = [{"title": "", "items": top}]
    for title, nouns in NOUNS:
        items = [_item(request, name, model) for name, model in nouns if _may_see(request, model)]
        groups.append({"title": title, "items": items})
    site: list[Item] = [{"title": "View site", "link": "/", "active": False}]
    if settings.DEMO:
        site.append({"title": "Inbox", "link": reverse("inbox")})
    return [*groups, {"title": settings.SITE_NAME, "items": site}]


def _may_see(request: HttpRequest, model: type[Model]) -> bool:
    if not admin.site.is_registered(model):
        return False
    return bool(admin.site.get_model_admin(model).has_view_permission(request))


def _item(request: HttpRequest, title: str, model: type[Model]) -> Item:
    meta = model._meta
    item: Item = {
        "title": title,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }
    if model is Delivery and (badge := _count_trouble()):
        item |= {"badge": badge, "badge_variant": "danger"}
    return item


def _count_trouble() -> str:
    """Return how many deliveries failed or are in doubt, in words; "" for none."""
    counts = Delivery.objects.filter(state__in=["in_doubt", "failed"]).aggregate(
        doubt=Count("pk", filter=Q(state="in_doubt", parked_at__isnull=True)),
        failed=Count("pk", filter=Q(state="failed")),
    )
    words = {"doubt": "in doubt", "failed": "failed"}
    return ", ".join(f"{counts[name]} {text}" for name, text in words.items() if counts[name])
