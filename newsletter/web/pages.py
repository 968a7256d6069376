"""The pages anybody may read: a day's papers, one paper, and a letter online."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from newsletter import links
from newsletter.editions import site_date
from newsletter.models import Paper
from newsletter.previews import PreviewError, read_delivery_letter
from newsletter.reading import make_sheet, read_day

# A letter is a page of its own: its styles are inline, nothing else of it may run or load.
LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"


@require_safe
def show_today(request: HttpRequest) -> HttpResponse:
    """The newest day that has papers, today's if it has."""
    today = site_date(timezone.now())
    return render(request, "web/day.html", {"day": read_day(None, today)})


@require_safe
def show_day(request: HttpRequest, year: int, month: int, day: int) -> HttpResponse:
    try:
        wanted = date(year, month, day)
    except ValueError as error:
        raise Http404("there is no such day") from error
    today = site_date(timezone.now())
    if wanted > today + timedelta(days=1):
        raise Http404("that day has not come")
    return render(request, "web/day.html", {"day": read_day(wanted, today)})


@require_safe
def show_paper(request: HttpRequest, paper_id: int) -> HttpResponse:
    paper = get_object_or_404(Paper.objects.select_related("edition"), pk=paper_id, hidden=False)
    return render(request, "web/paper.html", {"paper": make_sheet(paper)})


@require_safe
@never_cache
@xframe_options_sameorigin
def read_online(request: HttpRequest, token: str) -> HttpResponse:
    """The letter of a delivery, as it was written."""
    try:
        value = links.read_token(token, links.READ_ONLINE)
        letter = read_delivery_letter(int(value.extra), value.subscriber_id)
    except (links.BadToken, PreviewError, ValueError) as error:
        raise Http404("this letter is not here") from error
    response = HttpResponse(letter.html)
    response["Content-Security-Policy"] = LETTER_POLICY
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"  # the address holds the token
    return response
