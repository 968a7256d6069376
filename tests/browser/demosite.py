"""The demo as people meet it: its pages in a browser, its mails in its inbox.

Everything is real: gunicorn, Celery's worker and beat, PostgreSQL, SMTP into a Maildir.
"""

from __future__ import annotations

import mailbox
import re
import shutil
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
MAIL_SECONDS = 60.0  # that a mail may take: the worker starts with the demo


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the demo's inbox."""

    key: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    def link(self, place: str) -> str:
        """Return the first address of the text part under /`place`/."""
        found = re.search(rf"https?://\S+/{place}/\S+", self.text)
        assert found, f"no link to /{place}/ in {self.subject!r}:\n{self.text}"
        return found.group()


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A running demo: where it answers, and its var/."""

    url: str
    var: Path

    def letters(self, to: str) -> list[Letter]:
        """Return the mails to an address, oldest first."""
        box = mailbox.Maildir(self.var / "inbox", create=False)
        found = []
        for key in sorted(box.keys(), key=self._age):
            raw = box.get_bytes(key)
            message = message_from_bytes(raw, policy=policy.default)
            assert isinstance(message, EmailMessage)
            if to in str(message["X-Envelope-To"] or message["To"]):
                found.append(Letter(key, message))
        return found

    def _age(self, key: str) -> float:
        box = mailbox.Maildir(self.var / "inbox", create=False)
        path: Path = self.var / "inbox" / box._lookup(key)  # type: ignore[attr-defined]
        return path.stat().st_mtime

    def await_letter(self, to: str, number: int = 1) -> Letter:
        """Return the newest mail to an address, once there are at least `number`."""
        deadline = time.monotonic() + MAIL_SECONDS
        while len(found := self.letters(to)) < number:
            assert time.monotonic() < deadline, (
                f"{len(found)} of {number} mails to {to}: {[letter.subject for letter in found]}"
            )
            time.sleep(0.2)
        return found[-1]

    def open_letter(self, page: Page, letter: Letter) -> None:
        """Show a mail in the inbox, where its links are pressed as people press them."""
        page.goto(f"{self.url}/inbox/{letter.key}/")

    def follow(self, page: Page, label: str | re.Pattern[str]) -> Page:
        """Press a link in the letter shown; it opens a tab of its own, which is returned."""
        link = page.frame_locator("iframe").get_by_role("link", name=label).first
        link.scroll_into_view_if_needed()
        with page.context.expect_page() as opened:
            link.click()
        opened.value.wait_for_load_state()
        return opened.value
