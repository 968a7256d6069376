"""The demo's inbox: what the mail catcher took, shown. It exists where PAPER_ROUND_DEMO is set."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from newsletter.frames import frame_letter

SHOWN = 200  # mails listed
SEARCHED = 2000  # mails looked through for a recipient
HEADERS_READ = 32_768  # bytes: more than any mail's headers
KEY = re.compile(r"[A-Za-z0-9][\w.,=+:\\-]{0,250}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MailSummary:
    """A line of the list; `at` is when it was caught, `size` in bytes."""

    key: str
    sender: str
    recipient: str
    subject: str
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail taken apart; `html` and `text` are "" where the mail has no such part."""

    summary: MailSummary
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes


@require_safe
def list_inbox(request: HttpRequest) -> HttpResponse:
    """Show the caught mails, newest first; `?to=` keeps those to addresses holding that text."""
    return render(request, "web/inbox/list.html", _list_context(request))


@require_safe
def show_mail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one mail beside the list."""
    context = {**_list_context(request), "mail": _mail_or_404(key)}
    return render(request, "web/inbox/mail.html", context)


@require_safe
def show_mail_html(request: HttpRequest, key: str) -> HttpResponse:
    """Return the mail's HTML part alone, for the frame."""
    return frame_letter(_mail_or_404(key).html)


@require_safe
def download_mail(request: HttpRequest, key: str) -> HttpResponse:
    """Return the mail's bytes as they were caught, to be opened by a mail program."""
    response = HttpResponse(_mail_or_404(key).raw, content_type="message/rfc822")
    response["Content-Disposition"] = 'attachment; filename="letter.eml"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


inbox_urlpatterns = [
    path("inbox/", list_inbox, name="inbox"),
    path("inbox/<str:key>/", show_mail, name="inbox_mail"),
    path("inbox/<str:key>/html/", show_mail_html, name="inbox_html"),
    path("inbox/<str:key>/letter.eml", download_mail, name="inbox_raw"),
]


def _list_context(request: HttpRequest) -> dict[str, Any]:
    to = request.GET.get("to", "").strip().lower()
    return {"mails": list_mails(inbox_directory(), to), "to": to, "site": settings.SITE_NAME}


def inbox_directory() -> Path:
    """Return the demo's Maildir."""
    if settings.INBOX_DIR is None:
        raise ImproperlyConfigured("there is no inbox here: set PAPER_ROUND_DEMO=1 for the demo's")
    return Path(settings.INBOX_DIR)


def _mail_or_404(key: str) -> Mail:
    mail = read_mail(inbox_directory(), key)
    if mail is None:
        raise Http404("There is no such mail in the inbox.")
    return mail


def list_mails(directory: Path, to: str = "") -> list[MailSummary]:
    """Return the newest mails of a Maildir, at most 200; of the newest 2000 those to `to`."""
    newest = sorted(_files(directory).items(), key=lambda item: (item[1].at, item[0]), reverse=True)
    found: list[MailSummary] = []
    for key, entry in newest[: SEARCHED if to else SHOWN]:
        try:
            with entry.path.open("rb") as file:
                headers = BytesHeaderParser(policy=policy.default).parsebytes(
                    file.read(HEADERS_READ)
                )
        except OSError:
            continue  # deleted since it was listed
        summary = _summarise(key, headers, entry)
        if to in summary.recipient.lower():
            found.append(summary)
    return found[:SHOWN]


def read_mail(directory: Path, key: str) -> Mail | None:
    """Return the mail with that Maildir key, or None: for a key that is none of the box's too."""
    entry = _files(directory).get(key) if KEY.fullmatch(key) else None
    if entry is None:
        return None
    try:
        raw = entry.path.read_bytes()
    except OSError:
        return None
    message = message_from_bytes(raw, policy=policy.default)
    return Mail(
        _summarise(key, message, entry),
        tuple(_headers(message)),
        _part(message, "plain"),
        _part(message, "html"),
        raw,
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    at: datetime
    size: int


def _files(directory: Path) -> dict[str, _Entry]:
    """Return {key: file} of a Maildir; empty where there is none."""
    try:
        box = mailbox.Maildir(directory, create=False)
        keys = box.keys()
    except (OSError, mailbox.Error):
        return {}
    found: dict[str, _Entry] = {}
    for key in keys:
        try:
            file = directory / box._lookup(key)  # type: ignore[attr-defined]
            facts = file.stat()
        except (OSError, KeyError):
            continue
        found[key] = _Entry(file, datetime.fromtimestamp(facts.st_mtime, UTC), facts.st_size)
    return found


def _summarise(key: str, message: Message, entry: _Entry) -> MailSummary:
    recipient = _header(message, "X-Envelope-To") or _header(message, "To")
    return MailSummary(
        key,
        _header(message, "From"),
        recipient,
        _header(message, "Subject") or "(no subject)",
        entry.at,
        entry.size,
    )


def _header(message: Message, name: str) -> str:
    return _unbroken(lambda: str(message.get(name, "")))


def _headers(message: Message) -> list[tuple[str, str]]:
    """Return every header decoded; one that cannot be parsed as it is written."""

    def decode(name: str, value: str) -> str:
        return _unbroken(lambda: str(message.policy.header_fetch_parse(name, value))) or str(value)

    return [(name, decode(name, value)) for name, value in message.raw_items()]


def _part(message: Message, kind: str) -> str:
    def read() -> str:
        part = message.get_body((kind,)) if isinstance(message, EmailMessage) else None
        if part is None:
            return ""
        try:
            return str(part.get_content())
        except (LookupError, UnicodeError):  # a charset nobody knows
            payload = part.get_payload(decode=True)
            return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""

    return _unbroken(read)


def _unbroken(read: Callable[[], str]) -> str:
    """Return what `read` returns, "" where the mail is so broken that the email package raises."""
    try:
        return read()
    except Exception:  # the parser raises nearly anything on a header made to break it
        return ""
