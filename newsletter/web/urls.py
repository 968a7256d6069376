"""The addresses of the site; those behind a letter's links have no slash at the end to redirect."""

from __future__ import annotations

from django.urls import path

from newsletter.web.letters import leave, show_round
from newsletter.web.pages import read_online, show_day, show_paper, show_today

urlpatterns = [
    path("", show_today, name="today"),
    path("d/<int:year>-<int:month>-<int:day>", show_day, name="day"),
    path("p/<int:paper_id>", show_paper, name="paper"),
    path("l/<str:token>", read_online, name="read"),
    path("u/<str:token>", leave, name="leave"),
    path("m/<str:token>", show_round, name="round"),
]
