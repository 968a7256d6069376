"""What is joined from parts is, decoded, what the templates and premailer make of the whole."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from newsletter.mail.compose import compose_message
from newsletter.mail.inliner import Unprovable
from newsletter.mail.joining import Joiner
from newsletter.mail.letter import Card, Draft, Section, Slot
from newsletter.mail.render import render_digest
from tests.unit.mail.random_letters import (
    check_equal,
    check_wire,
    random_card,
    random_letters,
    reword,
)
from tests.unit.mail.samples import SITE, make_card, make_digest, make_envelope, make_hard_digest

LETTERS = 500


@pytest.mark.parametrize("seed", range(5))
def test_it_joins_what_the_whole_would_be(seed: int) -> None:
    joiner = Joiner()
    for digest, envelope in random_letters(seed, LETTERS // 5):
        joined = joiner.join(digest, envelope)
        check_equal(joined, compose_message(render_digest(digest), envelope))
        check_wire(joined)


def test_it_joins_the_hard_letter_the_same_twice() -> None:
    joiner = Joiner()
    digest, envelope = make_hard_digest(), make_envelope()
    joined = joiner.join(digest, envelope)
    check_equal(joined, compose_message(render_digest(digest), envelope))
    assert joiner.join(digest, envelope) == joined


def test_it_makes_a_card_once_for_all_readers() -> None:
    joiner = Joiner()
    for number in range(20):
        card = make_card(feedback_url=f"{SITE}/f/{number}")
        section = Section("RL", "i1", (card, card))
        joined = joiner.join(make_digest(section), make_envelope())
        assert joined.count(f"{SITE}/f/{number}".encode()) == 6  # two cards: twice in HTML, text
    assert joiner.cards.misses == 1  # the last of a section looks like the one before


def test_it_renders_a_shape_once_for_all_cards_like_it() -> None:
    chance = random.Random(1)
    joiner = Joiner()
    for number in range(40):
        card = reword(chance, make_card(number=number, feedback_url=f"{SITE}/f/{number}"))
        digest = make_digest(Section("RL", "i1", (card, card)))
        joined = joiner.join(digest, make_envelope())
        check_equal(joined, compose_message(render_digest(digest), make_envelope()))
    assert joiner.cards.misses == 40
    assert joiner.shapes.rendered == 1


def slot(card: Card, number: int, base: str) -> Slot:
    """A card that is written when it is asked for, as those of real letters are."""
    draft = Draft.of(replace(card, feedback_url=""))._replace(tail=f"~{number}~1~sealsea1")
    return Slot(("paper", number), base, lambda key, language: draft)


@pytest.mark.parametrize("base", ["", f"{SITE}/f/{'x' * 57}"])
def test_it_joins_cards_that_are_not_yet_written(base: str) -> None:
    joiner, chance = Joiner(), random.Random(1)
    slots = tuple(slot(random_card(chance, n), n, base) for n in range(30))
    for _ in range(2):
        digest = make_digest(Section("RL", "i1", slots[:12]), Section("LLM", "i2", slots[12:]))
        joined = joiner.join(digest, make_envelope())
        check_equal(joined, compose_message(render_digest(digest), make_envelope()))
        check_wire(joined)
    assert joiner.cards.misses == 30
    assert joined.replace(b"=\r\n", b"").count(b"~7~1~sealsea1") == (3 if base else 0)


def test_it_makes_a_frame_once_for_all_numbers_that_take_the_same_words() -> None:
    joiner = Joiner()
    for language in ("en", "de"):
        for left_out in (0, 1, 2, 14, 2001, 12345):
            digest = make_digest(left_out=left_out, language=language)
            joined = joiner.join(digest, make_envelope())
            check_equal(joined, compose_message(render_digest(digest), make_envelope()))
    assert joiner.frames.made == 6  # none, one, several


@pytest.mark.parametrize("odd", ["\ufffe", "\ufdd0", "\U0001ffff"])
def test_it_gives_up_where_a_parser_would_change_a_text(odd: str) -> None:
    digest = make_digest(Section("RL", "i1", (make_card(f"A {odd} title"),)))
    with pytest.raises(Unprovable):
        Joiner().join(digest, make_envelope())
