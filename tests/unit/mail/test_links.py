from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from newsletter import links
from newsletter.links import BadToken, TokenValue, make_token, read_token

ids = st.integers(0, 2**63 - 1)
keys = st.integers(1, 2**63 - 1)


@given(ids, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_it_reads_back_what_a_token_says(subscriber_id: int, extra: str) -> None:
    token = make_token("read", subscriber_id, extra)
    assert read_token(token, "read") == TokenValue(subscriber_id, extra)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token.isascii()


@given(ids, st.data())
def test_it_refuses_every_change(subscriber_id: int, data: st.DataObject) -> None:
    token = make_token("read", subscriber_id)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[place]))
    with pytest.raises(BadToken):
        read_token(token[:place] + other + token[place + 1 :], "read")
    for mangled in (token[:place], token + "A", token + "\n", token + "=", token.swapcase()):
        with pytest.raises(BadToken):
            read_token(mangled, "read")


@given(st.text(max_size=120))
def test_it_refuses_what_it_never_made(token: str) -> None:
    with pytest.raises(BadToken):
        read_token(token, "unsubscribe")


def test_it_binds_a_token_to_its_purpose() -> None:
    with pytest.raises(BadToken):
        read_token(make_token("manage", 7), "unsubscribe")


def test_it_reads_tokens_of_a_replaced_key(settings: Settings) -> None:
    settings.LINK_KEY = "old"
    token = make_token("unsubscribe", 7)
    settings.LINK_KEY = "new old"
    assert read_token(token, "unsubscribe").subscriber_id == 7
    assert make_token("unsubscribe", 7) != token
    settings.LINK_KEY = "new"
    with pytest.raises(BadToken):
        read_token(token, "unsubscribe")


def test_it_does_not_depend_on_the_secret_key(settings: Settings) -> None:
    token = make_token("unsubscribe", 7)
    settings.SECRET_KEY = "rotated"
    assert read_token(token, "unsubscribe").subscriber_id == 7


def test_it_makes_the_sites_addresses(settings: Settings) -> None:
    settings.SITE_URL = "https://papers.example.org"
    assert links.unsubscribe_url(7).startswith("https://papers.example.org/u/")
    token = links.read_online_url(7, 12).removeprefix("https://papers.example.org/l/")
    assert read_token(token, links.READ_ONLINE) == TokenValue(7, "12")
    assert links.paper_url(3) == "https://papers.example.org/p/3"
    assert len(links.unsubscribe_url(2**31)) < 80


def test_it_makes_one_message_id_a_letter() -> None:
    day = date(2026, 11, 20)
    first = links.make_message_id(day, 7, "digest", "example.org")
    assert first == links.make_message_id(day, 7, "digest", "example.org")
    assert first.startswith("<")
    assert first.endswith(".d@example.org>")
    others = {
        links.make_message_id(date(2026, 11, 21), 7, "digest", "example.org"),
        links.make_message_id(day, 8, "digest", "example.org"),
        links.make_message_id(day, 7, "confirm", "example.org"),
    }
    assert len(others | {first}) == 4


PURPOSES = [
    links.UNSUBSCRIBE, links.MANAGE, links.READ_ONLINE, links.FEEDBACK, links.FEEDBACK_OF_PAPER,
    links.SAVED_FEED,
]  # fmt: skip


@pytest.mark.parametrize("made_for", PURPOSES)
@pytest.mark.parametrize("used_for", PURPOSES)
def test_it_serves_its_own_purpose_only(made_for: str, used_for: str) -> None:
    token = make_token(made_for, 7, "12.3")
    if made_for == used_for:
        assert read_token(token, used_for) == TokenValue(7, "12.3")
        return
    with pytest.raises(BadToken):
        read_token(token, used_for)


def test_a_hundred_thousand_guesses_open_nothing() -> None:
    """Random tokens under the right key's name, as who has one letter could make them."""
    random = Random(20261120)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    known = make_token(links.UNSUBSCRIBE, 7)
    payload = known[28:]
    for _ in range(100_000):
        guess = known[:4] + "".join(random.choices(letters, k=24)) + payload
        with pytest.raises(BadToken):
            read_token(guess, links.UNSUBSCRIBE)


@pytest.mark.parametrize("mangle", [str.upper, str.lower, str.swapcase])
@given(subscriber_id=ids)
def test_it_refuses_other_letters(mangle: Callable[[str], str], subscriber_id: int) -> None:
    token = make_token("read", subscriber_id)
    if mangle(token) != token:
        with pytest.raises(BadToken):
            read_token(mangle(token), "read")


def read_link(url: str) -> links.FeedbackValue:
    return links.read_feedback(url.rpartition("/")[2])


def feedback_token(reader: int) -> str:
    return links.feedback_base(reader).rpartition("/")[2]


