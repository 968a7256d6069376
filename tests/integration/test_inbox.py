"""The demo's inbox: what the mail catcher kept, shown and harmless."""

from __future__ import annotations

import mailbox
import os
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from newsletter.web.inbox import list_mails, read_mail

pytestmark = pytest.mark.urls("tests.integration.inbox_urls")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def box(tmp_path: Path, settings: Any) -> mailbox.Maildir:
    settings.INBOX_DIR = tmp_path / "inbox"
    return mailbox.Maildir(settings.INBOX_DIR, create=True)


def make_mail(subject: str = "Your papers", to: str = "ada@reader.example") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Paper Round <papers@site.example>", to, subject
    mail["List-Unsubscribe"] = "<https://site.example/u/token>"
    mail.set_content("Of 412 papers announced, 9 are yours. Grüße")
    html = f"<html><head><title>x</title></head><body><h1>{subject}</h1>{SCRIPT}</body></html>"
    mail.add_alternative(html, subtype="html")
    return mail


def test_it_says_what_to_do_while_it_is_empty(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.INBOX_DIR = tmp_path / "never made"
    page = client.get("/inbox/").content.decode()
    assert "No letter yet" in page


def test_it_lists_the_newest_first_and_by_recipient(client: Client, box: mailbox.Maildir) -> None:
    for minute, name in enumerate(["ada", "noor", "ines"]):
        key = box.add(make_mail(f"For {name}", f"{name}@reader.example"))
        path = Path(str(box._path)) / box._lookup(key)  # type: ignore[attr-defined]
        os.utime(path, (minute * 60, minute * 60))
    subjects = [mail.subject for mail in client.get("/inbox/").context["mails"]]
    assert subjects == ["For ines", "For noor", "For ada"]
    [found] = client.get("/inbox/?to=NOOR").context["mails"]
    assert found.recipient == "noor@reader.example"
    assert "No letter to" in client.get("/inbox/?to=nobody").content.decode()


def test_it_shows_a_mail_in_all_its_parts(client: Client, box: mailbox.Maildir) -> None:
    key = box.add(make_mail("Nine papers – für Ada"))
    page = client.get(f"/inbox/{key}/").content.decode()
    assert "<h1>Nine papers – für Ada</h1>" in page
    assert "9 are yours. Grüße" in page
    assert "&lt;https://site.example/u/token&gt;" in page
    raw = client.get(f"/inbox/{key}/letter.eml")
    assert raw.content == box.get_bytes(key)
    assert raw["Content-Type"] == "message/rfc822"
    assert "attachment" in raw["Content-Disposition"]


def test_it_frames_html_where_nothing_runs(client: Client, box: mailbox.Maildir) -> None:
    key = box.add(make_mail(SCRIPT))
    page = client.get(f"/inbox/{key}/").content.decode()
    assert SCRIPT not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    frame = client.get(f"/inbox/{key}/html/")
    policy = frame["Content-Security-Policy"]
    for rule in ("default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "sandbox"):
        assert rule in policy
    assert "allow-scripts" not in policy
    assert '<head><base target="_blank">' in frame.content.decode()


@pytest.mark.parametrize(
    "key", ["..%2F..%2Fsettings", "..", ".", "%2e%2e%2fx", "new%2Fkey", "x\x00", "a" * 300]
)
def test_it_knows_no_mail_by_a_path(client: Client, box: mailbox.Maildir, key: str) -> None:
    (Path(str(box._path)).parent / "secret").write_text("secret")
    box.add(make_mail())
    for tail in ("", "html/", "letter.eml"):
        assert client.get(f"/inbox/{key}/{tail}").status_code in {400, 404}


def test_it_reads_any_mail_however_broken(box: mailbox.Maildir, tmp_path: Path) -> None:
    broken = [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?x-nobody?Q?=ff?=\r\nContent-Type: text/html; charset=nobody\r\n\r\n\xff",
        b"Content-Type: multipart/alternative\r\n\r\nno boundary",
        b"To: (((\r\nFrom: <<>>\r\nDate: x\r\nContent-Type: text/plain; charset=\r\n\r\nbody",
        b"Content-Transfer-Encoding: base64\r\nContent-Type: text/html\r\n\r\n!!!",
        b"Subject: " + b"a" * 100_000,
        b"From: =?utf-8?b?8J+?= <a@b>\r\nMessage-ID: <[]>\r\nTo: @,;:\r\n\r\n",
    ]
    names = []
    for number, data in enumerate(broken):
        (tmp_path / "inbox" / "new" / f"key{number}").write_bytes(data)
        names.append(f"key{number}")
    assert {mail.key for mail in list_mails(tmp_path / "inbox")} == set(names)
    for name in names:
        mail = read_mail(tmp_path / "inbox", name)
        assert mail is not None
        assert mail.summary.key == name


@pytest.mark.urls("newsletter.urls")
def test_it_is_not_there_in_production(client: Client) -> None:
    assert client.get("/inbox/").status_code == 404
    program = (
        "import django, sys; django.setup(); import newsletter.urls;"
        "sys.exit('newsletter.web.inbox' in sys.modules)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "newsletter.settings"}
    environment.pop("PAPER_ROUND_DEMO", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0
