"""The search: an interest over everything stored, page by page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from newsletter.finding import describe_refusal, search_page
from newsletter.matching.base import QueryError
from newsletter.search import Sort
from newsletter.web.caching import kept

A_MINUTE = 60  # seconds
MOST_PAGES = 100_000


@kept(A_MINUTE)
def show_search(request: HttpRequest) -> HttpResponse:
    """The papers a query finds; without one what can be asked; a refusal says the mend."""
    query = request.GET.get("q", "").strip()
    if not query:
        return render(request, "web/search.html")
    sort = Sort.DATE if request.GET.get("sort") == Sort.DATE else Sort.RELEVANCE
    try:
        results = search_page(query, sort, read_number(request.GET.get("page", "")))
    except QueryError as error:
        context = {"refused": describe_refusal(query, error), "query": query}
        return render(request, "web/search.html", context, status=400)
    context = {"results": results, "query": query, "by_date": sort is Sort.DATE}
    return render(request, "web/search.html", context)


def read_number(text: str) -> int:
    """Return the number of a page, 1 for what is none."""
    return min(int(text), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 8 else 1
