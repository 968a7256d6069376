"""What the form shows before anything is asked: estimates, the letter, errors at their place."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.days import prepare_edition
from newsletter.web import subscribing
from newsletter.web.gentle import Gentle
from subscribers.models import LimitCount, Signup, Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "_looks", Gentle(most=240, seconds=60.0))


@pytest.fixture
def edition() -> None:
    store(RL, FOLDING, "Protein folding with diffusion")
    prepare_edition(DAY, MORNING)


def words(page: bytes) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page.decode())).split())


@pytest.mark.usefixtures("edition")
def test_it_says_what_an_interest_brings() -> None:
    answer = Client().get("/estimate", {"q": "RL"})
    text = words(answer.content)
    assert set(answer["Cache-Control"].split(", ")) == {"max-age=300", "private"}
    assert "also finds “reinforcement learning”" in text
    assert "1 a day" in text
    assert b"<mark>reinforcement learning</mark>" in answer.content
    assert b"<rect" in answer.content
    assert b"style=" not in answer.content
    assert b"<script" not in answer.content


@pytest.mark.usefixtures("edition")
def test_it_offers_words_that_find_something() -> None:
    page = Client().get("/estimate", {"q": "protein foldng"}).content
    assert b'data-instead="protein folding"' in page


def test_it_points_at_what_is_wrong() -> None:
    page = Client().get("/estimate", {"q": 'RL "half'}).content
    assert b'RL <mark class="fault">&quot;</mark>half' in page
    assert "never closed: add another, or remove it." in words(page)


def test_it_escapes_what_was_typed() -> None:
    for page in (
        Client().get("/estimate", {"q": "<img src=x onerror=alert(1)>"}).content,
        Client().get("/subscribe", {"q": "</textarea><script>alert(1)</script>"}).content,
    ):
        assert b"<img src=x" not in page
        assert b"<script>alert" not in page


def test_it_says_nothing_of_nothing() -> None:
    assert Client().get("/estimate").status_code == 204


def test_it_is_gentle_with_those_who_ask_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "_looks", Gentle(most=2, seconds=60.0))
    codes = [Client().get("/estimate", {"q": "RL"}).status_code for _ in range(3)]
    other = Client().get("/estimate", {"q": "RL"}, REMOTE_ADDR="203.0.113.1").status_code
    assert (codes, other) == ([200, 200, 429], 200)
    assert not LimitCount.objects.exists()  # a GET writes nothing


@pytest.mark.usefixtures("edition")
def test_it_shows_the_letter_of_today_for_interests_nobody_has() -> None:
    page = Client().post("/subscribe/preview", {"interests": "RL\nprotein folding"}).content
    found = re.search(r'<iframe[^>]*src="([^"]+)"', page.decode())
    assert found is not None
    assert b'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    letter = Client().get(unescape(found[1]))
    text = words(letter.content)
    assert "Of 3 papers announced, 3 are yours" in text
    assert "Here because of RL (as “reinforcement learning”), in the title" in text
    assert RL in text
    assert "sandbox" in letter["Content-Security-Policy"]
    assert letter["X-Frame-Options"] == "SAMEORIGIN"
    assert not Subscriber.objects.exists()
    assert not Signup.objects.exists()


@pytest.mark.usefixtures("edition")
def test_it_keeps_what_was_typed_while_looking() -> None:
    fields = {"interests": "RL", "email": "ada@reader.example", "hour": "21:00"}
    page = Client().post("/subscribe/preview", fields).content.decode()
    assert 'value="ada@reader.example"' in page
    assert '<option value="21:00" selected>' in page


def test_it_says_why_there_is_no_letter() -> None:
    page = Client().post("/subscribe/preview", {"interests": "RL"}).content
    assert "there is no edition yet" in words(page)
    store(FOLDING)
    prepare_edition(DAY, MORNING)
    page = Client().post("/subscribe/preview", {"interests": "RL"}).content
    assert "Nothing in the newest edition matches" in words(page)


def test_it_refuses_what_matches_a_third_of_everything() -> None:
    store(*(f"{RL} part {n}" for n in range(60)))
    prepare_edition(DAY, MORNING)
    answer = Client().post("/subscribe/preview", {"interests": "reinforcement learning"})
    assert answer.status_code == 422
    assert "a third of all papers" in words(answer.content)


@pytest.mark.parametrize("path", ["/subscribe", "/subscribe/sent"])
def test_its_pages_load_nothing_from_elsewhere_and_run_nothing_inline(path: str) -> None:
    answer = Client().get(path, {"q": "RL"})
    page = answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert not re.search(r"\son\w+=|\sstyle=", page)
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [source for source in sources if source.startswith(("http", "//"))] == []


def test_it_sets_no_cookie_before_the_form_is_there(settings: Settings) -> None:
    client = Client()
    client.post("/subscribe/preview", {"interests": ""})
    client.get("/estimate", {"q": "RL"})
    client.get("/subscribe/sent")
    assert set(client.cookies) <= {settings.CSRF_COOKIE_NAME}
