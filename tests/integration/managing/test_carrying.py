"""A link's token leaves the address bar at once, and the page works with and without cookies."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from newsletter import links
from newsletter.managing import leave_letters
from newsletter.models import Delivery, Paper
from newsletter.web.carrying import SECONDS
from subscribers.models import Subscriber
from tests.factories import subscribe
from tests.integration.leaving.test_scanners import make_every_mail, photograph
from tests.integration.managing.visiting import SITE, enter, newest_link, post, strict_client
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
ADA = "ada@reader.example"
PAGES = re.compile(
    r"^/(?:u|m|l|f|c|b|undo|manage/open|address/old|address/new)/(?P<token>[\w~-]{20,})$", re.A
)


def open_link(client: Client, link: str) -> tuple[str, HttpResponse]:
    """Follow a link by hand, as a browser does; return where it led and the page."""
    first = client.get(link)
    assert first.status_code == 303
    return first["Location"], client.get(first["Location"])  # type: ignore[return-value]


def refuse_cookies(client: Client) -> Client:
    client.cookies.clear()
    return client


def token_of(page: HttpResponse) -> str:
    found = re.search(r'name="token" value="([\w~-]+)"', page.content.decode())
    assert found
    return found[1]


def test_no_page_of_any_mail_keeps_its_token(server: SmtpServer) -> None:
    urls = [url.removeprefix(SITE) for url in make_every_mail(server)]
    tokens = {found["token"]: url for url in urls if (found := PAGES.match(url))}
    assert len({url.rpartition("/")[0] for url in tokens.values()}) == 10
    before = photograph()
    for token, url in tokens.items():
        client = strict_client()
        first = client.get(url)
        (cookie,) = first.cookies.values()
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", SECONDS)
        assert cookie["path"] == first["Location"] != url
        assert token not in cookie.value + cookie.key + first["Location"] + first.content.decode()
        page = client.get(first["Location"])
        assert page.status_code in (200, 410), url  # 410: a mail of the test to nobody
        for response in (first, page):
            assert response["Referrer-Policy"] == "no-referrer"
            assert response["X-Robots-Tag"] == "noindex"
            assert "no-store" in response["Cache-Control"]
        if not url.startswith("/l/"):  # the letter's own links are those it was mailed with
            assert token not in re.sub(r'<input type="hidden"[^>]*>', "", page.content.decode())
    assert photograph() == before


def test_two_pages_of_one_kind_stay_apart(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client, papers = strict_client(), []
    for number in (1, 2):
        paper = Paper.objects.create(title=f"Paper {number}", title_key=f"paper {number}")
        link = links.feedback_url(reader, paper.pk).removeprefix(SITE)
        papers.append(open_link(client, link)[0])
    for number, page in enumerate(papers, 1):
        assert f"Paper {number}" in client.get(page).content.decode()


def test_what_a_form_posts_is_the_proof_and_not_the_cookie(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = strict_client()
    link = f"/u/{links.make_token(links.UNSUBSCRIBE, reader)}"
    address, page = open_link(client, link)
    token = token_of(page)
    for stray in ({"from": "page", "token": "x" * 40}, {"from": "page", "token": token[:-1]}):
        assert client.post(address, stray).status_code == 404
    assert Subscriber.objects.get().status == "confirmed"
    answer = refuse_cookies(client).post(address, {"from": "page", "token": token})
    assert "You are unsubscribed" in answer.content.decode()
    assert Subscriber.objects.get().status == "unsubscribed"


def test_without_cookies_the_pasted_link_opens_the_page(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    link = f"{SITE}/u/{links.make_token(links.UNSUBSCRIBE, reader)}"
    client = strict_client()
    address = client.get(link.removeprefix(SITE))["Location"]
    page = refuse_cookies(client).get(address)
    assert (page.status_code, "Open the link again" in page.content.decode()) == (400, True)
    for text in (link, f"  {link}/ ", link.rpartition("/")[2]):
        opened = refuse_cookies(client).post(address, {"link": text})
        assert "End the letters to a•••@reader.example" in opened.content.decode()
        assert Subscriber.objects.get().status == "confirmed"
    wrong = refuse_cookies(client).post(address, {"link": "javascript:alert(1)"})
    assert (wrong.status_code, b"javascript" in wrong.content) == (404, False)
    answer = refuse_cookies(client).post(address, {"from": "page", "token": token_of(opened)})  # type: ignore[arg-type]
    assert "You are unsubscribed" in answer.content.decode()


def test_a_link_to_manage_is_not_used_up_where_no_cookie_is_kept(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = strict_client()
    post(client, "/manage", email=ADA)
    link = newest_link(server, ADA, "/manage/open/")
    address, page = open_link(client, link)
    token = token_of(page)
    answer = refuse_cookies(client).post(address, {"token": token})
    assert (answer.status_code, "not used up" in answer.content.decode()) == (400, True)
    address, page = open_link(client, link)
    assert client.post(address, {"token": token})["Location"] == "/manage"
    assert client.get("/manage/letters").status_code == 200


def test_a_cookie_is_of_one_page_and_for_half_an_hour(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = strict_client()
    address, page = open_link(client, f"/m/{links.make_token(links.MANAGE, reader)}")
    assert page.status_code == 200
    (name,) = client.cookies
    other = address.replace("/m/", "/u/")
    assert client.get(other).status_code == 400  # the same cookie, carried elsewhere
    good = client.cookies[name].value
    client.cookies[name] = good[:-2] + ("AA" if good[-2:] != "AA" else "BB")
    assert client.get(address).status_code == 400
    client.cookies[name] = good
    assert client.get(address).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=SECONDS + 5)):
        assert client.get(address).status_code == 400


def test_one_click_is_as_it_was(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    link = f"/u/{links.make_token(links.UNSUBSCRIBE, reader)}"
    answer = strict_client().post(link, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert "Location" not in answer
    assert Subscriber.objects.get().status == "unsubscribed"


def test_a_letter_read_online_has_an_address_without_a_token(server: SmtpServer) -> None:
    make_every_mail(server)
    delivery = Delivery.objects.filter(state="sent").first()
    assert delivery
    url = links.read_online_url(delivery.subscriber_id, delivery.pk).removeprefix(SITE)
    address, page = open_link(strict_client(), url)
    assert re.fullmatch(r"/l/[0-9a-f]{10}", address)
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert refuse_cookies(strict_client()).get(address).status_code == 400


def test_the_way_back_works_through_its_page(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    leave_letters(reader, "test", timezone.now())
    address, page = open_link(client, newest_link(server, ADA, "/undo/"))
    answer = client.post(address, {"token": token_of(page)})
    assert "Your letters come again" in answer.content.decode()
    assert Subscriber.objects.get().status == "confirmed"
