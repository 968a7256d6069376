"""Subscribing: the form, what it would bring, today's letter for it, and taking it down.

Only POST /subscribe writes anything, and what it answers depends on no address.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from functools import wraps
from urllib.parse import urlencode

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from newsletter.frames import frame_letter
from newsletter.matching.base import QueryError
from newsletter.previews import PreviewedLetter, PreviewError, preview_interests
from newsletter.tasks import send_notices_soon
from newsletter.web.chips import make_chip
from newsletter.web.client import client_address, make_evidence
from newsletter.web.gentle import Gentle
from newsletter.web.signup_form import (
    DAYS,
    EMPTY_DAYS,
    WEEKDAYS,
    Checked,
    Typed,
    check_form,
    consent_wording,
    form_version,
    list_zones,
    read_typed,
)
from newsletter.web.stamps import StampError, keep_stamp, make_stamp, read_stamp
from subscribers.limits import network_of
from subscribers.models import MOST_PAPERS_PER_LETTER
from subscribers.signups import Choices, Taken, receive_signup

View = Callable[..., HttpResponse]
LONGEST_QUERY = 3_500  # characters of the preview's address, which servers cut at 4,094
_looks = Gentle(most=240, seconds=60.0)  # estimates and previews of one network


def kindly_closed(view: View) -> View:
    """Answer 503 with a page that needs no database while the database is away."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (OperationalError, InterfaceError):
            response = render(request, "web/503.html", status=503)
            response["Retry-After"] = "60"
            return response

    return answer


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@kindly_closed
def subscribe(request: HttpRequest) -> HttpResponse:
    """GET shows the form, `?q=` fills in interests; POST takes it down and says check your mail."""
    if request.method == "POST":
        return _take(request)
    typed = read_typed(request.GET)
    checked = check_form(typed, timezone.now(), need_address=False)
    return _show_form(request, typed, Checked(checked.email, checked.choices, checked.chips))


@csrf_exempt  # it changes nothing; any page of the site may lead here without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@kindly_closed
def preview(request: HttpRequest) -> HttpResponse:
    """Show what the interests bring and today's letter for them, above the form to go on with."""
    typed = read_typed(request.POST if request.method == "POST" else request.GET)
    checked = check_form(typed, timezone.now(), need_address=False)
    return _show_form(request, typed, checked, status=422 if checked.errors else 200)


@never_cache
@require_safe
@xframe_options_sameorigin
@kindly_closed
def preview_letter(request: HttpRequest) -> HttpResponse:
    """Return the letter alone, for a sandboxed frame: nothing in it runs or is loaded."""
    if not _looks.allows(network_of(client_address(request))):
        return _plain(_("That was often in a short time: wait a minute."), 429)
    checked = check_form(read_typed(request.GET), timezone.now(), need_address=False)
    letter, problem = try_preview(checked)
    return frame_letter(letter.html) if letter else _plain(problem, 404)


@require_safe
@cache_control(private=True, max_age=300)
@kindly_closed
def estimate(request: HttpRequest) -> HttpResponse:
    """Return, as a piece of HTML, what one interest (`?q=`) would have brought."""
    text = request.GET.get("q", "").strip()[:400]
    if not text:
        return HttpResponse(status=204)
    if not _looks.allows(network_of(client_address(request))):
        return _plain(_("That was often in a short time: wait a minute."), 429)
    chip = make_chip(text, timezone.now())
    return render(request, "web/subscribe/estimate.html", {"chip": chip, "live": True})


@never_cache
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """The answer to every form: look into your mail."""
    return render(request, "web/subscribe/sent.html")


def _take(request: HttpRequest) -> HttpResponse:
    typed, now = read_typed(request.POST), timezone.now()
    done = HttpResponseRedirect(reverse("subscribe_sent"))
    if typed.trapped:
        return done
    checked = check_form(typed, now)
    try:
        nonce = read_stamp(typed.stamp)
    except StampError as error:
        return _show_form(request, typed, checked, problem=str(error), status=422)
    if checked.errors:
        return _show_form(request, typed, checked, status=422)
    taken = receive_signup(
        checked.email,
        checked.choices,
        make_evidence(request, form_version()),
        wording=consent_wording(),
        ip=client_address(request),
        nonce=nonce,
        now=now,
    )
    if taken in (Taken.TAKEN, Taken.AGAIN):
        send_notices_soon()
        return done
    status, problem = {
        Taken.TOO_MANY: (429, _("Enough forms came from your network for this hour. Try later.")),
        Taken.CLOSED: (
            503,
            _("Far more forms than usual come in, so none is taken for now. Try in an hour."),
        ),
    }[taken]
    return _show_form(request, typed, checked, problem=problem, status=status)


def _show_form(
    request: HttpRequest, typed: Typed, checked: Checked, *, problem: str = "", status: int = 200
) -> HttpResponse:
    letter, nothing = (None, "")
    if typed.interests and "interests" not in checked.errors:
        letter, nothing = try_preview(checked)
    context = {
        "typed": typed,
        "chips": checked.chips,
        "errors": checked.errors,
        "problem": problem,
        "letter": letter,
        "nothing": nothing,
        "letter_url": make_letter_url(checked.choices) if letter else "",
        "stamp": keep_stamp(typed.stamp) if not problem else make_stamp(),
        "choices": checked.choices,
        "wording": consent_wording(),
        "zones": list_zones(),
        "hours": tuple((f"{hour}:00", f"{time(hour):%H:%M}") for hour in range(24)),
        "days": tuple(DAYS.items()),
        "weekdays": tuple(enumerate(WEEKDAYS)),
        "empty_days": tuple(EMPTY_DAYS.items()),
        "most_papers": MOST_PAPERS_PER_LETTER,
    }
    return render(request, "web/subscribe/page.html", context, status=status)


def try_preview(checked: Checked) -> tuple[PreviewedLetter | None, str]:
    """Return today's letter for the form's interests, or None and why there is none."""
    wanted = checked.choices
    if not wanted.interests or "interests" in checked.errors:
        return None, _("Write an interest first.")
    try:
        letter = preview_interests(
            wanted.interests,
            wanted.papers_per_letter,
            wanted.timezone,
            wanted.send_time,
            wanted.weekdays,
        )
    except QueryError:
        return None, _("Mend the marked interest, and the letter appears here.")
    except PreviewError as error:
        return None, str(error)
    if not letter.papers:
        return None, _("Nothing in the newest edition matches. Another day’s may.")
    return letter, ""


def make_letter_url(choices: Choices) -> str:
    """Return the address of the framed letter, with as many interests as an address holds."""
    fixed = {"papers": choices.papers_per_letter, "timezone": choices.timezone}
    query = urlencode(fixed)
    for text in choices.interests:
        longer = f"{query}&{urlencode({'q': text})}"
        if len(longer) > LONGEST_QUERY:
            break
        query = longer
    return f"{reverse('subscribe_letter')}?{query}"


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
