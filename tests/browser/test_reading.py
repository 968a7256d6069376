"""What is read, in a real browser: it fits, loads nothing from elsewhere, works without a mouse."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from newsletter.editions import site_date
from newsletter.models import Paper
from newsletter.sample import load_sample
from newsletter.storing import store_papers
from newsletter.thumbnails import store_thumbnail
from tests.browser.demosite import CHROMIUM
from tests.browser.test_letter import CONTRASTS
from tests.browser.watching import open_page
from tests.factories import store
from tests.unit.test_thumbnails import make_png

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]
Scheme = Literal["light", "dark"]
LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
FORMULAS = (
    rf"$\frac{{a}}{{b}} \leq \sqrt{{{'x+' * 40}1}}$ and $k^2$, "
    r"$\mathcal{L}(a_1, b_2, c_3) \leq \frac{a}{b} + \alpha \approx 0.5$."
)
PATHS = [
    "/",
    "/week",
    "/month",
    "/p/{id}",
    "/search",
    "/search?q=RL",
    "/search?q=x+(",
    "/d/2026-01-04",
]


@pytest.fixture
def site(live_server: Any) -> str:
    """A day of the sample, a paper with everything that is hard, and one with a picture."""
    today = site_date(timezone.now())
    store_papers(load_sample(today).papers)
    store(
        f"RL {LONG}",
        listed_on=today,
        upvotes=12_345,
        abstract=f"{LONG} {FORMULAS}",
        authors=(LONG, "نور مثال", "Ada Example"),
        organization=LONG,
        code_url=f"https://{'a' * 60}.example.org/{LONG}",
    )
    store("למידה עם חיזוקים", listed_on=today, abstract="על RL ועל רובוטים.", upvotes=11_000)
    store_thumbnail(hard_paper().pk, make_png(400, 300))
    return str(live_server.url)


def hard_paper() -> Paper:
    return Paper.objects.get(title=f"RL {LONG}")


@pytest.mark.parametrize("width", [320, 390, 760, 1280])
def test_every_page_fits_and_loads_nothing_from_elsewhere(
    browser: Browser, site: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in PATHS:
        watch = open_page(page, site + path.format(id=hard_paper().pk))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        beyond = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => e.getClientRects().length"
            " && e.getBoundingClientRect().right > innerWidth + 0.5"
            " && !e.closest('.hidden, .skip')).map(e => `${e.tagName} ${e.className}`)"
        )
        assert (path, beyond) == (path, [])
        page.wait_for_load_state("networkidle")
        assert watch.problems == watch.forbidden(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(browser: Browser, site: str, scheme: Scheme) -> None:
    page = browser.new_page(color_scheme=scheme)
    for path in PATHS:
        open_page(page, site + path.format(id=hard_paper().pk))
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 10
        assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


def test_a_search_works_by_keys_alone(browser: Browser, site: str) -> None:
    page = browser.new_page()
    open_page(page, f"{site}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    open_page(page, f"{site}/search")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("reinforcement learning")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=reinforcement+learning")
    assert page.locator("article mark").count() > 3
    page.get_by_role("link", name="Newest first").click()
    page.wait_for_url("**sort=date")
    assert page.get_by_role("searchbox").input_value() == "reinforcement learning"


def test_whoever_listens_finds_one_heading_for_each_paper(browser: Browser, site: str) -> None:
    page = browser.new_page()
    open_page(page, f"{site}/")
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("article h2").count() == page.locator("article").count() > 10
    names = page.evaluate(
        "[...document.querySelectorAll('a, button, input')].map(e => e.innerText || e.labels?.[0]"
        "?.innerText || e.getAttribute('aria-label') || e.textContent)"
    )
    assert all(name.strip() for name in names)


def test_links_are_large_enough_to_touch(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    open_page(page, f"{site}/p/{hard_paper().pk}")
    heights = page.evaluate(
        "[...document.querySelectorAll('.links a, .tags a, .cite a, .kicker a, .pages a')]"
        ".map(e => [e.textContent, e.getBoundingClientRect().height])"
    )
    assert [(text, height) for text, height in heights if height < 20] == []
    assert len(heights) > 3


def test_an_arabic_or_hebrew_text_reads_from_the_right(browser: Browser, site: str) -> None:
    page = browser.new_page()
    open_page(page, f"{site}/")
    directions = page.evaluate(
        "[...document.querySelectorAll('article h2')].slice(0, 3)"
        ".map(e => getComputedStyle(e).direction)"
    )
    assert directions == ["ltr", "rtl", "ltr"]


def test_a_formula_is_drawn(browser: Browser, site: str) -> None:
    page = browser.new_page()
    open_page(page, f"{site}/p/{hard_paper().pk}")
    sizes = page.evaluate(
        "[...document.querySelectorAll('msup')].map(e => [e.children[0].getBoundingClientRect(),"
        " e.children[1].getBoundingClientRect()].map(r => [r.top, r.height]))"
    )
    (base, above) = sizes[0]
    assert above[0] < base[0] + base[1] / 2
    assert 0 < above[1] < base[1]


def test_a_printed_day_has_the_papers_and_not_the_tools(browser: Browser, site: str) -> None:
    page = browser.new_page()
    open_page(page, f"{site}/")
    page.emulate_media(media="print")
    assert not page.locator(".beside").is_visible()
    assert not page.locator(".days").is_visible()
    assert page.locator("article h2").first.is_visible()


def test_a_picture_is_shown_and_named_by_no_one(browser: Browser, site: str) -> None:
    page = browser.new_page()
    watch = open_page(page, f"{site}/")
    page.wait_for_load_state("networkidle")
    assert watch.problems == []
    picture = page.locator("img.picture")
    assert picture.evaluate("e => e.complete && e.naturalWidth") == 400
    assert picture.get_attribute("alt") == ""
