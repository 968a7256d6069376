"""Managing without an account: ask for a link, use it, change what one gets.

Opening a link changes nothing (mail scanners open every one): its page has a button, which uses the
link up, begins a visit of half an hour and leads to an address without a token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from newsletter import links, managing
from newsletter.managing import mask_address
from newsletter.schedules import format_schedule
from newsletter.tasks import send_notices_soon
from newsletter.web.carrying import ask_again, carried, is_carried, is_on_page
from newsletter.web.client import client_address
from newsletter.web.settingsform import SettingsForm
from newsletter.web.visits import (
    ADD,
    begin_visit,
    end_visit,
    find_visitor,
    see_other,
    show_private,
    visited,
)
from subscribers import editing
from subscribers.grants import GrantError, GrantUnknown, peek_grant, use_grant
from subscribers.interests import add_interest
from subscribers.limits import HOUR, network_of, take
from subscribers.models import MOST_INTERESTS, Grant, Subscriber
from subscribers.pausing import pause_reader, resume_reader
from subscribers.queries import read_readers
from subscribers.services import ReaderError

REQUESTS_AN_HOUR = 20  # for links, from one network
SAFE = ["GET", "HEAD", "POST"]


@never_cache
@require_http_methods(SAFE)
def manage(request: HttpRequest) -> HttpResponse:
    """Within a visit the reader's interests; else a form that has a link mailed."""
    if request.method != "POST":
        reader = find_visitor(request)
        return show_own(request) if reader else _ask(request)
    network = network_of(client_address(request))
    now = timezone.now()
    if not take("manage form", network, REQUESTS_AN_HOUR, HOUR, now):
        return _ask(
            request, _("Too many links were asked for from here: try again in an hour."), 429
        )
    try:
        managing.request_link(request.POST.get("email", ""), now)
    except ReaderError as error:
        return _ask(request, str(error), 400)
    send_notices_soon()
    return render(request, "web/manage/asked.html", status=202)


