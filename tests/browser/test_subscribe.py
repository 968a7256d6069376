"""The subscribe form in a real browser: chips, estimates, the letter beside it, the keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from newsletter.days import prepare_edition
from newsletter.editions import site_date
from newsletter.subscribing import send_service_mail
from newsletter.web import stamps
from subscribers.models import Signup, Subscriber
from tests.browser.demosite import CHROMIUM
from tests.browser.watching import open_page
from tests.factories import FOLDING, RL, store
from tests.integration.subscribing.forms import link_of, mails
from tests.integration.subscribing.test_privacy import snapshot
from tests.smtp import SmtpServer

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def be_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "QUICKEST", 0.0)  # a program is faster than a person


@pytest.fixture
def server(server: SmtpServer, settings: Settings) -> SmtpServer:
    settings.SITE_URL = "http://testserver"
    return server


@pytest.fixture
def edition(live_server: Any) -> None:
    today = site_date(timezone.now())
    store(RL, FOLDING, "Protein folding with diffusion", listed_on=today)
    prepare_edition(today, timezone.now())


def visit(browser: Browser, url: str, **options: Any) -> tuple[Page, list[str]]:
    """Open a page in Berlin; the list collects what goes wrong in it."""
    page = browser.new_context(timezone_id="Europe/Berlin", **options).new_page()
    return page, open_page(page, url).problems


@pytest.mark.usefixtures("edition")
def test_it_estimates_while_it_is_typed_and_says_so(browser: Browser, live_server: Any) -> None:
    page, problems = visit(browser, f"{live_server.url}/subscribe")
    field = page.get_by_label("A keyword, a phrase, an author")
    field.press_sequentially("RL", delay=40)
    expect(page.locator(".draft .rate")).to_have_text("1 a day")
    expect(page.locator(".interests [role=status]")).to_have_text("RL: 1 a day, good")
    field.press("Enter")
    expect(page.locator(".chips > li b")).to_have_text("RL")
    expect(page.locator(".chips")).to_contain_text("also finds “reinforcement learning”")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    expect(page.locator(".interests [role=status]")).to_have_text("RL is added")
    assert problems == []


@pytest.mark.usefixtures("edition")
def test_it_shows_the_letter_that_the_chips_bring(browser: Browser, live_server: Any) -> None:
    page, problems = visit(browser, f"{live_server.url}/subscribe")
    field = page.get_by_label("A keyword, a phrase, an author")
    field.fill("protein folding")
    field.press("Enter")
    letter = page.frame_locator("iframe.letter")
    expect(letter.locator("h1")).to_contain_text("Of 3 papers announced, 2 are yours")
    field.fill("RL")
    field.press("Enter")
    expect(letter.locator("h1")).to_contain_text("Of 3 papers announced, 3 are yours")
    for name in ("Remove RL", "Remove protein folding"):
        page.get_by_role("button", name=name).click()
    expect(page.locator("iframe.letter")).to_have_count(0)
    expect(page.get_by_text("the letter it brings appears here")).to_be_visible()
    assert problems == []


@pytest.mark.usefixtures("edition")
def test_it_is_worked_by_keys_alone(browser: Browser, live_server: Any, server: SmtpServer) -> None:
    page, problems = visit(browser, f"{live_server.url}/subscribe")
    keys = page.keyboard
    page.locator("#s-interests").focus()
    for text in ("RL", "folding", "mistake"):
        keys.type(text)
        keys.press("Enter")
    keys.press("Backspace")
    expect(page.locator(".interests [role=status]")).to_have_text("mistake is removed")
    while page.evaluate("document.activeElement.name") != "email":
        keys.press("Tab")
    keys.type("ada@reader.example")
    keys.press("Enter")
    page.wait_for_url("**/subscribe/sent")
    choices = Signup.objects.get().choices
    assert choices["interests"] == ["RL", "folding"]
    assert choices["timezone"] == "Europe/Berlin"
    assert problems == []


@pytest.mark.usefixtures("edition")
def test_it_takes_suggestions_and_lines_that_are_pasted(browser: Browser, live_server: Any) -> None:
    page, problems = visit(browser, f"{live_server.url}/subscribe?q=protein+foldng")
    page.locator("[data-instead='protein folding']").click()
    expect(page.locator(".chips > li")).to_have_count(1)
    expect(page.locator(".chips .rate")).to_have_text("2 a day")
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.setData("text", "RL\\n\\n  author:Ada \\nRL");
      const options = { clipboardData: data, bubbles: true, cancelable: true };
      document.querySelector("#s-interests").dispatchEvent(new ClipboardEvent("paste", options));
    }""")
    expect(page.locator(".chips > li b")).to_have_text(["protein folding", "RL", "author:Ada"])
    assert problems == []


