"""A reader's whole way in a browser, through real mail: with scripts, without, by keyboard."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import judges
from tests.browser.demosite import CHROMIUM, DemoSite, Letter
from tests.browser.watching import Watch

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

INTEREST = "reinforcement learning"
QUICKEST = 2_100  # milliseconds; a form sent sooner is a machine's


class Walk:
    """One person's browser, and what each of their pages must be."""

    def __init__(self, site: DemoSite, context: BrowserContext, *, scripts: bool = True) -> None:
        self.site = site
        self.scripts = scripts
        self.page = context.new_page()
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
        assert self.page.locator("h1").count() == 1
        assert self.watch.problems == []
        if not self.scripts:
            return  # the judges are scripts too
        assert self.watch.forbidden(self.page) == []
        if judges.AXE.exists():
            self.page.evaluate(judges.AXE.read_text(encoding="utf-8"))
            found = self.page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
            assert found == [], self.page.url

    def says(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()

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


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def walk(request: pytest.FixtureRequest, demo_site: DemoSite, chromium: Browser) -> Iterator[Walk]:
    context = chromium.new_context(java_script_enabled=request.param, locale="en-GB")
    context.set_default_timeout(15_000)
    yield Walk(demo_site, context, scripts=request.param)
    context.close()


def test_a_reader_comes_stays_and_goes(walk: Walk, tmp_path: Path) -> None:
    who = f"ada.{'scripts' if walk.scripts else 'plain'}"
    first, second = f"{who}@reader.example", f"{who}.new@reader.example"
    subscribe(walk, first)
    confirm(walk, first)
    say_not_because_of_this_word(walk, first)
    manage(walk, first)
    change_language(walk)
    pause(walk)
    change_address(walk, first, second)
    open_own_pages_by_address(walk, second)
    export(walk, second, tmp_path)
    leave_with_one_click_and_undo(walk, second)
    erase(walk, second)


def test_the_logs_of_all_that_name_nobody(demo_site: DemoSite, chromium: Browser) -> None:
    letter = demo_site.letters("rl@example.org")[0]
    page = chromium.new_page()
    for place in ("m", "u", "f", "l"):
        page.goto(letter.link(place))
    page.goto(f"{demo_site.url}/search?q=a+secret+plan")
    page.context.close()
    logs = {path.name: path.read_text(errors="replace") for path in demo_site.var.glob("log/*")}
    assert "GET /m/[token] 200" in logs["web.log"]
    assert {"web.log", "worker.log"} <= logs.keys()
    for name, text in logs.items():
        found = re.findall(r"[\w.+-]+@(?:reader\.example|example\.org)|/[a-z]/[\w-]{28,}", text)
        assert found == [], name
        assert "secret" not in text, name


def subscribe(walk: Walk, address: str) -> None:
    walk.go("/")
    walk.page.get_by_role("link", name="Subscribe", exact=True).click()
    walk.judge()
    if walk.scripts:
        walk.page.get_by_label("A keyword, a phrase, an author").fill(INTEREST)
        walk.press("Add", exact=True)
        expect(walk.page.locator(".estimate .rate").first).to_be_visible()
    else:
        walk.page.get_by_label("What you follow").fill(INTEREST)
        walk.press("Show what these bring")
        walk.says(re.compile("a week|a day|in 30 days|papers over"))
    expect(walk.page.locator("iframe.letter")).to_be_visible()
    walk.page.get_by_label("Address the letter goes to").fill("nobody")
    walk.page.wait_for_timeout(QUICKEST)
    walk.press("Subscribe", exact=True)
    assert walk.page.title().startswith(("Error", "Subscribe"))
    expect(walk.page.locator("[name=email][aria-invalid=true]")).to_be_visible()
    walk.page.get_by_label("Address the letter goes to").fill(address)
    walk.page.wait_for_timeout(QUICKEST)
    walk.press("Subscribe", exact=True)
    walk.says("Check your mail")


def confirm(walk: Walk, address: str) -> None:
    mail = walk.await_mail(address, 1)
    assert "confirm this address" in mail.subject
    walk.follow_mail(mail, "Confirm this address")
    walk.says("Nothing has begun yet")
    walk.press("Yes, send me these letters")
    walk.press("Send me today’s now")
    walk.says(re.compile("Today’s letter is on its way, with"))


def say_not_because_of_this_word(walk: Walk, address: str) -> None:
    letter = walk.await_mail(address, 2)
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    walk.follow_mail(letter, "Save")
    walk.press("Save this paper")
    walk.says("Saved to your reading list.")
    walk.press("Mute")
    walk.says("Muted: it finds nothing until you unmute it.")
    walk.press("Undo: unmute")
    walk.says("It finds papers again.")


def manage(walk: Walk, address: str) -> None:
    walk.follow_mail(walk.site.letters(address)[1], "Change what you get")
    walk.press("Mail me the link")
    walk.says("A link is on its way")
    walk.follow_mail(walk.await_mail(address, 3), "Open my pages")
    walk.press("Open my pages")
    assert walk.page.url == f"{walk.site.url}/manage"
    walk.page.get_by_label("Add an interest").fill("protein folding")
    walk.press("Add", exact=True)
    expect(walk.page.locator("#list")).to_contain_text("protein folding")
    walk.page.get_by_role("link", name="Saved papers").click()
    walk.judge()
    assert walk.page.locator("article.paper").count() == 1


def change_language(walk: Walk) -> None:
    walk.page.get_by_role("link", name="Hour and days").click()
    walk.page.get_by_label("Deutsch").check()
    walk.press("Keep these")
    walk.says(re.compile("Kept|Gespeichert"))
    walk.go("/manage/letter?lang=en")


def pause(walk: Walk) -> None:
    walk.page.get_by_label("No letters until").fill(f"{timezone.localdate() + timedelta(days=9)}")
    walk.press("Pause", exact=True)
    walk.says("then they come again by themselves")
    walk.press("Resume now")
    expect(walk.page.get_by_label("No letters until")).to_be_visible()


def change_address(walk: Walk, first: str, second: str) -> None:
    walk.page.get_by_role("link", name="Address", exact=True).click()
    walk.page.get_by_label("New address").fill(second)
    walk.press("Ask both addresses")
    walk.says("Two mails are on their way")
    # Both mails are in German, which was chosen on the way; the pages stay in the language shown.
    walk.follow_mail(walk.await_mail(first, 4), "Ja, dorthin schicken")
    walk.press("Yes, send them there")
    walk.says("One yes is in")
    walk.follow_mail(walk.await_mail(second, 1), "Ja, hierher schicken")
    walk.press("Yes, send them here")
    walk.says("The address is changed")
    assert "Adresse" in walk.await_mail(first, 5).subject


def open_own_pages_by_address(walk: Walk, address: str) -> None:
    """Whoever has no letter at hand asks with the address; a changed address ended the visit."""
    walk.go("/manage")
    walk.page.get_by_label("Your address").fill(address)
    walk.press("Mail me a link")
    walk.says("Check your mail")
    walk.go(walk.await_mail(address, 2).link("manage/open"))
    walk.press("Open my pages")


def export(walk: Walk, address: str, folder: Path) -> None:
    walk.go("/manage/data")
    with walk.page.expect_download() as download:
        walk.page.get_by_role("link", name="Download everything").click()
    download.value.save_as(folder / "mine.json")
    mine = json.dumps(json.loads((folder / "mine.json").read_text(encoding="utf-8")))
    for word in (address, INTEREST, "protein folding"):
        assert word in mine


def leave_with_one_click_and_undo(walk: Walk, address: str) -> None:
    """What a mail program does when its own button is pressed (RFC 8058)."""
    letter = walk.site.letters(address.replace(".new", ""))[1]
    where = str(letter.message["List-Unsubscribe"]).strip("<>")
    request = urllib.request.Request(where, data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
        assert answer.headers["Set-Cookie"] is None
    left = walk.await_mail(address, 3)
    walk.follow_mail(left, re.compile("Briefe wieder aufnehmen"))
    walk.page.locator("main button").click()
    walk.judge()
    walk.says("Your letters come again")


def erase(walk: Walk, address: str) -> None:
    walk.go("/manage/data")
    label = walk.page.locator("label[for=id_word]").inner_text()
    word = label.split("“")[1].split("”")[0]
    walk.page.locator("#id_word").fill("no")
    walk.press("Erase everything")
    walk.says(re.compile("Nothing was erased"))
    walk.page.locator("#id_word").fill(word)
    walk.press("Erase everything")
    walk.says("Everything is erased")
    assert "gelöscht" in walk.await_mail(address, 4).subject
    walk.go("/manage/data")
    assert walk.page.locator("#id_word").count() == 0


def test_a_reader_subscribes_by_keyboard_alone(demo_site: DemoSite, chromium: Browser) -> None:
    context = chromium.new_context(locale="en-GB")
    walk = Walk(demo_site, context)
    walk.go("/")
    tab_to(walk.page, "Subscribe")
    walk.page.keyboard.press("Enter")
    walk.page.wait_for_url("**/subscribe")
    tab_to(walk.page, "A keyword, a phrase, an author")
    walk.page.keyboard.type(INTEREST)
    walk.page.keyboard.press("Enter")
    expect(walk.page.locator(".estimate .rate").first).to_be_visible()
    tab_to(walk.page, "Address the letter goes to")
    walk.page.keyboard.type("keyboard@reader.example")
    walk.page.wait_for_timeout(QUICKEST)
    tab_to(walk.page, "Subscribe", tag="BUTTON")
    walk.page.keyboard.press("Enter")
    walk.page.wait_for_url("**/subscribe/sent")
    mail = walk.await_mail("keyboard@reader.example", 1)
    walk.go(mail.link("c"))
    tab_to(walk.page, "Yes, send me these letters")
    walk.page.keyboard.press("Enter")
    walk.says(re.compile("The letters to k•••@reader.example begin"))
    context.close()


FOCUS = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const style = getComputedStyle(e);
  return {tag: e.tagName, name: (e.labels?.[0] ?? e).innerText?.trim() ?? "",
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: e !== document.body && !(over && (e.contains(over) || over.contains(e)))};
}"""


def tab_to(page: Page, name: str, tag: str = "") -> None:
    """Press Tab until the part called `name` has the focus, which is seen wherever it passes."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["tag"] == "BODY":
            continue
        assert focus["seen"], focus
        assert not focus["covered"], focus
        if focus["name"].startswith(name) and tag in focus["tag"]:
            return
    raise AssertionError(f"Tab leads to no {name!r}")
