"""A reader's whole way in a browser, through real mail: with scripts and without."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from tests.browser.demosite import CHROMIUM, DemoSite
from tests.browser.walking import PATIENCE, QUICKEST, Walk

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

INTEREST = "reinforcement learning"


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def walk(request: pytest.FixtureRequest, demo_site: DemoSite, chromium: Browser) -> Iterator[Walk]:
    context = chromium.new_context(java_script_enabled=request.param, locale="en-GB")
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
    assert "GET /m/[token] 303" in logs["web.log"]
    assert re.search(r"GET /m/[0-9a-f]{10} 200", logs["web.log"])
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
        expect(walk.page.locator(".estimate .rate").first).to_be_visible(timeout=PATIENCE)
    else:
        walk.page.get_by_label("What you follow").fill(INTEREST)
        walk.press("Show what these bring")
        walk.says(re.compile("a week|a day|in 30 days|papers over"))
    expect(walk.page.locator("iframe.letter")).to_be_visible(timeout=PATIENCE)
    walk.page.get_by_label("Address the letter goes to").fill("nobody")
    walk.page.wait_for_timeout(QUICKEST)
    walk.press("Subscribe", exact=True)
    assert walk.page.title().startswith(("Error", "Subscribe"))
    expect(walk.page.locator("[name=email][aria-invalid=true]")).to_be_visible(timeout=PATIENCE)
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
    expect(walk.page.locator("#list")).to_contain_text("protein folding", timeout=PATIENCE)
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
    expect(walk.page.get_by_label("No letters until")).to_be_visible(timeout=PATIENCE)


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