def _ask(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    context = {"wrong": wrong, "email": request.POST.get("email", "")}
    return render(request, "web/manage/ask.html", context, status=status)


@carried
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button; POST uses the link up and begins the visit."""
    now = timezone.now()
    try:
        if request.method != "POST":
            peek_grant(token, Grant.Purpose.MANAGE, now=now)
            return show_private(request, "web/manage/open.html", {})
        if is_on_page(request) and not is_carried(request):
            peek_grant(token, Grant.Purpose.MANAGE, now=now)
            return ask_again(request, for_visit=True)  # or the link would be used up for nothing
        grant = use_grant(token, Grant.Purpose.MANAGE, now=now)
    except GrantUnknown:
        if find_letter_reader(token) is not None:
            return _refuse_scope(request, token)
        return show_private(request, "web/letters/bad_link.html", {}, status=404)
    except GrantError as error:
        return show_private(request, "web/manage/over.html", {"why": error}, status=410)
    assert grant.subscriber_id is not None  # noqa: S101 - the right is a reader's
    begin_visit(request, grant.subscriber_id)
    if add := list(grant.payload.get("add", ())):
        request.session[ADD] = add
    return see_other("manage")


def find_letter_reader(token: str) -> int | None:
    """Return whose letter a token is of, None for one no letter has."""
    for purpose in (links.MANAGE, links.READ_ONLINE, links.UNSUBSCRIBE):
        try:
            return links.read_token(token, purpose).subscriber_id
        except links.BadToken:
            continue
    try:
        return links.read_feedback(token).subscriber_id
    except links.BadToken:
        return None


@carried
def refuse_scope(request: HttpRequest, token: str, what: str = "") -> HttpResponse:
    """403: a letter's link shows, and changes nothing. POST mails the owner a link that does."""
    return _refuse_scope(request, token)


def _refuse_scope(request: HttpRequest, token: str) -> HttpResponse:
    subscriber_id = find_letter_reader(token)
    if subscriber_id is None:
        return show_private(request, "web/letters/bad_link.html", {}, status=404)
    if request.method == "POST" and managing.mail_link(subscriber_id, timezone.now()):
        send_notices_soon()
    context = {"mailed": request.method == "POST"}
    return show_private(request, "web/manage/scope.html", context, status=403)


@require_POST
def finish(request: HttpRequest) -> HttpResponse:
    """End the visit."""
    end_visit(request)
    return see_other("today")


@visited
@require_http_methods(["GET", "HEAD"])
def show_own(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    return _show_interests(request, reader)


def _show_interests(
    request: HttpRequest,
    reader: Subscriber,
    wrong: ReaderError | None = None,
    at: int = 0,
    typed: str = "",
) -> HttpResponse:
    known = read_readers([reader.pk])[reader.pk]
    interests = managing.list_interests(reader.pk, timezone.now())
    offered = [text for text in request.session.get(ADD, ()) if text]
    context = {
        "here": "manage",
        "reader": reader,
        "address": mask_address(reader.email),
        "schedule": format_schedule(known),
        "interests": interests,
        "room": MOST_INTERESTS - len(interests),
        "offered": offered,
        "wrong": wrong,
        "wrong_at": at,
        "typed": typed,
    }
    status = 400 if wrong else 200
    return render(request, "web/manage/interests.html", context, status=status)


@visited
@require_POST
def change_interests(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Do what the pressed button says to one interest."""
    action, text = request.POST.get("do", ""), request.POST.get("text", "")
    number = request.POST.get("interest", "")
    interest_id = int(number) if number.isascii() and number.isdigit() else 0
    try:
        if action == "add":
            interest_id = add_interest(reader.pk, text)
            _take_offer(request, text)
        elif action in CHANGES:
            CHANGES[action](reader.pk, interest_id, text)
    except ReaderError as error:
        return _show_interests(request, reader, error, interest_id, text)
    return see_other("manage", anchor=f"interest-{interest_id}" if action != "remove" else "list")


def _take_offer(request: HttpRequest, text: str) -> None:
    offered = [one for one in request.session.get(ADD, ()) if one != text]
    if ADD in request.session:
        request.session[ADD] = offered


CHANGES: dict[str, Callable[[int, int, str], Any]] = {
    "edit": editing.edit_interest,
    "remove": lambda reader, key, _: editing.remove_interest(reader, key),
    "star": lambda reader, key, _: editing.star_interest(reader, key, True),
    "unstar": lambda reader, key, _: editing.star_interest(reader, key, False),
    "mute": lambda reader, key, _: editing.mute_interest(reader, key, True),
    "unmute": lambda reader, key, _: editing.mute_interest(reader, key, False),
    "up": lambda reader, key, _: editing.move_interest(reader, key, -1),
    "down": lambda reader, key, _: editing.move_interest(reader, key, 1),
    "synonyms": lambda reader, key, _: editing.switch_synonyms(reader, key, True),
    "exact": lambda reader, key, _: editing.switch_synonyms(reader, key, False),
}


@visited
@require_http_methods(SAFE)
def change_settings(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """The hour, the zone, the days, and what a letter holds."""
    form = SettingsForm(request.POST if request.method == "POST" else None, reader=reader)
    if request.method == "POST" and form.is_valid():
        form.save(timezone.now())
        request.session["done"] = "settings"
        return see_other("manage_letter")
    context = {
        "here": "manage_letter",
        "reader": reader,
        "form": form,
        "done": request.session.pop("done", "") if request.method == "GET" else "",
        "today": timezone.localdate(),
    }
    return render(request, "web/manage/letter.html", context, status=400 if form.errors else 200)


@visited
@require_POST
def change_pause(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Pause until a day, or until the reader says so; or read on."""
    now = timezone.now()
    if request.POST.get("do") == "resume":
        resume_reader(reader.pk, now)
        return see_other("manage_letter", anchor="pause")
    try:
        pause_reader(reader.pk, SettingsForm.read_day(request.POST.get("until", "")), now)
    except ReaderError as error:
        form = SettingsForm(None, reader=reader)
        context = {"here": "manage_letter", "reader": reader, "form": form, "wrong_pause": error}
        return render(request, "web/manage/letter.html", context, status=400)
    return see_other("manage_letter", anchor="pause")


@visited
@require_http_methods(SAFE)
def change_address(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Ask both addresses whether the letters shall go to another one."""
    context: dict[str, object] = {"here": "manage_address", "address": mask_address(reader.email)}
    status = 200
    if request.method == "POST":
        try:
            asked = managing.change_address(
                reader.pk, request.POST.get("email", ""), timezone.now()
            )
            context["asked"] = mask_address(asked)
            status = 202
            send_notices_soon()
        except ReaderError as error:
            context |= {"wrong": error, "email": request.POST.get("email", "")}
            status = 400
    return render(request, "web/manage/address.html", context, status=status)


@carried
def answer_address(request: HttpRequest, which: str, token: str) -> HttpResponse:
    """A yes to a new address, from the old or the new one: GET asks, POST says it."""
    purpose = {"old": Grant.Purpose.ADDRESS_OLD, "new": Grant.Purpose.ADDRESS_NEW}[which]
    now = timezone.now()
    try:
        if request.method != "POST":
            grant = peek_grant(token, purpose, now=now)
            new = mask_address(str(grant.payload.get("email", "")))
            return show_private(request, "web/manage/answer.html", {"which": which, "new": new})
        with transaction.atomic():
            step = managing.settle_address(token, purpose, now)
    except GrantUnknown:
        return show_private(request, "web/letters/bad_link.html", {}, status=404)
    except (GrantError, ReaderError) as error:
        return show_private(request, "web/manage/over.html", {"why": error}, status=410)
    send_notices_soon()
    context = {"step": step, "which": which, "new": mask_address(step.new)}
    return show_private(request, "web/manage/answered.html", context)
