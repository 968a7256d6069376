"""Service mail and pictures in the admin: read, hastened, called off, nothing given away."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from newsletter.managing import leave_letters, mail_link
from newsletter.models import Notice, PictureFetch
from newsletter.notices import queue_notice, send_notices
from subscribers.models import Grant
from tests.integration.admin.makers import NOW, make_operator, make_paper, make_readers
from tests.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stopped_clock")]
LIST = "/admin/newsletter/notice/"


def make_notice(state: str = "queued", **fields: Any) -> Notice:
    values: dict[str, Any] = {"kind": "manage_link", "created_at": NOW, "next_at": NOW, **fields}
    if state in Notice.TERMINAL:
        values.setdefault("finished_at", NOW)
    return Notice.objects.create(state=state, **values)


def act(client: Client, action: str, *notices: Notice) -> str:
    data = {"action": action, "_selected_action": [notice.pk for notice in notices]}
    return client.post(LIST, data, follow=True).content.decode()


def test_it_lists_service_mail_with_what_became_of_it(operator_client: Client) -> None:
    (reader,) = make_readers(1)
    detail = f"5.1.1 no such user <{reader.email}>"
    make_notice("failed", subscriber=reader, kind="unsubscribed", code=550, detail=detail)
    make_notice(address="newcomer@reader.example", attempts=2, next_at=NOW + timedelta(minutes=5))
    page = operator_client.get(LIST).content.decode()
    for words in ("unsubscribed", "link to manage", "550", "no such user", "r•••@reader.example",
                  "n•••@reader.example"):  # fmt: skip
        assert words in page, words
    assert "reader0@" not in page
    assert "newcomer@" not in page


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("state__exact=failed", {"unsubscribed"}),
        ("kind__exact=manage_link", {"link to manage"}),
        ("waiting=again", {"link to manage"}),
        ("waiting=late", {"confirm the address"}),
        ("q=reader0", {"unsubscribed"}),
        ("q=ada@", {"confirm the address"}),
    ],
)
def test_it_filters(operator_client: Client, query: str, kinds: set[str]) -> None:
    (reader,) = make_readers(1)
    make_notice("failed", subscriber=reader, kind="unsubscribed")
    make_notice(address="bob@reader.example", attempts=2)
    early = NOW - timedelta(hours=1)
    make_notice(address="ada@reader.example", kind="confirm", created_at=early)
    page = operator_client.get(f"{LIST}?{query}").content.decode()
    rows = page.split('id="result_list"')[-1]
    names = ("unsubscribed", "link to manage", "confirm the address")
    shown = {name for name in names if re.search(rf"/change/[^>]*>\s*{name}\s*<", rows)}
    assert shown == kinds


def test_it_shows_neither_token_nor_link_nor_words(
    operator_client: Client, settings: Settings
) -> None:
    (reader,) = make_readers(1)
    mail_link(reader.pk, NOW, add=["secret interest"])
    queue_notice("address_old", reader.pk, now=NOW, payload={"words": {"address": "to@x.example"}})
    with SmtpServer() as relay:
        settings.EMAIL_URL = relay.url
        send_notices(NOW, 10)
        mails = b"".join(one.data for one in relay.accepted).replace(b"=\r\n", b"").decode()
    token = re.findall(r"/manage/open/(\w{28})", mails)[0]
    notices = Notice.objects.order_by("pk")
    assert Grant.objects.filter(subscriber=reader).exists()
    for notice in notices:
        page = operator_client.get(f"{LIST}{notice.pk}/change/").content.decode()
        assert token not in page
        assert "secret interest" not in page
        assert "to@x.example" not in page
        assert 'name="_save"' not in page
        assert "kept as a hash only" in page
        assert "('sent'" not in page


def test_it_tries_now_what_waits(operator_client: Client) -> None:
    later = NOW + timedelta(days=9999)  # of the database, whose clock goes on
    (reader,) = make_readers(1)
    waiting = make_notice(subscriber=reader, attempts=2, next_at=later)
    sent = make_notice("sent", subscriber=reader)
    assert "1 mail is tried now." in act(operator_client, "try_now", waiting, sent)
    waiting.refresh_from_db()
    assert waiting.next_at < later
    assert Notice.objects.get(pk=sent.pk).state == "sent"


def test_it_sends_a_failed_one_again_where_it_can_still_be_made(operator_client: Client) -> None:
    (reader,) = make_readers(1)
    again = make_notice("failed", subscriber=reader, kind="unsubscribed", attempts=6)
    over = [
        make_notice("failed", subscriber=reader, kind="confirm"),
        make_notice("failed", subscriber=reader, kind="address_new"),
        make_notice("failed", subscriber=None, kind="manage_link"),
    ]
    assert "1 mail is tried now." in act(operator_client, "try_now", again, *over)
    again.refresh_from_db()
    assert (again.state, again.attempts, again.finished_at) == ("queued", 0, None)
    assert "forgets its address" in act(operator_client, "try_now", *over)
    assert set(Notice.objects.filter(pk__in=[n.pk for n in over]).values_list("state")) == {
        ("failed",)
    }


def test_it_calls_off_what_waits_and_nothing_else(operator_client: Client) -> None:
    (reader,) = make_readers(1)
    leave_letters(reader.pk, "test", NOW)
    waiting = Notice.objects.get()
    held = make_notice(
        "sending", subscriber=reader, owner="w", lease_until=NOW + timedelta(minutes=5)
    )
    named = make_notice(address="x@reader.example", payload={"words": {"a": "b"}})
    assert "2 mails are called off." in act(operator_client, "call_off", waiting, held, named)
    held.refresh_from_db()
    named.refresh_from_db()
    assert held.state == "sending"
    assert (named.state, named.address, named.payload) == ("cancelled", "", {})
    assert "None of these waits." in act(operator_client, "call_off", waiting, held)


def test_who_may_only_look_settles_nothing(client: Client) -> None:
    client.force_login(make_operator("newsletter.view_notice"))
    notice = make_notice(address="x@reader.example")
    page = client.get(LIST).content.decode()
    assert "call_off" not in page
    act(client, "call_off", notice)
    notice.refresh_from_db()
    assert notice.state == "queued"
    for path in (f"{LIST}add/", f"{LIST}{notice.pk}/delete/"):
        assert client.get(path).status_code == 403


def test_a_long_list_costs_no_more_queries(
    operator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for reader in make_readers(30):
        make_notice(subscriber=reader)
    operator_client.get(LIST)
    with django_assert_num_queries(5):
        operator_client.get(LIST)


def test_it_shows_pictures_and_why_one_is_missing(operator_client: Client) -> None:
    paper = make_paper("A <b>bold</b> title")
    PictureFetch.objects.create(
        paper=paper,
        url="https://cdn-thumbnails.huggingface.co/x.png",
        state="failed",
        tries=4,
        next_at=NOW,
        tried_at=NOW,
        problem="broken: <script>",
    )
    url = "/admin/newsletter/picturefetch/"
    for page in (url, f"{url}{paper.pk}/change/"):
        text = operator_client.get(page).content.decode()
        assert "cdn-thumbnails.huggingface.co" in text
        assert "broken: &lt;script&gt;" in text
    data = {"action": "retry", "_selected_action": [paper.pk]}
    text = operator_client.post(url, data, follow=True).content.decode()
    assert "1 picture is due again." in text
    assert PictureFetch.objects.get().state == "due"
