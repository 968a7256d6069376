"""What every admin page here starts from: unfold's classes, given types, and a few renderings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar, cast

import unfold.admin
import unfold.decorators
import unfold.views
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from subscribers.admin import ReadOnly

Row = TypeVar("Row", bound=Model)
Method = TypeVar("Method", bound=Callable[..., Any])

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _ChangeList = ChangeList
else:  # unfold ships no types: to the type checker its classes are the ones they extend

    class _ModelAdmin(unfold.admin.ModelAdmin):
        def __class_getitem__(cls, _):
            return cls

    class _TabularInline(unfold.admin.TabularInline):
        def __class_getitem__(cls, _):
            return cls

    _ChangeList = unfold.views.ChangeList

STATE_COLOURS = {
    "queued": "info",
    "sending": "info",
    "sent": "success",
    "deferred": "warning",
    "failed": "danger",
    "in_doubt": "danger",
    "paused": "danger",
    "open": "info",
    "frozen": "warning",
    "closed": "success",
}


class Admin(_ModelAdmin[Row]):
    """A list that stays quick on large tables: no count of the whole table, short pages."""

    show_full_result_count = False
    list_per_page = 50
    compressed_fields = False

    @staticmethod
    def is_list(request: HttpRequest) -> bool:
        """Return whether the request is for the list, where heavy fields are left out."""
        match = request.resolver_match
        return match is not None and (match.url_name or "").endswith("_changelist")


class ReadOnlyAdmin(ReadOnly, Admin[Row]):
    """Rows the machine writes: shown, never added, changed or deleted by hand."""

    actions: Any = None


class ReadOnlyInline(ReadOnly, _TabularInline[Any, Any]):
    """Rows of another table below a form, shown only."""

    extra = 0
    can_delete = False
    hide_title = True


def labelled(
    description: str, colours: Mapping[str, str], ordering: str | None = None
) -> Callable[[Method], Method]:
    """Mark a column whose value, or (key, text), is shown as a label coloured by key."""
    decorator = unfold.decorators.display(
        description=description, label=dict(colours), ordering=ordering
    )
    return cast(Callable[[Method], Method], decorator)


def button(description: str | Promise, path: str, permission: str) -> Callable[[Method], Method]:
    """Mark a method as a button above an object's form, at `<id>/<path>/`."""
    decorator = unfold.decorators.action(
        description=description, url_path=path, permissions=[permission]
    )
    return cast(Callable[[Method], Method], decorator)


def list_url(model: str, **filters: object) -> str:
    """Return the address of a model's list ("newsletter_paper"), filtered."""
    return reverse(f"admin:{model}_changelist", query=filters or None)


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="pr-link" href="{}">{}</a>', url, text)


def format_day(day: date) -> str:
    """Return a day in short, such as Fri 20 Nov 2026, that no line end divides."""
    return f"{day:%a} {day.day} {day:%b %Y}".replace(" ", "\N{NO-BREAK SPACE}")
