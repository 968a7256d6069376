"""Mail scanners open every link of every mail: nothing in the database may change."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import links
from newsletter.days import run_day
from newsletter.managing import leave_letters
from newsletter.models import Notice
from newsletter.notices import queue_notice
from tests.factories import FOLDING, MORNING, RL, store, subscribe
from tests.integration.managing.visiting import SITE, enter, find_links, post, read_mails
from tests.smtp import SmtpServer

ADA = "ada@reader.example"
SCANNERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5134; Pro)",
    "Microsoft-SafeLinks/1.0",
    "Mozilla/5.0 (compatible; proofpoint-url-defense/2.0)",
    "Mimecast-URL-Protect/1.2",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 zgrab/0.x",
    "GoogleImageProxy",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Cisco-IronPort-AsyncOS/14.0)",
    "Symantec.cloud/ClickTime",
    "TrendMicro-ClickTimeProtection",
    "FortiMail-Sandbox/7.4",
    "python-requests/2.32",
    "curl/8.5.0",
    "Go-http-client/2.0",
    "Mozilla/5.0 (X11; Linux x64) HeadlessChrome/124.0.0.0 Safari/537.36",
]


def photograph() -> dict[str, str]:
    """Return a hash of every table's rows."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {}
        for table in tables:
            rows = "string_agg(t::text, chr(10) ORDER BY t::text)"
            cursor.execute(f"SELECT count(*) || md5(coalesce({rows}, '')) FROM \"{table}\" t")
            found[table] = cursor.fetchone()[0]
    return found


def make_every_mail(server: SmtpServer) -> list[str]:
    """Have one of each mail sent, and return every address of this site in them."""
    reader = subscribe("reinforcement learning", "protein folding", email=ADA)
    store(RL, FOLDING)
    run_day(None, MORNING, everyone=True)
    client = enter(server, ADA)
    post(client, "/manage/address", email="new@reader.example")
    gone = subscribe("RL", email="gone@reader.example")
    leave_letters(gone, "test", timezone.now())
    now = timezone.now()
    queue_notice("confirm", None, address="fresh@reader.example", now=now)
    queue_notice("manage_link", reader, now=now)
    queue_notice("erased", None, address="erased@reader.example", now=now)
    queue_notice(
        "address_changed", reader, address=ADA, now=now, payload={"words": {"masked": "n•••@x"}}
    )
    found = [link for _, mail in read_mails(server) for link in find_links(mail)]
    assert {kind for kind, _ in Notice.Kind.choices} == set(
        Notice.objects.filter(state="sent").values_list("kind", flat=True)
    ), "a kind of mail is not scanned here"
    own = {link.split("#")[0] for link in found if link.startswith(SITE)}
    own.add(links.saved_feed_url(reader, 1))
    return sorted(own)


@pytest.mark.django_db
def test_a_scanner_changes_nothing(server: SmtpServer) -> None:
    urls = make_every_mail(server)
    kinds = {url.removeprefix(SITE).rpartition("/")[0] for url in urls}
    assert kinds >= {
        "/u", "/m", "/l", "/f", "/c", "/b", "/undo", "/manage/open", "/address/old", "/address/new",
    }  # fmt: skip
    before = photograph()
    assert len(before) > 20
    for url in urls:
        path = url.removeprefix(SITE) or "/"
        for agent in SCANNERS:
            client = Client(headers={"user-agent": agent})
            assert client.get(path, follow=True).status_code < 500
            assert client.head(path).status_code < 500
            client.options(path)
    assert photograph() == before


@pytest.mark.django_db
def test_the_photograph_sees_a_change() -> None:
    before = photograph()
    subscribe("RL")
    assert photograph() != before
