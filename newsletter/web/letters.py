"""The pages behind a letter's links: leave, come back, see what one gets. A GET changes nothing."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from newsletter import links, managing
from newsletter.managing import mask_address
from newsletter.schedules import format_schedule
from newsletter.tasks import send_notices_soon
from newsletter.web.carrying import carried
from newsletter.web.languages import prefer_language
from newsletter.web.visits import show_private
from subscribers.grants import GrantError, GrantUnknown, peek_grant
from subscribers.models import Grant, Subscriber
from subscribers.queries import Reader, read_readers
from subscribers.services import ReaderError

BUTTON = gettext_noop("End my letters")
RETURN = gettext_noop("Take my letters up again")


@carried  # RFC 8058: a mail provider posts to the link itself, without a cookie
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST unsubscribes: from the page's button, or one-click from a mail program."""
    try:
        value = links.read_token(token, links.UNSUBSCRIBE)
    except links.BadToken:
        return _refuse(request)
    if request.method == "POST":
        source, wording = (
            ("unsubscribe page", _(BUTTON)) if _is_button(request) else ("one-click", "")
        )
        if managing.leave_letters(value.subscriber_id, source, timezone.now(), wording):
            send_notices_soon()
        return show_private(request, "web/letters/left.html", {})
    reader = _find_reader(request, value.subscriber_id)
    if reader is None:
        return show_private(request, "web/letters/left.html", {})
    context = {"address": mask_address(reader.email), "button": _(BUTTON)}
    return show_private(request, "web/letters/leave.html", context)


@carried
def undo_leave(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST takes the unsubscribe back; the link came by mail and works once."""
    now = timezone.now()
    try:
        if request.method != "POST":
            peek_grant(token, Grant.Purpose.UNDO, now=now)
            return show_private(request, "web/letters/undo.html", {"button": _(RETURN)})
        managing.undo_leaving(token, now, _(RETURN))
    except GrantUnknown:
        return _refuse(request)
    except (GrantError, ReaderError) as error:
        return show_private(request, "web/manage/over.html", {"why": error}, status=410)
    return show_private(request, "web/letters/back.html", {})


@carried
def show_round(request: HttpRequest, token: str) -> HttpResponse:
    """What a reader gets. Nothing can be changed here; the button mails the reader a link."""
    try:
        value = links.read_token(token, links.MANAGE)
    except links.BadToken:
        return _refuse(request)
    reader = _find_reader(request, value.subscriber_id)
    if reader is None:
        return show_private(request, "web/letters/left.html", {})
    context = {
        "reader": reader,
        "paused": reader.status == Subscriber.Status.PAUSED,
        "interests": managing.list_interests(reader.id, timezone.now()),
        "address": mask_address(reader.email),
        "schedule": format_schedule(reader),
        "leave_url": links.unsubscribe_url(reader.id),
    }
    if request.method == "POST":
        context["mailed"] = managing.mail_link(reader.id, timezone.now())
        context["enough"] = not context["mailed"]
        send_notices_soon()
    return show_private(request, "web/letters/round.html", context)


def _find_reader(request: HttpRequest, subscriber_id: int) -> Reader | None:
    """Return a reader who has not left, and speak their language from here on."""
    reader = read_readers([subscriber_id]).get(subscriber_id)
    if reader is None or reader.status == Subscriber.Status.UNSUBSCRIBED:
        return None
    prefer_language(request, reader.language)
    return reader


def _is_button(request: HttpRequest) -> bool:
    try:
        return request.POST.get("from") == "page"
    except (MultiPartParserError, SuspiciousOperation):
        return False  # a broken body is no reason to go on mailing


def _refuse(request: HttpRequest) -> HttpResponse:
    return show_private(request, "web/letters/bad_link.html", {}, status=404)
