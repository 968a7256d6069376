"""A visitor with a browser's habits: reads the page, takes a while, sends what it holds."""

from __future__ import annotations

import re
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from newsletter.subscribing import send_service_mail
from tests.smtp import SmtpServer

READING = 20.0  # seconds before the form is sent


class Visitor:
    """Sends forms; every one from a page of its own, some seconds after it was shown."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.client = Client(enforce_csrf_checks=True)

    def open(self, **query: Any) -> dict[str, str]:
        """Return the hidden fields of the form's page."""
        page = self.client.get("/subscribe", query).content.decode()
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))

    def send(self, email: str, **fields: Any) -> HttpResponse:
        """Fill the form in and send it; `waited`, `ip`, and headers in capitals are not fields."""
        headers = {name: fields.pop(name) for name in list(fields) if name.isupper()}
        if ip := fields.pop("ip", ""):
            headers["REMOTE_ADDR"] = ip
        hidden = fields.pop("hidden", None) or self.open()
        self.clock.shift(fields.pop("waited", READING))
        data = {"email": email, "interests": "reinforcement learning", **hidden, **fields}
        return self.client.post("/subscribe", data, **headers)  # type: ignore[return-value]


def work(now: datetime | None = None) -> None:
    """Do what the worker does soon after a form was sent."""
    send_service_mail(now or timezone.now(), 1000)


def mails(server: SmtpServer) -> list[EmailMessage]:
    return [message_from_bytes(mail.data, policy=policy.default) for mail in server.accepted]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def links_of(mail: EmailMessage) -> list[str]:
    """Return the paths of the site in a mail's text, in order."""
    return re.findall(r"http://testserver(/\S*)", text_of(mail))


def link_of(mail: EmailMessage, beginning: str) -> str:
    return next(link for link in links_of(mail) if link.startswith(beginning))
