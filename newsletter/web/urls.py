"""The addresses of the site; those behind a letter's links have no slash at the end to redirect."""

from __future__ import annotations

from django.urls import include, path

from newsletter.web.pages import read_online
from newsletter.web.readingurls import urlpatterns as reading

urlpatterns = [
    *reading,
    path("l/<str:token>", read_online, name="read"),
    path("", include("newsletter.web.manageurls")),
    path("", include("newsletter.web.subscribeurls")),
]
