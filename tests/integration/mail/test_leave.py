"""The pages behind a letter's links: RFC 8058's POST, and the button that asks first."""

from __future__ import annotations

import pytest
from django.http import HttpResponseBase
from django.test import Client

from newsletter import links
from subscribers.models import ConsentEvent, Subscriber
from tests.factories import subscribe

pytestmark = pytest.mark.django_db

MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)
UNSUBSCRIBED = Subscriber.Status.UNSUBSCRIBED


def path_of(subscriber_id: int, purpose: str = links.UNSUBSCRIBE) -> str:
    letter = {links.UNSUBSCRIBE: "u", links.MANAGE: "m"}[purpose]
    return f"/{letter}/{links.make_token(purpose, subscriber_id)}"


def status_of(subscriber_id: int) -> str:
    return str(Subscriber.objects.get(pk=subscriber_id).status)


def strict_client() -> Client:
    return Client(enforce_csrf_checks=True)


def check_bare(response: HttpResponseBase) -> None:
    assert response.status_code == 200
    assert not response.cookies
    assert not response.has_header("Location")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=b"),
        ("--b\r\nbroken", "multipart/form-data; boundary="),
        ("", "text/plain"),
    ],
)
def test_it_unsubscribes_with_one_post(body: str, content_type: str) -> None:
    reader = subscribe("RL")
    for _ in range(2):
        check_bare(strict_client().post(path_of(reader), body, content_type=content_type))
    assert status_of(reader) == UNSUBSCRIBED
    events = ConsentEvent.objects.filter(subscriber=reader, kind=ConsentEvent.Kind.UNSUBSCRIBED)
    assert [event.source for event in events] == ["one-click"]


def test_it_changes_nothing_when_read() -> None:
    reader = subscribe("RL")
    for purpose in (links.UNSUBSCRIBE, links.MANAGE):
        client = strict_client()
        for method in (client.get, client.head):
            response = method(path_of(reader, purpose))
            assert response.status_code == 303
            assert method(response["Location"]).status_code == 200
        assert client.options(path_of(reader, purpose)).status_code == 405
    assert status_of(reader) == Subscriber.Status.CONFIRMED


def test_its_button_unsubscribes_and_keeps_the_words_agreed_to() -> None:
    reader = subscribe("RL", email="ada@reader.example")
    page = strict_client().get(path_of(reader), follow=True).content.decode()
    assert "a•••@reader.example" in page
    assert "ada@" not in page
    assert '<form method="post"><input type="hidden" name="token"' in page
    response = strict_client().post(path_of(reader), {"from": "page"})
    check_bare(response)
    assert "You are unsubscribed" in response.content.decode()
    event = ConsentEvent.objects.get(subscriber=reader, kind=ConsentEvent.Kind.UNSUBSCRIBED)
    assert (event.source, event.wording) == ("unsubscribe page", "End my letters")


def test_it_answers_for_a_reader_who_is_gone() -> None:
    check_bare(strict_client().post(path_of(987_654_321)))
    assert (
        "You are unsubscribed"
        in strict_client().get(path_of(987_654_321), follow=True).content.decode()
    )


@pytest.mark.parametrize("token", ["x", "a" * 60, "é" * 40, "%00"])
def test_it_refuses_a_link_it_did_not_make(token: str) -> None:
    for response in (
        strict_client().get(f"/u/{token}", follow=True),
        strict_client().post(f"/u/{token}"),
    ):
        assert response.status_code == 404
        assert "This link is not whole" in response.content.decode()


def test_it_keeps_the_purposes_apart() -> None:
    reader = subscribe("RL")
    token = links.make_token(links.MANAGE, reader)
    assert strict_client().post(f"/u/{token}").status_code == 404
    assert status_of(reader) == Subscriber.Status.CONFIRMED


def test_it_shows_what_a_reader_gets() -> None:
    reader = subscribe("RL", 'LLM -"reinforcement learning"', email="ada@reader.example")
    response = strict_client().get(path_of(reader, links.MANAGE), follow=True)
    page = response.content.decode()
    assert page.index("<bdi>RL</bdi>") < page.index("LLM -&quot;reinforcement learning&quot;")
    assert "08:00" in page
    assert "ada@" not in page
    assert links.unsubscribe_url(reader) in page
    assert response["X-Robots-Tag"] == "noindex"
    assert "no-store" in response["Cache-Control"]
