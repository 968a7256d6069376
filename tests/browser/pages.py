"""Every page of the site, and where it is: for all, behind links, a reader's own, what is told."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.shortcuts import render
from django.test import RequestFactory
from django.utils import translation
from playwright.sync_api import Browser, BrowserContext, Route

from tests.browser.demosite import DemoSite, Letter
from tests.browser.walking import QUICKEST

READER = "rl@example.org"
ASKER = "asker@reader.example"

PUBLIC = {
    "today": "/",
    "by-date": "/?sort=date",
    "quiet-day": "/d/2026-01-01",
    "week": "/week",
    "month": "/month",
    "search": "/search",
    "found": "/search?q=RL",
    "found-by-date": "/search?q=RL&sort=date",
    "not-found": "/search?q=xylophone",
    "wrong-search": "/search?q=%22open",
    "subscribe": "/subscribe",
    "subscribe-filled": "/subscribe?q=protein+folding",
    "subscribe-wrong": "/subscribe/preview?interests=%22open",
    "look-into-your-mail": "/subscribe/sent",
    "ask-to-manage": "/manage",
    "not-here": "/nothing-here",
    "broken-link": "/u/broken",
    "broken-confirm": "/c/broken",
    "link-without-cookie": "/u/0123456789",
    "inbox": "/inbox/",
}
BEHIND_LINKS = {"feedback": "f", "round": "m", "leave": "u", "letter": "l"}  # in a letter
MAILED = {"confirm": "c", "block": "b"}  # in the mail that asks a newcomer
OWN = ("", "/letter", "/letters", "/saved", "/address", "/data")  # under /manage, once open
NEW = "a•••@reader.example"
# What is said once something was done, or cannot be: a template and what a view gives it.
TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "told-400": ("400", {}),
    "told-403": ("403", {}),
    "told-open-too-long": ("403_form", {}),
    "told-500": ("500", {}),
    "told-500-bare": ("500_bare", {}),
    "told-closed": ("503", {}),
    "told-taken-off": ("gone", {}),
    "told-begun": ("subscribe/begun", {"address": NEW, "offer": True}),
    "told-coming": ("subscribe/begun", {"address": NEW, "state": "none_matched"}),
    "told-blocked": ("subscribe/blocked", {}),
    "told-too-old": ("subscribe/no_link", {"kind": "expired"}),
    "told-left": ("letters/left", {}),
    "told-undo": ("letters/undo", {"button": "Take my letters up again"}),
    "told-back": ("letters/back", {}),
    "told-gone": ("letters/gone", {}),
    "told-answer": ("manage/answer", {"which": "old", "new": NEW}),
    "told-answered": ("manage/answered", {"which": "old", "step": {}}),
    "told-asked": ("manage/asked", {}),
    "told-open": ("manage/open", {}),
    "told-over": ("manage/over", {}),
    "told-scope": ("manage/scope", {}),
    "told-erased": ("manage/erased", {}),
}
# Letters stay in the language they were mailed in; the demo's inbox is of the demo alone.
ENGLISH = {"inbox", "letter", "told-500-bare"}
# A letter online is the mail itself: its tables and attributes are what mail programs understand.
MAIL = {"letter"}
NAMES = [
    *PUBLIC,
    "paper",
    *BEHIND_LINKS,
    *MAILED,
    *(f"own{path.replace('/', '-')}" for path in OWN),
    *TOLD,
]


def find_addresses(site: DemoSite, browser: Browser) -> dict[str, str]:
    """Return where each page is: those behind links from real mails, by the name of the page."""
    letter, asked = site.letters(READER)[0], ask_to_subscribe(site, browser)
    found = {name: site.url + path for name, path in PUBLIC.items()}
    found |= {name: letter.link(place) for name, place in BEHIND_LINKS.items()}
    found |= {name: asked.link(place) for name, place in MAILED.items()}
    with urllib.request.urlopen(site.url, timeout=20) as answer:
        page = answer.read().decode()
    found["paper"] = site.url + page.partition('<h2 dir="auto"><a href="')[2].partition('"')[0]
    found |= {f"own{path.replace('/', '-')}": f"{site.url}/manage{path}" for path in OWN}
    return found | {name: f"{site.url}/{name}" for name in TOLD}


def ask_to_subscribe(site: DemoSite, browser: Browser) -> Letter:
    """Fill the form in, and return the mail that asks to confirm, whose links are not used."""
    page = browser.new_page()
    page.goto(f"{site.url}/subscribe?q=protein+folding")
    page.fill("[name=email]", ASKER)
    page.wait_for_timeout(QUICKEST)
    page.press("[name=email]", "Enter")
    page.wait_for_url("**/subscribe/sent")
    page.context.close()
    return site.await_letter(ASKER)


def tell(name: str, language: str) -> str:
    """Return a page of `TOLD` as the site makes it."""
    template, context = TOLD[name]
    with translation.override(language):
        page = render(RequestFactory().get(f"/{name}"), f"web/{template}.html", context)
        return page.content.decode()


def serve_told(context: BrowserContext, site: DemoSite) -> None:
    """Let a browser find the pages of `TOLD` on the site, where their styles are."""

    def answer(route: Route) -> None:
        parts = urlsplit(route.request.url)
        language = parse_qs(parts.query).get("lang", ["en"])[0]
        route.fulfill(body=tell(parts.path[1:], language), content_type="text/html; charset=utf-8")

    context.route(f"{site.url}/told-*", answer)
