"""Service mail: what was asked for, what became of it. No token or link is kept to be shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from newsletter.admin.base import ReadOnlyAdmin, labelled, link
from newsletter.managing import mask_address
from newsletter.models import Notice
from newsletter.notice_controls import call_off_notices, hasten_notices, renew_notices
from newsletter.redaction import redact
from newsletter.tasks import send_notices_soon
from subscribers.models import Subscriber

STATES = {"queued": "info", "sending": "info", "sent": "success", "failed": "danger"}


class WaitingFilter(admin.SimpleListFilter):
    title = _("waiting")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("again", _("for another try")), ("late", _("longer than 10 minutes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        now, waiting = timezone.now(), queryset.filter(state__in=["queued", "sending"])
        if self.value() == "again":
            return waiting.filter(attempts__gt=0)
        if self.value() == "late":
            return waiting.filter(created_at__lt=now - timedelta(minutes=10))
        return queryset


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    list_display = (
        "kind_label", "reader", "state_label", "attempts", "code", "reply", "created_at", "then",
    )  # fmt: skip
    list_display_links = ("kind_label",)
    list_filter = ("state", "kind", WaitingFilter, "created_at")
    list_select_related = ("subscriber",)
    search_fields = ("subscriber__email",)
    search_help_text = _("Start of a reader's address")
    ordering = ("-pk",)
    actions = ("try_now", "call_off")
    fieldsets = (
        (None, {"fields": ("kind_label", "reader_link", "language", "state")}),
        (
            _("On its way"),
            {
                "fields": (
                    "created_at", "next_try", "attempts", "owner", "lease_until", "code", "reply",
                    "finished_at",
                ),
                "description": _(
                    "Its links are made as it is sent and kept as a hash only, so there is none to "
                    "show. Its address and words are forgotten once it is finished, the row itself "
                    "after 7 days."
                ),
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return super().get_queryset(request).select_related("subscriber").defer("payload")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Notice], search_term: str
    ) -> tuple[QuerySet[Notice], bool]:
        """Find by the beginning of an address: the reader's, or the one it waits to go to."""
        term = search_term.strip().lower()
        if not term:
            return queryset, False
        readers = Subscriber.objects.filter(email__startswith=term)
        return queryset.filter(Q(subscriber__in=readers) | Q(address__startswith=term)), False

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Nobody writes service mail by hand; what waits is settled with the right to change."""
        return bool(request.user.has_perm("newsletter.change_notice"))

    @admin.action(
        description=_("Try now what waits, and again what failed if it still can be made"),
        permissions=["settle"],
    )
    def try_now(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = hasten_notices(ids) + renew_notices(ids)
        send_notices_soon()
        self._tell(
            request,
            count,
            ngettext("%d mail is tried now.", "%d mails are tried now.", count),
            _("None of these can be tried: finished mail forgets its address and its words."),
        )

    @admin.action(description=_("Call off what waits: never send it"), permissions=["settle"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        count = call_off_notices(queryset.values_list("pk", flat=True), timezone.now())
        text = ngettext("%d mail is called off.", "%d mails are called off.", count)
        self._tell(request, count, text, _("None of these waits."))

    def _tell(self, request: HttpRequest, number: int, text: str, none: Any) -> None:
        if number:
            self.message_user(request, text % number, messages.SUCCESS)
        else:
            self.message_user(request, none, messages.WARNING)

    @admin.display(description=_("Mail"), ordering="kind")
    def kind_label(self, notice: Notice) -> str:
        return gettext(notice.get_kind_display())

    @admin.display(description=_("Reader"), ordering="subscriber__email")
    def reader(self, notice: Notice) -> str:
        """The address it goes to, as readers' pages show one; "" where it is forgotten."""
        address = notice.address or (notice.subscriber.email if notice.subscriber else "")
        return mask_address(address) if address else ""

    @admin.display(description=_("Reader"))
    def reader_link(self, notice: Notice) -> SafeString | str:
        if notice.subscriber_id is None:
            return self.reader(notice) or gettext("nobody who reads here, or erased since")
        url = reverse("admin:subscribers_subscriber_change", args=[notice.subscriber_id])
        return link(url, self.reader(notice))

    @labelled("State", STATES, ordering="state")
    def state_label(self, notice: Notice) -> tuple[str, str]:
        return notice.state, notice.get_state_display()

    @admin.display(description=_("Last reply, or reason"))
    def reply(self, notice: Notice) -> str:
        return redact(notice.detail)

    @admin.display(description=_("Next try"), ordering="next_at")
    def next_try(self, notice: Notice) -> Any:
        return notice.next_at if notice.state == Notice.State.QUEUED else None

    @admin.display(description=_("Finished, or next try"), ordering="next_at")
    def then(self, notice: Notice) -> Any:
        return notice.finished_at or self.next_try(notice)
