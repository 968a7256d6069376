"""Into one's own pages without an account: a mailed link, a button, half an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import links
from newsletter.models import Notice
from subscribers.models import Grant, Subscriber
from subscribers.services import unsubscribe
from tests.factories import subscribe
from tests.integration.managing.visiting import (
    enter,
    newest_link,
    post,
    read_mails,
    strict_client,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"


def test_it_lets_a_reader_in_by_mail(server: SmtpServer) -> None:
    subscribe("RL", "protein folding", email=ADA)
    client = enter(server, ADA)
    page = client.get("/manage").content.decode()
    assert page.index("<bdi>RL</bdi>") < page.index("<bdi>protein folding</bdi>")
    assert "a•••@reader.example" in page
    assert ADA not in page


def test_it_answers_alike_for_known_and_unknown(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = strict_client()
    answers = [post(client, "/manage", email=email) for email in (ADA, "nobody@reader.example")]
    assert answers[0].content == answers[1].content
    assert [answer.status_code for answer in answers] == [202, 202]
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert [to for to, _ in read_mails(server)] == [ADA]


def test_it_does_the_same_work_for_known_and_unknown() -> None:
    subscribe("RL", email=ADA)
    client = strict_client()
    post(client, "/manage", email="first@reader.example")
    work = []
    for email in (ADA, "nobody@reader.example"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            post(client, "/manage", email=email)
        work.append([query["sql"].split(" ")[0] for query in queries])
    assert work[0] == work[1]


def test_it_refuses_what_is_no_address() -> None:
    response = post(strict_client(), "/manage", email="ada at home")
    assert response.status_code == 400
    assert "write name@example.org" in response.content.decode()
    assert not Notice.objects.exists()


def test_opening_the_link_changes_nothing(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    post(strict_client(), "/manage", email=ADA)
    link = newest_link(server, ADA, "/manage/open/")
    for client in (strict_client(), strict_client()):
        assert client.get(link, follow=True).status_code == 200
        assert client.head(link, follow=True).status_code == 200
        assert "sessionid" not in client.cookies
    assert Grant.objects.get().used_at is None


def test_the_link_works_once_and_for_half_an_hour(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    with time_machine.travel(timezone.now(), tick=True) as clock:
        post(strict_client(), "/manage", email=ADA)
        link = newest_link(server, ADA, "/manage/open/")
        assert strict_client().post(link).status_code == 303
        assert strict_client().post(link).status_code == 410
        post(strict_client(), "/manage", email=ADA)
        late = newest_link(server, ADA, "/manage/open/")
        clock.shift(timedelta(minutes=31))
        assert strict_client().get(late, follow=True).status_code == 410
        assert strict_client().post(late).status_code == 410


def test_a_visit_ends_after_half_an_hour_or_when_done(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    with time_machine.travel(timezone.now(), tick=True) as clock:
        client = enter(server, ADA)
        clock.shift(timedelta(minutes=29))
        assert "Your interests" in client.get("/manage").content.decode()
        clock.shift(timedelta(minutes=2))
        assert client.get("/manage/letters").status_code == 303
    client = enter(server, ADA)
    assert post(client, "/manage", to="/manage/finish").status_code == 303
    assert "Mail me a link" in client.get("/manage").content.decode()


def test_the_address_behind_the_link_has_no_token(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = strict_client()
    post(client, "/manage", email=ADA)
    link = newest_link(server, ADA, "/manage/open/")
    for response in (
        client.get(link),
        client.get(link, follow=True),
        client.post(link),
        client.get("/manage"),
    ):
        assert "no-store" in response["Cache-Control"]
    assert client.get(link, follow=True)["Referrer-Policy"] == "no-referrer"
    assert client.get(link, follow=True)["X-Robots-Tag"] == "noindex"
    assert link.rpartition("/")[2] not in client.get("/manage").content.decode()


@pytest.mark.parametrize("purpose", [links.MANAGE, links.UNSUBSCRIBE, links.READ_ONLINE])
@pytest.mark.parametrize("what", ["interests", "data/export", "data/erase", ""])
def test_a_letters_link_manages_nothing_and_the_owner_is_told(
    server: SmtpServer, purpose: str, what: str
) -> None:
    reader = subscribe("RL", email=ADA)
    token = links.make_token(purpose, reader)
    path = f"/m/{token}/{what}" if what else f"/manage/open/{token}"
    assert strict_client().get(path, follow=True).status_code == 403
    assert read_mails(server) == []
    assert strict_client().post(path, {"do": "remove"}).status_code == 403
    assert newest_link(server, ADA, "/manage/open/")
    assert Subscriber.objects.get(pk=reader).interests.count() == 1


def test_it_mails_no_more_than_three_links_an_hour(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    for _ in range(5):
        post(strict_client(), "/manage", email=ADA)
        strict_client().post(f"/m/{links.make_token(links.MANAGE, reader)}")
    assert len(read_mails(server)) == 3


def test_a_letters_page_mails_the_link(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    page = strict_client().post(f"/m/{links.make_token(links.MANAGE, reader)}").content.decode()
    assert "A link is on its way" in page
    assert ADA not in page
    assert newest_link(server, ADA, "/manage/open/")


def test_who_left_may_still_ask_for_their_data(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    unsubscribe(reader, "test", timezone.now())
    client = enter(server, ADA)
    assert client.get("/manage/data/export").status_code == 200


def test_a_visit_is_of_one_reader(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    other = subscribe("astronomy", email="bob@reader.example")
    client = enter(server, ADA)
    theirs = Subscriber.objects.get(pk=other).interests.get()
    for action in ("remove", "mute", "edit", "star", "exact", "up"):
        post(client, "/manage", to="/manage/interests", do=action, interest=theirs.pk, text="x")
    theirs.refresh_from_db()
    assert (theirs.text, theirs.muted, theirs.weight) == ("astronomy", False, 1)


def test_forms_need_their_csrf_token(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = enter(server, ADA)
    for path in ("/manage", "/manage/interests", "/manage/letter", "/manage/pause"):
        assert client.post(path, {"do": "add", "text": "x"}).status_code == 403
    assert client.post("/manage/data/erase", {"word": "erase"}).status_code == 403
    assert Subscriber.objects.filter(email=ADA).exists()


def test_a_mailed_link_serves_its_own_purpose_only(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    post(strict_client(), "/manage", email=ADA)
    token = newest_link(server, ADA, "/manage/open/").rpartition("/")[2]
    for path in ("/undo/", "/address/old/", "/address/new/", "/u/", "/m/", "/f/", "/feed/saved/"):
        assert strict_client().get(path + token, follow=True).status_code == 404
        assert strict_client().post(path + token).status_code in (403, 404, 405)
    for mangled in (token.swapcase(), token[:-1], token + "a", token[::-1]):
        assert strict_client().post(f"/manage/open/{mangled}").status_code == 404
    assert Grant.objects.get().used_at is None
    assert strict_client().post(f"/manage/open/{token}").status_code == 303
