"""Getting in as a reader does: ask for a mail, open the link in it, press the button."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from newsletter.models import Notice
from newsletter.notices import send_notices
from tests.smtp import SmtpServer

SITE = "http://localhost:8000"
URL = re.compile(r"https?://[^\s<>\"]+")


def strict_client() -> Client:
    return Client(enforce_csrf_checks=True)


def read_mails(server: SmtpServer) -> list[tuple[str, EmailMessage]]:
    """Send what waits, and return every mail the server accepted: (recipient, mail)."""
    # The claim goes by the transaction's clock, which stands still in a test.
    Notice.objects.filter(state="queued").update(next_at=datetime(2026, 1, 1, tzinfo=UTC))
    send_notices(timezone.now(), 100)
    return [
        (mail.recipient, message_from_bytes(mail.data, policy=policy.default))
        for mail in server.accepted
    ]


def part_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def find_links(mail: EmailMessage) -> list[str]:
    """Return every address in the mail: of its headers, its text and its HTML."""
    found = [link for kind in ("plain", "html") for link in URL.findall(part_of(mail, kind))]
    found += URL.findall(str(mail.get("List-Unsubscribe", "")))
    return list(dict.fromkeys(link.replace("&amp;", "&") for link in found))


def newest_link(server: SmtpServer, recipient: str, path: str) -> str:
    """Return the path and token of the newest mail's link that begins with `path`."""
    mails = [mail for to, mail in read_mails(server) if to == recipient]
    links = [link for mail in mails for link in find_links(mail) if link.startswith(SITE + path)]
    assert links, f"no mail to {recipient} has a link {path}"
    return links[-1].removeprefix(SITE)


def csrf_of(client: Client, page: str) -> str:
    """Return the token a browser would send with the page's form."""
    html = client.get(page).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found, f"{page} has no form with a CSRF token"
    return found[1]


def post(client: Client, page: str, to: str = "", **fields: Any) -> HttpResponse:
    """Post a form of `page` as a browser would, to `to` or to the page itself."""
    values = {**fields, "csrfmiddlewaretoken": csrf_of(client, page)}
    return cast(HttpResponse, client.post(to or page, values))


def enter(server: SmtpServer, email: str) -> Client:
    """Return a client within a visit, got by the form, the mail and the button."""
    client = strict_client()
    assert post(client, "/manage", email=email).status_code == 202
    link = newest_link(server, email, "/manage/open/")
    assert client.get(link, follow=True).status_code == 200
    response = client.post(link)
    assert (response.status_code, response["Location"]) == (303, "/manage")
    return client
