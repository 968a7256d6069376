"""A reader's whole way by the keyboard alone: Tab, Enter and what is typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demosite import CHROMIUM, DemoSite
from tests.browser.walking import PATIENCE, QUICKEST, Walk

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

FIRST, SECOND = "keyboard@reader.example", "keyboard.new@reader.example"


@pytest.fixture
def walk(demo_site: DemoSite, chromium: Browser) -> Iterator[Walk]:
    context = chromium.new_context(locale="en-GB")
    yield Walk(demo_site, context)
    context.close()


def test_a_reader_comes_stays_and_goes_by_keyboard_alone(walk: Walk, tmp_path: Path) -> None:
    subscribe(walk)
    confirm(walk)
    say_not_because_of_this_word(walk)
    open_own_pages(walk)
    pause(walk)
    change_address(walk)
    leave_and_undo(walk)
    ask_by_address(walk)
    export(walk, tmp_path)
    erase(walk)


def subscribe(walk: Walk) -> None:
    walk.go("/")
    walk.enter("Subscribe", "A")
    walk.page.wait_for_url("**/subscribe")
    walk.type("A keyword, a phrase, an author", "reinforcement learning")
    walk.page.keyboard.press("Enter")
    expect(walk.page.locator(".estimate .rate").first).to_be_visible(timeout=PATIENCE)
    walk.type("Address the letter goes to", FIRST)
    walk.page.wait_for_timeout(QUICKEST)
    walk.enter("Subscribe", "BUTTON")
    walk.page.wait_for_url("**/subscribe/sent")


def confirm(walk: Walk) -> None:
    walk.go(walk.await_mail(FIRST, 1).link("c"))
    walk.enter("Yes, send me these letters")
    walk.says(re.compile("The letters to k•••@reader.example begin"))
    walk.enter("Send me today’s now")
    walk.says(re.compile("Today’s letter is on its way, with"))


def say_not_because_of_this_word(walk: Walk) -> None:
    walk.go(walk.await_mail(FIRST, 2).link("f"))
    walk.enter("Mute")
    walk.says("Muted: it finds nothing until you unmute it.")
    walk.enter("Undo: unmute")
    walk.says("It finds papers again.")


def open_own_pages(walk: Walk) -> None:
    walk.go(walk.site.letters(FIRST)[1].link("m"))
    walk.enter("Mail me the link")
    walk.says("A link is on its way")
    open_link(walk, walk.await_mail(FIRST, 3).link("manage/open"))
    walk.type("Add an interest", "protein folding")
    walk.page.keyboard.press("Enter")
    expect(walk.page.locator("#list")).to_contain_text("protein folding", timeout=PATIENCE)


def open_link(walk: Walk, address: str) -> None:
    walk.go(address)
    walk.enter("Open my pages")
    walk.page.wait_for_url(f"{walk.site.url}/manage")


def pause(walk: Walk) -> None:
    walk.enter("Hour and days", "A")
    walk.page.wait_for_url("**/manage/letter")
    walk.enter("Pause", "BUTTON")
    walk.says("No letters until you say so.")
    walk.enter("Resume now")
    expect(walk.page.get_by_label("No letters until")).to_be_visible(timeout=PATIENCE)


def change_address(walk: Walk) -> None:
    walk.enter("Address", "A")
    walk.page.wait_for_url("**/manage/address")
    walk.type("New address", SECOND)
    walk.enter("Ask both addresses")
    walk.says("Two mails are on their way")
    walk.go(walk.await_mail(FIRST, 4).link("address/old"))
    walk.enter("Yes, send them there")
    walk.says("One yes is in")
    walk.go(walk.await_mail(SECOND, 1).link("address/new"))
    walk.enter("Yes, send them here")
    walk.says("The address is changed")


def leave_and_undo(walk: Walk) -> None:
    walk.go(walk.site.letters(FIRST)[1].link("u"))
    walk.enter("End my letters")
    walk.says("You are unsubscribed")
    walk.go(walk.await_mail(SECOND, 2).link("undo"))
    walk.enter("Take my letters up again")
    walk.says("Your letters come again")


def ask_by_address(walk: Walk) -> None:
    walk.enter("Change what you get", "A")
    walk.type("Your address", SECOND)
    walk.enter("Mail me a link")
    walk.says("If letters go to this address, a link is on its way to it.")
    open_link(walk, walk.await_mail(SECOND, 3).link("manage/open"))


def export(walk: Walk, folder: Path) -> None:
    walk.enter("Your data", "A")
    walk.page.wait_for_url("**/manage/data")
    walk.tab_to("Download everything")
    with walk.page.expect_download() as download:
        walk.page.keyboard.press("Enter")
    download.value.save_as(folder / "mine.json")
    mine = json.loads((folder / "mine.json").read_text(encoding="utf-8"))
    assert SECOND in json.dumps(mine)


def erase(walk: Walk) -> None:
    walk.type("Type “erase”", "erase")
    walk.enter("Erase everything")
    walk.says("Everything is erased")
    assert "erased" in walk.await_mail(SECOND, 4).subject
