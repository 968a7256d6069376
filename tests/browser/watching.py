"""What a browser says of a page while it is read: errors, forbidden things, other hosts."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, Response

# Collects what the policy of a page forbade, from before its first byte is read.
COLLECT = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", event =>
  window.forbidden.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
# A page that is not there is asked for on purpose, what a page needs is judged by its answer; and
# Playwright's own script, which finds the link to press, is the one that a letter's sandbox blocks.
EXPECTED = ("Failed to load resource", "Blocked script execution")


class Watch:
    """What went wrong in a browser's pages, as it goes wrong."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.problems: list[str] = []
        self._site = site
        context.add_init_script(COLLECT)
        context.on("page", self._add)
        for page in context.pages:
            self._add(page)

    def _add(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on("console", lambda m: self._note(page, m.type, m.text))
        page.on("request", lambda request: self._check(request.url))
        page.on("response", self._judge)

    def _note(self, page: Page, kind: str, text: str) -> None:
        if kind == "error" and not any(words in text for words in EXPECTED):
            self.problems.append(f"{page.url}: {text}")

    def _check(self, url: str) -> None:
        if not url.startswith((f"{self._site}/", "about:", "data:image/svg")):
            self.problems.append(f"loads {url}")

    def _judge(self, response: Response) -> None:
        """What a page needs is there; the page itself, and what a form asks, may be refused."""
        kind = response.request.resource_type
        if kind in {"stylesheet", "script", "image", "font"} and response.status >= 400:
            self.problems.append(f"{response.status} {response.url}")

    def forbidden(self, page: Page) -> list[str]:
        """Return what the policy of the page that is shown forbade so far."""
        return list(page.evaluate("window.forbidden || []"))


def open_page(page: Page, url: str) -> Watch:
    """Open a page of the site that runs at `url`, watched from before its first byte."""
    watch = Watch(page.context, "/".join(url.split("/")[:3]))
    page.goto(url)
    return watch


def assert_it_fits(page: Page, width: int) -> None:
    """Nothing of the page is wider than the screen, nothing to press lower than 24 pixels."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('a, button, input, select, summary')].filter(e => {"
        "  const box = e.getBoundingClientRect();"
        "  const inline = e.tagName === 'A' && getComputedStyle(e).display === 'inline'"
        "    && e.parentElement.innerText.trim() !== e.innerText.trim();"
        "  return box.width > 1 && box.right > 0 && !inline && e.type !== 'hidden'"
        "    && !e.closest('label, .hidden, .skip') && box.height < 24; })"
        ".map(e => `${e.getBoundingClientRect().height} ${e.outerHTML.slice(0, 160)}`)"
    )
    assert small == []  # WCAG 2.2, 2.5.8
