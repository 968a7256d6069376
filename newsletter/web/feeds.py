"""Atom feeds: of the days, and of any search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from newsletter.atom import CONTENT_TYPE, write_atom
from newsletter.editions import site_date
from newsletter.feeds import read_day_feed, read_search_feed
from newsletter.matching.base import QueryError
from newsletter.web.caching import kept

MINUTES = 600  # seconds: a feed reader asks again soon enough


@kept(MINUTES)
def show_feed(request: HttpRequest) -> HttpResponse:
    """The papers listed last."""
    feed = read_day_feed(site_date(timezone.now()))
    return HttpResponse(write_atom(feed), content_type=CONTENT_TYPE)


@kept(MINUTES)
def show_search_feed(request: HttpRequest) -> HttpResponse:
    """The newest papers a query finds; a refusal is one line of text that says the mend."""
    try:
        feed = read_search_feed(request.GET.get("q", "").strip())
    except QueryError as error:
        return HttpResponse(f"{error}\n", content_type="text/plain; charset=utf-8", status=400)
    return HttpResponse(write_atom(feed), content_type=CONTENT_TYPE)
