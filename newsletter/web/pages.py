"""The pages anybody may read: a day's papers, a week's and a month's best, one paper, a letter."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from newsletter import links
from newsletter.citations import list_meta, write_bibtex, write_ris
from newsletter.editions import site_date
from newsletter.previews import PreviewError, read_delivery_letter
from newsletter.reading import (
    Day,
    Order,
    month_of,
    read_day,
    read_period,
    week_of,
)
from newsletter.thumbnails import read_thumbnail
from newsletter.web.caching import FOR_EVER, kept
from newsletter.web.carrying import carried
from newsletter.whole import PaperMissing, Whole, read_paper

# A letter is a page of its own: its styles are inline, nothing else of it may run or load.
LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
A_MINUTE = 60  # seconds: what people hide is gone as soon
GONE = 410


@kept(A_MINUTE)
def show_today(request: HttpRequest) -> HttpResponse:
    """The newest day that has papers, today's if it has."""
    return _show_day(request, read_day(None, _today(), _order(request)), is_home=True)


@kept(A_MINUTE)
def show_day(request: HttpRequest, day: date) -> HttpResponse:
    """A day's papers, or why there are none."""
    today = _today()
    if day > today + timedelta(days=1):
        raise Http404("that day has not come")
    return _show_day(request, read_day(day, today, _order(request)))


@require_safe
def find_day(request: HttpRequest) -> HttpResponse:
    """Lead from the form that asks for a day to that day."""
    try:
        return redirect("day", date.fromisoformat(request.GET.get("day", "")))
    except ValueError as error:
        raise Http404("there is no such day") from error


@kept(A_MINUTE)
def show_week(request: HttpRequest, day: date | None = None) -> HttpResponse:
    """The most upvoted papers of a week: that of `day`, or the one that runs."""
    return _show_period(request, "week", *week_of(day or _today()))


@kept(A_MINUTE)
def show_month(request: HttpRequest, day: date | None = None) -> HttpResponse:
    """The most upvoted papers of a month."""
    return _show_period(request, "month", *month_of(day or _today()))


@kept(A_MINUTE)
def show_paper(request: HttpRequest, paper_id: int) -> HttpResponse:
    """All of one paper."""
    try:
        paper = read_paper(paper_id)
    except PaperMissing as missing:
        return _miss(request, missing)
    context = {"paper": paper, "sheet": paper.sheet, "meta": list_meta(paper.citation)}
    return render(request, "web/paper.html", context)


@kept(A_MINUTE)
def cite_bibtex(request: HttpRequest, paper_id: int) -> HttpResponse:
    """The paper's entry for BibTeX."""
    return _cite(request, paper_id, "application/x-bibtex", "bib")


@kept(A_MINUTE)
def cite_ris(request: HttpRequest, paper_id: int) -> HttpResponse:
    """The paper's record for reference managers."""
    return _cite(request, paper_id, "application/x-research-info-systems", "ris")


@kept(FOR_EVER, immutable=True)
def show_thumbnail(request: HttpRequest, paper_id: int, digest: str) -> HttpResponse:
    """A paper's picture, by what it shows."""
    found = read_thumbnail(paper_id, digest)
    if found is None:
        raise Http404("there is no such picture")
    return HttpResponse(found.data, content_type=found.media_type)


@carried
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
    return response


def _today() -> date:
    return site_date(timezone.now())


def _order(request: HttpRequest) -> Order:
    return Order.DATE if request.GET.get("sort") == Order.DATE else Order.UPVOTES


def _show_day(request: HttpRequest, day: Day, is_home: bool = False) -> HttpResponse:
    context = {"day": day, "by_date": day.order is Order.DATE, "is_home": is_home}
    return render(request, "web/day.html", context)


def _show_period(request: HttpRequest, kind: str, first: date, last: date) -> HttpResponse:
    today = _today()
    if first > today:
        raise Http404(f"that {kind} has not come")
    context = {"kind": kind, "period": read_period(first, last, today), "today": today}
    return render(request, "web/period.html", context)


def _cite(request: HttpRequest, paper_id: int, media_type: str, ending: str) -> HttpResponse:
    try:
        paper: Whole = read_paper(paper_id)
    except PaperMissing as missing:
        return _miss(request, missing)
    write = write_bibtex if ending == "bib" else write_ris
    response = HttpResponse(write(paper.citation), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="paper-{paper_id}.{ending}"'
    return response


def _miss(request: HttpRequest, missing: PaperMissing) -> HttpResponse:
    if not missing.hidden:
        raise Http404("there is no such paper")
    if missing.instead:
        return redirect("paper", missing.instead, permanent=True)
    return render(request, "web/gone.html", status=GONE)
