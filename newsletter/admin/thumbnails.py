"""Papers' pictures: which were fetched, which were not and why."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from newsletter.admin.base import ReadOnlyAdmin, labelled, link
from newsletter.matching.display import readable
from newsletter.models import PictureFetch
from newsletter.thumbnail_fetching import retry_pictures

STATES = {"due": "info", "kept": "success", "failed": "warning", "refused": "danger"}


@admin.register(PictureFetch)
class PictureFetchAdmin(ReadOnlyAdmin[PictureFetch]):
    list_display = ("title", "state_label", "host", "tries", "problem", "tried_at")
    list_filter = ("state", "tried_at")
    list_select_related = ("paper",)
    search_fields = ("problem",)
    search_help_text = _("Words of the problem")
    ordering = ("-pk",)
    actions = ("retry",)
    fields = (
        "paper_link", "picture", "state", "host", "tries", "problem", "tried_at", "next_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[PictureFetch]:
        shown = (
            super()
            .get_queryset(request)
            .only("paper__title", "url", "state", "tries", "problem", "tried_at", "next_at")
        )
        return shown.select_related("paper")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("newsletter.change_picturefetch"))

    @admin.action(description=_("Try again those that are not kept"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[PictureFetch]) -> None:
        count = retry_pictures(list(queryset.values_list("pk", flat=True)))
        text = ngettext("%d picture is due again.", "%d pictures are due again.", count) % count
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)

    @admin.display(description=_("Paper"))
    def title(self, row: PictureFetch) -> str:
        return readable(row.paper.title).text

    @admin.display(description=_("Paper"))
    def paper_link(self, row: PictureFetch) -> SafeString:
        url = reverse("admin:newsletter_paper_change", args=[row.paper_id])
        return link(url, self.title(row))

    @admin.display(description=_("Picture"))
    def picture(self, row: PictureFetch) -> SafeString | None:
        kept = getattr(row.paper, "thumbnail", None)
        if kept is None:
            return None
        url = reverse("thumbnail", args=[row.paper_id, kept.digest[:16]])
        return format_html(
            '<img src="{}" width="{}" height="{}" alt="">', url, kept.width, kept.height
        )

    @labelled("State", STATES, ordering="state")
    def state_label(self, row: PictureFetch) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description=_("Host"))
    def host(self, row: PictureFetch) -> str:
        return urlsplit(row.url).hostname or ""
