"""The admin and the demo's inbox in a real browser."""

from __future__ import annotations

import mailbox
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext

from newsletter.editions import freeze_edition, match_edition, open_edition, site_date
from tests.browser.demosite import CHROMIUM
from tests.browser.watching import open_page
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.admin.makers import (
    make_deliveries,
    make_edition,
    make_operator,
    make_readers,
)
from tests.integration.test_inbox import make_mail

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]
SIZES = {"desktop": 1280, "phone": 390}


@pytest.fixture
def context(browser: Browser, live_server: Any) -> BrowserContext:
    """A browser in which an operator is logged in."""
    client = Client()
    client.force_login(make_operator(superuser=True))
    context = browser.new_context()
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


def test_it_lets_an_operator_in_by_the_form(browser: Browser, live_server: Any) -> None:
    operator = make_operator(superuser=True)
    operator.set_password("a password of ours")
    operator.save()
    page = browser.new_page()
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", operator.get_username())
    page.fill("[name=password]", "a password of ours")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{live_server.url}/admin/")
    assert page.locator("[name=password]").count() == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_shows_the_morning_without_errors(
    context: BrowserContext, live_server: Any, size: str, scheme: Any
) -> None:
    make_deliveries(make_edition(site_date(timezone.now())), make_readers(3), "failed")
    page = context.new_page()
    watch = open_page(page, f"{live_server.url}/admin/")
    page.set_viewport_size({"width": SIZES[size], "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert page.get_by_role("heading", name="The last 1 edition").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="3 failed", exact=True).click()
    assert "state__exact=failed" in page.url
    assert watch.problems == []


def test_it_previews_a_letter_in_a_frame_where_nothing_runs(
    context: BrowserContext, live_server: Any
) -> None:
    store(RL, FOLDING)
    edition = open_edition(DAY, MORNING)
    freeze_edition(edition, MORNING)
    match_edition(edition, MORNING)
    subscribe("reinforcement learning", email="noor@reader.example")
    subscribe("protein folding", email="ines@reader.example")
    page = context.new_page()
    watch = open_page(page, f"{live_server.url}/admin/newsletter/edition/{edition}/preview/")
    page.get_by_label("Preview as the reader").fill("ines")
    page.get_by_role("button", name="Find").click()
    letter = page.frame_locator("iframe.pr-letter")
    assert FOLDING in letter.locator("body").inner_text()
    assert RL not in letter.locator("body").inner_text()
    assert watch.problems == []


@pytest.mark.urls("tests.integration.inbox_urls")
@pytest.mark.parametrize("width", SIZES.values())
def test_it_shows_mail_as_it_arrives_and_runs_nothing_in_it(
    browser: Browser, live_server: Any, settings: Any, tmp_path: Path, width: int
) -> None:
    settings.INBOX_DIR = tmp_path / "inbox"
    box = mailbox.Maildir(settings.INBOX_DIR, create=True)
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    watch = open_page(page, f"{live_server.url}/inbox/")
    assert page.get_by_text("No letter yet").is_visible()
    mail = make_mail("Nine papers")
    mail.get_body(("html",)).set_content(  # type: ignore[union-attr]
        f'<body><a href="{live_server.url}/inbox/?to=ada">a link</a>'
        '<script>document.body.textContent = "ran"</script></body>',
        subtype="html",
    )
    box.add(mail)
    page.get_by_role("link", name="Nine papers").click(timeout=10_000)
    frame = page.frame_locator("iframe")
    assert frame.locator("body").inner_text().strip() == "a link"
    with context.expect_page() as opened:
        frame.get_by_role("link", name="a link").click()
    opened.value.wait_for_load_state()
    assert opened.value.get_by_label("To").input_value() == "ada"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watch.problems == []
