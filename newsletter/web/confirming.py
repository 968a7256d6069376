"""The pages behind a confirmation mail's links. A GET changes nothing, whoever follows it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from newsletter.managing import mask_address
from newsletter.schedules import format_days
from newsletter.subscribing import send_todays_letter
from newsletter.tasks import deliver_soon
from newsletter.web.carrying import carried, is_carried
from newsletter.web.client import make_evidence
from newsletter.web.languages import prefer_language
from newsletter.web.signup_form import CONFIRM_WORDING, EMPTY_DAYS, form_version
from newsletter.web.subscribing import kindly_closed
from newsletter.web.visits import show_private
from subscribers.confirming import block_address, confirm_signup, read_standing
from subscribers.grants import GrantError, GrantUsed, GrantValue, peek_grant
from subscribers.models import Grant
from subscribers.signups import Choices

AFTERWARDS = timedelta(hours=1)  # in which a used link still shows what it began


@carried
@kindly_closed
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks; POST begins the letters; after that, POST do=today sends the newest one at once."""
    now = timezone.now()
    today = request.method == "POST" and request.POST.get("do") == "today"
    try:
        if request.method == "POST" and not today:
            evidence = make_evidence(request, form_version())
            wording = str(CONFIRM_WORDING)
            confirm_signup(token, evidence, source="confirm page", wording=wording, now=now)
            if is_carried(request):
                return HttpResponseRedirect(request.path)
        return _show_question(request, peek_grant(token, Grant.Purpose.CONFIRM, now=now))
    except GrantUsed as error:
        return _show_begun(request, error, today=today)
    except GrantError as error:
        return _refuse(request, error)


@carried
@kindly_closed
def block(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks; POST sees to it that nothing is mailed to this address again."""
    now = timezone.now()
    try:
        if request.method == "POST":
            block_address(token, now)
            return _show(request, "blocked", {})
        peek_grant(token, Grant.Purpose.BLOCK, now=now)
    except GrantUsed:
        return _show(request, "blocked", {})
    except GrantError as error:
        return _refuse(request, error)
    return _show(request, "block", {})


def _show_question(request: HttpRequest, grant: GrantValue) -> HttpResponse:
    reader = read_standing(grant)
    if reader is None:
        return _refuse(request, GrantError("gone"))
    if reader.status in ("confirmed", "paused"):
        return _show(request, "begun", {"again": True})
    choices = Choices.from_json(grant.payload)
    prefer_language(request, choices.language)
    context = {
        "choices": choices,
        "days": format_days(choices.weekdays),
        "empty_days": EMPTY_DAYS.get(choices.empty_days, ""),
        "address": mask_address(reader.email),
        "button": CONFIRM_WORDING,
    }
    return _show(request, "confirm", context)


def _show_begun(request: HttpRequest, error: GrantUsed, *, today: bool) -> HttpResponse:
    """What a used link shows for an hour: the letters have begun, and today's on request."""
    now, used = timezone.now(), error.grant.used_at
    reader = read_standing(error.grant)
    if reader is None or used is None or now - used > AFTERWARDS or reader.status != "confirmed":
        return _refuse(request, error)
    prefer_language(request, Choices.from_json(error.grant.payload).language)
    context: dict[str, object] = {"address": mask_address(reader.email), "offer": True}
    if today:
        letter = send_todays_letter(reader.id, now)
        deliver_soon()
        reader = read_standing(error.grant) or reader
        context = {**context, "offer": False, "letter": letter, "state": letter.state.name.lower()}
    if reader.next_send_at:
        local = reader.next_send_at.astimezone(ZoneInfo(reader.timezone))
        context["next"] = local.replace(tzinfo=None)  # templates would turn it into the site's
        context["zone"] = reader.timezone
    return _show(request, "begun", context)


def _refuse(request: HttpRequest, error: GrantError) -> HttpResponse:
    kind = type(error).__name__.removeprefix("Grant").lower()
    return _show(request, "no_link", {"kind": kind}, status=404 if kind == "unknown" else 410)


def _show(
    request: HttpRequest, name: str, context: dict[str, object], status: int = 200
) -> HttpResponse:
    return show_private(request, f"web/subscribe/{name}.html", context, status)
