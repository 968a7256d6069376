"""What is kept of a reader, in their own hands: letters, saved papers, the export, the erasure."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from newsletter import links, managing, readinglist
from newsletter.atom import CONTENT_TYPE
from newsletter.erasure import erase_reader
from newsletter.export import export_reader
from newsletter.managing import mask_address
from newsletter.previews import PreviewError, read_delivery_letter
from newsletter.saving import drop_paper
from newsletter.tasks import send_notices_soon
from newsletter.web.pages import LETTER_POLICY
from newsletter.web.visits import end_visit, see_other, visited
from subscribers.models import Subscriber

LIST_TYPES = {"bib": "application/x-bibtex", "ris": "application/x-research-info-systems"}
ERASE = "erase"


@visited
@require_safe
def show_letters(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """The last letters, and what became of each."""
    letters = managing.list_letters(reader.pk)
    context = {"here": "manage_letters", "letters": letters, "zone": reader.timezone}
    return render(request, "web/manage/letters.html", context)


@visited
@require_safe
def show_letter(request: HttpRequest, reader: Subscriber, delivery_id: int) -> HttpResponse:
    """One letter as it was written, at an address that says nothing without this visit."""
    try:
        letter = read_delivery_letter(delivery_id, reader.pk)
    except PreviewError as error:
        raise Http404("this letter is not here") from error
    response = HttpResponse(letter.html)
    response["Content-Security-Policy"] = LETTER_POLICY
    response["Referrer-Policy"] = "no-referrer"
    return response


@visited
@require_safe
def show_saved(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """The reading list."""
    context = {
        "here": "manage_saved",
        "papers": readinglist.list_saved(reader.pk),
        "feed": readinglist.feed_address(reader.pk),
    }
    return render(request, "web/manage/saved.html", context)


@visited
@require_POST
def change_saved(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Take a paper off the list, or open, renew or close the list's feed."""
    number = request.POST.get("paper", "")
    match request.POST.get("do"):
        case "drop" if number.isascii() and number.isdigit():
            drop_paper(reader.pk, int(number))
        case "open":
            readinglist.open_feed(reader.pk, timezone.now())
            return see_other("manage_saved", anchor="feed")
        case "close":
            readinglist.close_feed(reader.pk)
            return see_other("manage_saved", anchor="feed")
    return see_other("manage_saved")


@visited
@require_safe
def download_saved(request: HttpRequest, reader: Subscriber, kind: str) -> HttpResponse:
    """The reading list for a reference manager."""
    if kind not in LIST_TYPES:
        raise Http404("BibTeX and RIS are what there is")
    text = readinglist.write_list(reader.pk, kind)
    response = HttpResponse(text, content_type=f"{LIST_TYPES[kind]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="saved.{kind}"'
    return response


@never_cache
@require_safe
def show_feed(request: HttpRequest, token: str) -> HttpResponse:
    """The reading list as a feed, at its private address."""
    try:
        body = readinglist.read_feed(token)
    except (links.BadToken, readinglist.FeedError) as error:
        raise Http404("this feed is not here") from error
    response = HttpResponse(body, content_type=CONTENT_TYPE)
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


@visited
@require_safe
def show_data(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """What is kept, for how long; the export and the erasure."""
    context = {"here": "manage_data", "address": mask_address(reader.email), "word": ERASE}
    return render(request, "web/manage/data.html", context)


@visited
@require_safe
def download_data(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Everything kept of the reader, as JSON."""
    now = timezone.now()
    text = json.dumps(export_reader(reader.pk, now), ensure_ascii=False, indent=2)
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="paper-round-{now:%Y-%m-%d}.json"'
    return response


@visited
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """Erase the reader, once the word is typed."""
    if request.method != "POST":
        return see_other("manage_data", anchor="erase")
    if request.POST.get("word", "").strip().casefold() != ERASE:
        context = {
            "here": "manage_data",
            "address": mask_address(reader.email),
            "word": ERASE,
            "wrong": True,
        }
        return render(request, "web/manage/data.html", context, status=400)
    erase_reader(reader.pk, timezone.now())
    end_visit(request)
    send_notices_soon()
    return render(request, "web/manage/erased.html", {})