@given(ids, keys, st.lists(keys, max_size=8))
def test_a_feedback_link_says_whose_which_and_why(
    reader: int, paper: int, queries: list[int]
) -> None:
    url = links.feedback_url(reader, paper, queries)
    assert read_link(url) == links.FeedbackValue(reader, paper, tuple(queries[:4]))
    for purpose in PURPOSES:
        with pytest.raises(BadToken):
            read_token(url.rpartition("/")[2], purpose)


def test_a_letters_feedback_links_have_one_signature(settings: Settings) -> None:
    settings.SITE_URL = "https://papers.example.org"
    base = links.feedback_base(7)
    assert base == f"https://papers.example.org/f/{make_token(links.FEEDBACK, 7)}"
    tail = links.feedback_tail(12, (3, 4))
    assert re.fullmatch(r"~12~3~4~[\w-]{8}", tail)
    assert re.fullmatch(r"~12~1~2~3~4~[\w-]{8}", links.feedback_tail(12, range(1, 9)))
    assert links.feedback_url(7, 12, (3, 4)) == base + tail


@given(ids, keys, st.lists(keys, max_size=4))
def test_it_reads_feedback_links_of_letters_already_sent(
    reader: int, paper: int, queries: list[int]
) -> None:
    extra = ".".join(map(str, (paper, *queries)))
    token = make_token(links.FEEDBACK_OF_PAPER, reader, extra)
    assert links.read_feedback(token) == links.FeedbackValue(reader, paper, tuple(queries))
    with pytest.raises(BadToken):
        links.read_feedback(f"{token}~{paper}")  # all is signed, nothing can be added


def test_a_feedback_link_as_it_stood_in_a_letter_is_still_read(settings: Settings) -> None:
    settings.LINK_KEY = "a key of before"
    token = "N4J-ufBfivNlncLS2SVNeWpjhCbWNzoxMi4zLjQ"
    assert links.read_feedback(token) == links.FeedbackValue(7, 12, (3, 4))


@pytest.mark.parametrize(
    "tail",
    [
        "", "~", "~~12", "~12~", "~12~~3", "~0", "~12~0", "~012", "~12~03", "~-1", "~+1", "~1.5",
        "~1_0", "~ 1", "~12 ", "~12\n", "~x", "~0x1", "~1e3", "~\u0661", "~\u00b2", f"~{2**63}",
        f"~12~{2**63}", "~" + "9" * 19, "~1" + "0" * 5000, "~1~2~3~4~5~6", "~1" * 1000, ".12",
    ],
)  # fmt: skip
def test_it_refuses_tails_that_name_no_paper(tail: str) -> None:
    with pytest.raises(BadToken):
        links.read_feedback(feedback_token(7) + tail)
    sealed = f"{tail}~{links._seal(links._keys()[0], tail)}"
    with pytest.raises(BadToken):
        links.read_feedback(feedback_token(7) + sealed)


@given(keys, st.lists(keys, max_size=4), st.data())
def test_a_seal_is_of_one_paper_and_its_interests(
    paper: int, queries: list[int], data: st.DataObject
) -> None:
    tail = links.feedback_tail(paper, queries)
    place = data.draw(st.integers(0, len(tail) - 1))
    other = data.draw(st.sampled_from("0123456789~_-aZ".replace(tail[place], "")))
    for changed in (f"{tail[:place]}{other}{tail[place + 1 :]}", tail[:place], tail + other):
        with pytest.raises(BadToken):
            links.read_feedback(feedback_token(7) + changed)


def test_a_seal_made_with_the_key_before_is_read(settings: Settings) -> None:
    settings.LINK_KEY = "before"
    token = links.feedback_url(7, 12, (3,)).rpartition("/")[2]
    settings.LINK_KEY = "now before"
    assert links.read_feedback(token) == links.FeedbackValue(7, 12, (3,))
    settings.LINK_KEY = "now"
    with pytest.raises(BadToken):
        links.read_feedback(token)


@pytest.mark.parametrize("purpose", sorted({*PURPOSES} - {links.FEEDBACK}))
def test_no_other_token_makes_a_feedback_link(purpose: str) -> None:
    with pytest.raises(BadToken):
        links.read_feedback(f"{make_token(purpose, 7)}{links.feedback_tail(12, (3,))}")
    if purpose != links.FEEDBACK_OF_PAPER:
        with pytest.raises(BadToken):
            links.read_feedback(make_token(purpose, 7, "12.3"))


@given(st.data())
def test_it_refuses_a_feedback_link_of_another_reader(data: st.DataObject) -> None:
    token, tail = feedback_token(7), links.feedback_tail(12, (3,))
    place = data.draw(st.integers(0, len(token) - 1))
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    other = data.draw(st.sampled_from(letters.replace(token[place], "")))
    with pytest.raises(BadToken):
        links.read_feedback(f"{token[:place]}{other}{token[place + 1 :]}{tail}")
    with pytest.raises(BadToken):
        links.read_feedback(f"{token[:28]}{feedback_token(8)[28:]}{tail}")
