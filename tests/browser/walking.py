"""A person with a browser: presses, types, reads mail, and judges every page on the way."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ViewportSize, expect

from tests.browser import judges
from tests.browser.demosite import DemoSite, Letter
from tests.browser.watching import Watch, assert_it_fits

QUICKEST = 2_100  # milliseconds; a form sent sooner is a machine's
PATIENCE = 30_000  # milliseconds an answer may take on a machine that has more to do
SCREEN: ViewportSize = {"width": 1280, "height": 900}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
# Where the focus is, whether it is seen, and whether anything lies over it.
FOCUS = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const style = getComputedStyle(e);
  return {tag: e.tagName, name: (e.labels?.[0] ?? e).innerText?.trim() ?? "",
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: e !== document.body && !(over && (e.contains(over) || over.contains(e)))};
}"""


class Walk:
    """One person's browser, and what each of their pages must be."""

    def __init__(self, site: DemoSite, context: BrowserContext, *, scripts: bool = True) -> None:
        self.site = site
        self.scripts = scripts
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.page.set_viewport_size(SCREEN)
        self.watch = Watch(context, site.url)

    def press(self, name: str | re.Pattern[str], exact: bool = False) -> None:
        self.page.get_by_role("button", name=name, exact=exact).first.click()
        self.judge()

    def go(self, address: str) -> None:
        self.page.goto(address if "://" in address else self.site.url + address)
        self.judge()

    def judge(self) -> None:
        """The page is one of ours, whole, without a fault of accessibility or policy."""
        self.page.wait_for_load_state()
        assert not re.search(r"[\w-]{28,}", urlsplit(self.page.url).path), "a token is shown"
        assert self.page.locator("h1").count() == 1
        assert self.watch.problems == []
        if not self.scripts:
            return  # the judges are scripts too
        assert self.watch.forbidden(self.page) == []
        self.page.set_viewport_size({"width": 320, "height": 900})
        assert_it_fits(self.page, 320)
        self.page.set_viewport_size(SCREEN)
        if judges.AXE.exists():
            self.page.evaluate(judges.AXE.read_text(encoding="utf-8"))
            for scheme in SCHEMES:
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found = self.page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
                assert (scheme, found) == (scheme, []), self.page.url

    def says(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=PATIENCE)

    def await_mail(self, to: str, number: int) -> Letter:
        letter = self.site.await_letter(to, number)
        assert len(self.site.letters(to)) == number
        return letter

    def follow_mail(self, letter: Letter, label: str | re.Pattern[str]) -> None:
        """Open a mail in the inbox and press a link in it: the walk goes on in the new tab."""
        inbox = self.page
        self.site.open_letter(inbox, letter)
        self.page = self.site.follow(inbox, label)
        inbox.close()
        self.judge()

    def tab_to(self, name: str, tag: str = "") -> None:
        """Press Tab until the part called `name` has the focus, which is seen wherever it is."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if focus["tag"] == "BODY":
                continue
            assert focus["seen"], focus
            assert not focus["covered"], focus
            if focus["name"].startswith(name) and tag in focus["tag"]:
                return
        raise AssertionError(f"Tab leads to no {name!r} on {self.page.url}")

    def enter(self, name: str, tag: str = "") -> None:
        """Go by Tab to a link or a button that leads to a page, and press Enter."""
        self.tab_to(name, tag)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, label: str, text: str) -> None:
        """Go by Tab to a field, and type into it."""
        self.tab_to(label)
        self.page.keyboard.type(text)
