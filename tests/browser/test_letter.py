"""The letter in a real browser: it fits, loads nothing, and is read in the light and the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from newsletter.mail.render import render_digest
from tests.browser.demosite import CHROMIUM
from tests.unit.mail.samples import make_hard_digest

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
WIDTHS = [320, 390, 800]
Scheme = Literal["light", "dark"]

# Every text with its contrast to what is behind it, by WCAG 2.2's formula.
CONTRASTS = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
      if (c[3] !== 0) throw new Error("half-transparent background");
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    const a = luminance(parse(getComputedStyle(e).color)), b = luminance(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([walker.currentNode.data.trim().slice(0, 40), ratio]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("letter") / "letter.html"
    path.write_text(render_digest(make_hard_digest()).html, encoding="utf-8")
    return path


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_without_scrolling_sideways(page: Page, letter: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(letter.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        "[...document.querySelectorAll('body *')].filter("
        "e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 0.5"
        ").map(e => e.tagName + ' ' + e.className)"
    )
    assert beyond == []


def test_it_loads_nothing_but_itself(page: Page, letter: Path) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(letter.as_uri(), wait_until="networkidle")
    assert requests == [letter.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_its_text_is_readable(page: Page, letter: Path, width: int, scheme: Scheme) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(letter.as_uri())
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 60
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


def test_its_dark_is_dark(page: Page, letter: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(letter.as_uri())
    colour = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert page.evaluate(colour.format("body")) == "rgb(17, 16, 13)"
    assert page.evaluate(colour.format(".sheet")) == "rgb(26, 24, 20)"


def test_its_links_are_large_enough_to_touch(page: Page, letter: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(letter.as_uri())
    heights = page.evaluate(
        "[...document.querySelectorAll('.links a, .ways a')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24


def test_its_arabic_title_reads_from_the_right(page: Page, letter: Path) -> None:
    page.goto(letter.as_uri())
    directions = page.evaluate(
        "[...document.querySelectorAll('h3')].map(e => getComputedStyle(e).direction)"
    )
    assert directions == ["ltr", "rtl", "ltr", "ltr", "ltr", "ltr"]


def test_its_anchors_lead_to_sections(page: Page, letter: Path) -> None:
    page.goto(letter.as_uri())
    page.click("h1 a:last-of-type")
    assert page.evaluate("document.querySelector(':target').textContent").startswith("author:")
