"""The addresses of signing up; those of a mail's links have no slash at the end to redirect."""

from __future__ import annotations

from django.urls import path

from newsletter.web.carrying import link_paths
from newsletter.web.confirming import block, confirm
from newsletter.web.subscribing import estimate, preview, preview_letter, sent, subscribe

urlpatterns = [
    path("subscribe", subscribe, name="subscribe"),
    path("subscribe/sent", sent, name="subscribe_sent"),
    path("subscribe/preview", preview, name="subscribe_preview"),
    path("subscribe/letter", preview_letter, name="subscribe_letter"),
    path("estimate", estimate, name="estimate"),
    *link_paths("c/<token>", confirm, "confirm"),
    *link_paths("b/<token>", block, "block"),
]
