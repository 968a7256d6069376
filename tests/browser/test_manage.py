"""A reader's own pages in a real browser, from the letter's link to the erasure."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.fixtures import Settings

from newsletter import links
from newsletter.days import run_day
from newsletter.models import Paper
from newsletter.saving import save_paper
from subscribers.models import Interest, Subscriber
from tests.browser.demosite import CHROMIUM
from tests.browser.watching import Watch
from tests.factories import FOLDING, MORNING, RL, store, subscribe
from tests.integration.leaving.test_scanners import make_every_mail, photograph
from tests.integration.managing.visiting import SITE, enter, newest_link
from tests.smtp import SmtpServer

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]
ADA = "ada@reader.example"
PAGES = ["", "/letter", "/letters", "/saved", "/address", "/data"]
IDLE = 10_000  # milliseconds a scanner waits on a page for what its scripts do


def make_reader() -> int:
    reader = subscribe(
        "RL", "protein folding", '"scaling law"', email=ADA, starred=["author:LeCun"]
    )
    Interest.objects.filter(subscriber=reader, text="protein folding").update(muted=True)
    store(RL, FOLDING)
    run_day(None, MORNING, everyone=True)
    for paper in Paper.objects.all():
        save_paper(reader, paper.pk, "saved", MORNING)
    return reader


def visit(browser: Browser, server: SmtpServer, live_server: Any, **options: Any) -> BrowserContext:
    """A browser within a visit of the reader's."""
    client: Client = enter(server, ADA)
    context = browser.new_context(**options)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_its_pages_fit_and_load_nothing_from_elsewhere(
    browser: Browser, server: SmtpServer, live_server: Any, width: int, scheme: Any
) -> None:
    reader = make_reader()
    size: Any = {"width": width, "height": 900}
    context = visit(browser, server, live_server, viewport=size, color_scheme=scheme)
    page, watch = context.new_page(), Watch(context, live_server.url)
    paper = Paper.objects.get(title=RL)
    query = Interest.objects.get(subscriber=reader, text="RL").query_id
    letter = [links.manage_url(reader), links.feedback_url(reader, paper.pk, [query])]
    paths = [f"/manage{path}" for path in PAGES] + [url.removeprefix(SITE) for url in letter]
    for path in paths:
        page.goto(f"{live_server.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.locator("h1").count() == 1
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main summary')]"
            ".filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 24)"
            ".map(e => e.textContent.trim())"
        )
        assert small == [], path
    assert watch.problems == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_reader_gets_from_the_letter_to_other_interests(
    browser: Browser, server: SmtpServer, live_server: Any, settings: Settings, scripts: bool
) -> None:
    reader = make_reader()
    page = browser.new_context(java_script_enabled=scripts).new_page()
    path = links.manage_url(reader).removeprefix(SITE)
    page.goto(f"{live_server.url}{path}")
    page.get_by_role("button", name="Mail me the link").click()
    assert page.get_by_role("status").get_by_text("A link is on its way").is_visible()
    page.goto(live_server.url + newest_link(server, ADA, "/manage/open/"))
    page.get_by_role("button", name="Open my pages").click()
    assert page.url == f"{live_server.url}/manage"
    page.get_by_label("Add an interest").fill("causal inference")
    page.get_by_role("button", name="Add").click()
    first = page.locator(".mine > li").first
    first.get_by_role("button", name="Down").click()
    page.get_by_text("causal inference", exact=True).wait_for()
    texts = Interest.objects.filter(subscriber=reader).values_list("text", flat=True)
    assert list(texts)[-1] == "causal inference"
    assert list(texts)[1] == "author:LeCun"
    page.get_by_role("button", name="Done").click()
    page.goto(f"{live_server.url}/manage")
    assert page.get_by_role("button", name="Mail me a link").is_visible()


def test_a_reader_pauses_and_erases_with_the_keyboard_alone(
    browser: Browser, server: SmtpServer, live_server: Any
) -> None:
    reader = make_reader()
    page = visit(browser, server, live_server).new_page()
    page.goto(f"{live_server.url}/manage/letter#pause")
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    page.get_by_text("No letters until you say so.").wait_for()
    assert Subscriber.objects.get(pk=reader).status == "paused"
    page.goto(f"{live_server.url}/manage/data")
    page.get_by_label("Type “erase”").focus()
    page.keyboard.type("erase")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Everything is erased").wait_for()
    assert not Subscriber.objects.filter(pk=reader).exists()


def test_a_scanner_that_runs_scripts_changes_nothing(
    browser: Browser, server: SmtpServer, live_server: Any
) -> None:
    urls = make_every_mail(server)
    context = browser.new_context()
    before = photograph()
    for url in urls:
        path = url.removeprefix(SITE) or "/"
        if path.startswith("/feed/"):
            continue  # a browser offers it to be saved
        context.new_page().goto(f"{live_server.url}{path}")
    assert len(context.pages) > 10
    context.pages[-1].wait_for_timeout(IDLE)  # all of them stay open
    assert photograph() == before


def list_requests(page: Page) -> list[str]:
    """Return a list of what the page asks for from here on, each with its headers."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    return asked


def test_no_token_stays_in_the_address_bar_or_goes_further(
    browser: Browser, server: SmtpServer, live_server: Any
) -> None:
    urls = [url.removeprefix(SITE) for url in make_every_mail(server)]
    links_of_mails = [url for url in urls if re.fullmatch(r"(/[a-z]+)+/[\w~-]{28,}", url)]
    opened = [url for url in links_of_mails if not url.startswith("/feed/")]
    assert len(opened) >= 10
    context = browser.new_context()
    for url in opened:
        token = url.rpartition("/")[2]
        page = context.new_page()
        asked = list_requests(page)
        page.goto(live_server.url + url)
        page.reload()
        assert token not in page.url
        assert token not in page.evaluate("document.referrer + location.href")
        assert [one for one in asked[1:] if token in one] == [], url
        page.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser_without_cookies_is_helped(
    browser: Browser, server: SmtpServer, live_server: Any, scripts: bool
) -> None:
    reader = subscribe("RL", email=ADA)
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    link = live_server.url + links.unsubscribe_url(reader).removeprefix(SITE)
    page.goto(link)
    context.clear_cookies()
    page.reload()
    page.get_by_label("The whole link").fill(link)
    page.get_by_role("button", name="Open it").click()
    context.clear_cookies()
    page.get_by_role("button", name="End my letters").click()
    assert page.get_by_text("You are unsubscribed").first.is_visible()
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"
