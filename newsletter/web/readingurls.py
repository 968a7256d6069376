"""The addresses of what anybody may read."""

from __future__ import annotations

from django.urls import path, register_converter

from newsletter.web import pages
from newsletter.web.converters import DayConverter, MarkConverter, MonthConverter, WeekConverter
from newsletter.web.feeds import show_feed, show_search_feed
from newsletter.web.search import show_search

register_converter(DayConverter, "day")
register_converter(MarkConverter, "mark")
register_converter(WeekConverter, "week")
register_converter(MonthConverter, "month")

urlpatterns = [
    path("", pages.show_today, name="today"),
    path("d", pages.find_day, name="find_day"),
    path("d/<day:day>", pages.show_day, name="day"),
    path("week", pages.show_week, name="week"),
    path("week/<week:day>", pages.show_week, name="week"),
    path("month", pages.show_month, name="month"),
    path("month/<month:day>", pages.show_month, name="month"),
    path("p/<int:paper_id>", pages.show_paper, name="paper"),
    path("p/<int:paper_id>.bib", pages.cite_bibtex, name="bibtex"),
    path("p/<int:paper_id>.ris", pages.cite_ris, name="ris"),
    path("t/<int:paper_id>/<slug:digest>", pages.show_thumbnail, name="thumbnail"),
    path("search", show_search, name="search"),
    path("feed", show_feed, name="feed"),
    path("feed/search", show_search_feed, name="search_feed"),
]
