"""What holds for every admin page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin

from tests.integration.admin.makers import make_deliveries, make_edition, make_paper, make_readers

pytestmark = pytest.mark.django_db
# What a browser loads by itself; links in text are another matter.
LOADED = re.compile(
    r"""(?:<(?:script|img|iframe|source|embed)\b[^>]*\ssrc|<link\b[^>]*\shref)=["']([^"']+)"""
)


def test_it_dresses_every_model_the_same() -> None:
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, ModelAdmin), model
        assert model_admin.show_full_result_count is False, model


def test_it_loads_nothing_from_elsewhere(operator_client: Client) -> None:
    edition = make_edition()
    make_paper("A paper", edition)
    make_deliveries(edition, make_readers(1), "failed")
    urls = [reverse("admin:index")]
    for model, model_admin in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        urls.append(reverse(f"admin:{name}_changelist"))
        row = model_admin.model._default_manager.first()
        if row is not None:
            urls.append(reverse(f"admin:{name}_change", args=[row.pk]))
    for url in urls:
        response = operator_client.get(url)
        assert response.status_code == 200, url
        for address in LOADED.findall(response.content.decode()):
            assert re.match(r"/(?!/)", address), (url, address)


def test_it_names_the_site_and_every_noun(operator_client: Client, settings: Any) -> None:
    settings.SITE_NAME = "Lab Papers & Co"
    page = unescape(operator_client.get(reverse("admin:index")).content.decode())
    assert "Lab Papers & Co" in page
    nouns = (
        "Papers Listings Synonyms Editions Deliveries Readers Interests Queries Suppressions "
        "Consent Users"
    )
    for noun in nouns.split():
        assert f"<span>{noun}</span>" in page, noun
    assert "<span>Inbox</span>" not in page


def test_it_counts_trouble_beside_deliveries(operator_client: Client) -> None:
    edition, readers = make_edition(), make_readers(3)
    make_deliveries(edition, readers[:1], "in_doubt")
    make_deliveries(edition, readers[1:], "failed")
    page = operator_client.get(reverse("admin:newsletter_paper_changelist")).content.decode()
    assert "1 in doubt, 2 failed" in page