def test_it_says_when_the_letter_comes_as_it_is_changed(browser: Browser, live_server: Any) -> None:
    page, problems = visit(browser, f"{live_server.url}/subscribe")
    summary = page.locator("[data-when]")
    expect(summary).to_have_text("At 08:00 in Europe/Berlin, every day, up to 10 papers")
    summary.click()
    page.get_by_label("Hour").select_option("21:00")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("once a week, on").check()
    page.get_by_label("Day of the weekly letter").select_option("4")
    page.get_by_label("Papers in a letter").fill("5")
    page.get_by_label("Papers in a letter").press("Tab")
    expect(summary).to_have_text("At 21:00 in Asia/Tokyo, once a week, on Friday, up to 5 papers")
    assert problems == []


@pytest.mark.usefixtures("edition")
def test_it_leads_to_each_mistake(browser: Browser, live_server: Any) -> None:
    page, _ = visit(browser, f"{live_server.url}/subscribe")
    page.get_by_role("button", name="Subscribe", exact=True).last.click()
    expect(page.locator("#problems")).to_be_focused()
    page.get_by_role("link", name="No interest is given").click()
    expect(page.locator("#s-interests")).to_be_focused()
    page.get_by_role("link", name="No address is given").click()
    expect(page.locator("#s-email")).to_be_focused()
    assert page.locator("#s-email").get_attribute("aria-describedby") == "e-email"


@pytest.mark.usefixtures("edition")
def test_it_works_without_scripts(browser: Browser, live_server: Any) -> None:
    page, _ = visit(browser, f"{live_server.url}/subscribe", java_script_enabled=False)
    page.locator("textarea").fill("RL\nprotein foldng")
    page.get_by_role("button", name="Show what these bring").click()
    expect(page.locator(".chips .rate")).to_have_text(["1 a day", "0 in 1 day"])
    expect(page.frame_locator("iframe.letter").locator("h1")).to_contain_text("1 is yours")
    page.get_by_role("button", name="protein folding").click()
    assert page.locator("textarea").input_value() == "RL\nprotein folding"
    page.locator("#s-email").fill("ada@reader.example")
    page.locator("#s-email").press("Enter")
    page.wait_for_url("**/subscribe/sent")
    assert Signup.objects.get().choices["interests"] == ["RL", "protein folding"]


def test_it_changes_nothing_when_a_browser_only_opens_its_links(
    browser: Browser, live_server: Any, server: SmtpServer, settings: Any
) -> None:
    page, _ = visit(browser, f"{live_server.url}/subscribe")
    page.locator("#s-interests").fill("RL")
    page.locator("#s-email").fill("ada@reader.example")
    page.locator("#s-email").press("Enter")
    page.wait_for_url("**/subscribe/sent")
    send_service_mail(timezone.now(), 10)
    before = snapshot()
    for place in ("/c/", "/b/"):
        page, problems = visit(browser, live_server.url + link_of(mails(server)[0], place))
        page.wait_for_timeout(10_000)
        assert problems == []
    assert snapshot() == before
    assert Subscriber.objects.get().status == "unconfirmed"


@pytest.mark.usefixtures("edition")
def test_its_beginning_stands_beside_the_papers(browser: Browser, live_server: Any) -> None:
    page, problems = visit(browser, live_server.url)
    page.locator("#s-interests").fill("RL")
    page.locator("#s-interests").press("Enter")
    expect(page.locator(".rail .chips .rate")).to_have_text("1 a day")
    page.get_by_role("button", name="See today’s letter, then subscribe").click()
    page.wait_for_url("**/subscribe?interests=RL")
    expect(page.locator(".chips .rate")).to_have_text("1 a day")
    expect(page.frame_locator("iframe.letter").locator("h1")).to_contain_text("1 is yours")
    assert problems == []


WIDE = {"phone": 320, "small": 390, "tablet": 800, "desktop": 1280}


@pytest.mark.usefixtures("edition")
@pytest.mark.parametrize("size", WIDE)
def test_it_fits_every_screen(browser: Browser, live_server: Any, size: str) -> None:
    long = "+".join(["electroencephalographically"] * 4)
    url = f"{live_server.url}/subscribe?q=RL&q=protein+foldng&q={long}&q=%22half"
    page, _ = visit(browser, url, viewport={"width": WIDE[size], "height": 800})
    page.locator("[data-when]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDE[size]
    small = page.evaluate("""() => [...document.querySelectorAll("main :is(button, summary, a)")]
      .filter(each => each.getClientRects().length && !each.closest(".hidden, p, li li")
        && !each.classList.contains("hidden"))
      .map(each => [each.textContent.trim().slice(0, 20), each.getBoundingClientRect().height])
      .filter(([, height]) => height < 24)""")
    assert small == []
