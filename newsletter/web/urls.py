"""The addresses of the site; those behind a letter's links have no slash at the end to redirect."""

from __future__ import annotations

from django.urls import include, path

from newsletter.web.carrying import link_paths
from newsletter.web.pages import read_online
from newsletter.web.readingurls import urlpatterns as reading

urlpatterns = [
    *reading,
    *link_paths("l/<token>", read_online, "read"),
    path("", include("newsletter.web.manageurls")),
    path("", include("newsletter.web.subscribeurls")),
]
