"""What is joined from parts is, decoded, what the templates and premailer make of the whole."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes

import pytest
from django.conf import settings
from django.test import override_settings

from newsletter.mail.compose import compose_message
from newsletter.mail.inliner import Unprovable
from newsletter.mail.joining import Joiner
from newsletter.mail.letter import Card, Digest, Draft, Envelope, Link, Section, Slot
from newsletter.mail.render import render_digest
from newsletter.matching.display import Segment
from newsletter.paths import ROOT
from tests.unit.mail.samples import SITE, make_card, make_digest, make_envelope, make_hard_digest

WORDS = [
    *[
        "reward",
        "model",
        "half",
        "the",
        "labels",
        "steering",
        "تعلّم",
        "معزّز",
        "עמוק",
        "ללמוד",
        "強化学習",
        "報酬",
        "대규모",
        "🤖",
        "é",
    ],
    *[
        "a<b",
        "x&y",
        '"quoted"',
        "it's",
        "$x_{1}<y$",
        "\\alpha",
        "&amp;",
        "&lt;b&gt;",
        "<script>",
        "50%",
        "=",
        "==",
        "=3D",
    ],
    *[
        ".",
        "..",
        "-",
        "•",
        "*",
        "naïve",
        "–",
        "https://example.org/?a=1&b=2",
        "‘curly’",
        "½",
        "…",
        "zq",
        "C#",
        "Ω",
        "O(n²)",
        "_under_",
    ],
    *["~tilde", "@home", "'single'", "a|b", "{{", "curly", "}}", "{%", "tag", "%}"],
    *(
        "a\u00a0b",
        "👩🏽\u200d🔬",
        "supercalifragilisticexpialidociousness-of-large-language-models",
    ),
]
LETTERS = 500


def text(chance: random.Random, most: int) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, most))).replace("\n", " ")


def segments(chance: random.Random, most: int) -> tuple[Segment, ...]:
    marked = chance.random() < 0.5
    found = []
    for _ in range(chance.randint(1, most)):
        found.append(Segment(text(chance, 12) + chance.choice(("", " ")), marked))
        marked = not marked
    return tuple(found)


def random_card(chance: random.Random, number: int) -> Card:
    url = chance.choice((f"https://arxiv.org/abs/2611.{number:05d}", f"{SITE}/p/{number}", ""))
    odd = "https://doi.org/10.1000/(ab)?c=d&e=%C3%BC;f~g"
    links = [Link("arXiv", url), Link("Code", odd), Link("Projekt", "ftp://x/y", quiet=True)]
    return replace(
        make_card(number=number),
        title=segments(chance, 4),
        url=url,
        byline=tuple(text(chance, 4) for _ in range(chance.randint(0, 4))),
        snippet=segments(chance, 7) if chance.random() < 0.9 else (),
        cut_before=chance.random() < 0.5,
        cut_after=chance.random() < 0.5,
        why=segments(chance, 6) if chance.random() < 0.9 else (),
        links=tuple(links[: chance.randint(0, 3)]),
        note=text(chance, 5) if chance.random() < 0.2 else "",
        feedback_url=token(chance, "f") if chance.random() < 0.8 else "",
    )


def reword(chance: random.Random, card: Card) -> Card:
    """A card of the same shape with other texts, as another paper's would be."""

    def again(parts: tuple[Segment, ...]) -> tuple[Segment, ...]:
        return tuple(Segment(text(chance, 9), part.marked) for part in parts)

    return replace(
        card,
        title=again(card.title),
        snippet=again(card.snippet),
        why=again(card.why),
        byline=tuple(text(chance, 3) for _ in card.byline),
    )


def token(chance: random.Random, kind: str) -> str:
    size = chance.randint(8, 190)
    return f"{SITE}/{kind}/{''.join(chance.choices('abcXYZ019_-', k=size))}"


def random_digest(chance: random.Random, cards: list[Card]) -> Digest:
    """A letter of up to thirty papers, some of them in other readers' letters too."""
    number = chance.choice((0, 1, 1, 2, 3, 9, 10, chance.randint(1, 30)))
    own = chance.sample(cards, number)
    own = [replace(c, feedback_url=c.feedback_url and token(chance, "f")) for c in own]
    own = [reword(chance, card) if chance.random() < 0.5 else card for card in own]
    sections: list[Section] = []
    while own:
        some = tuple(own[: chance.randint(1, 12)])
        own = own[len(some) :]
        extra = not own and chance.random() < 0.2
        sections.append(Section(text(chance, 3), f"i{len(sections)}", some, extra))
    day = date(2026, 11, chance.randint(18, 20))
    out = token(chance, "u")
    return make_digest(
        date=day,
        first_date=day - timedelta(days=chance.choice((0, 0, 2))),
        days=chance.choice((1, 1, 3)),
        announced=chance.choice((1, 412)),
        sections=tuple(sections),
        left_out=chance.choice((0, 0, 1, 14)),
        more_url=token(chance, "l"),
        note=chance.choice(("", "", 'Read "these" & <those>.\nSide by side.')),
        schedule=text(chance, 20),
        unsubscribe_url=out,
        links=(Link("What you get", token(chance, "m")), Link("Unsubscribe", out))[
            : chance.randint(0, 2)
        ],
        best=text(chance, 30) if chance.random() < 0.5 else "",
        language=chance.choice(("en", "de")),
    )


def random_letters(seed: int, number: int) -> Iterator[tuple[Digest, Envelope]]:
    chance = random.Random(seed)
    cards = [random_card(chance, n) for n in range(60)]
    for n in range(number):
        digest = random_digest(chance, cards)
        out = digest.unsubscribe_url
        yield digest, make_envelope(one_click_url=out, seed=f"seed {n}", sent_at=1795158000.0 + n)


def bodies(data: bytes) -> list[tuple[str, bytes]]:
    parsed = message_from_bytes(data)
    return [
        (part.get_content_type(), part.get_payload(decode=True).replace(b"\r\n", b"\n"))  # type: ignore[union-attr]
        for part in parsed.walk()
        if not part.is_multipart()
    ]


def check_equal(joined: bytes, whole: bytes) -> None:
    assert joined.partition(b"\r\n\r\n")[0] == whole.partition(b"\r\n\r\n")[0]
    assert bodies(joined) == bodies(whole)
    assert shape(joined) == shape(whole)


def shape(data: bytes) -> list[tuple[str, ...]]:
    """Return every part's headers, and the text around the parts."""
    return [
        (*map(str, part.items()), str(part.preamble), str(part.epilogue), str(part.defects))
        for part in message_from_bytes(data).walk()
    ]


def check_wire(data: bytes) -> None:
    assert data.isascii()
    assert data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n")
    body = data.split(b"\r\n\r\n", 1)[1]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    assert not re.search(rb"[ \t]\r\n", body)


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


@pytest.mark.parametrize("file", ["html", "txt"])
@pytest.mark.parametrize(
    "new", ["{% if digest.left_out > 5 %}", "{{ digest.left_out|add:1 }}{% if digest.left_out %}"]
)
def test_it_follows_templates_that_look_at_how_many_were_left_out(file: str, new: str) -> None:
    with changed_template(f"email/digest/body.{file}", "{% if digest.left_out %}", new):
        joiner = Joiner()
        for left_out in (3, 14, 4, 2001, 0):
            digest = make_digest(left_out=left_out)
            joined = joiner.join(digest, make_envelope())
            check_equal(joined, compose_message(render_digest(digest), make_envelope()))


@pytest.mark.parametrize(
    "new",
    ["{{ best|truncatechars:20 }}", "{{ digest.best }} {{ best|upper }}", "{{ best }} {{ best }}"],
)
def test_it_follows_subjects_that_change_the_best_title(new: str) -> None:
    with changed_template(
        "email/digest/subject.txt", "{{ day }}: {{ best }}{% elif", new + "{% elif"
    ):
        joiner = Joiner()
        for best in ("Steering a Reward Model without Labels", "Löschen, was man weiß", ""):
            digest = make_digest(best=best)
            joined = joiner.join(digest, make_envelope())
            check_equal(joined, compose_message(render_digest(digest), make_envelope()))


@pytest.mark.parametrize("odd", ["\ufffe", "\ufdd0", "\U0001ffff"])
def test_it_gives_up_where_a_parser_would_change_a_text(odd: str) -> None:
    digest = make_digest(Section("RL", "i1", (make_card(f"A {odd} title"),)))
    with pytest.raises(Unprovable):
        Joiner().join(digest, make_envelope())


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("body.html", "{{ digest.schedule }}", "{{ digest.schedule|truncatechars:20 }}"),
        ("body.html", '<h2 class="section"', '<h2 class="section {{ forloop.counter }}"'),
        ("body.html", '{% include "email/digest/card.html" with card=card only %}', "x"),
        ("body.txt", '{% include "email/digest/card.txt" with card=card only %}', "x"),
        ("card.html", "<h3", "<div><h3"),
        ("style.css", ".desk {", ".desk:first-child {"),
        ("style.css", ".title b {", ".title b + b {"),
    ],
)
def test_it_gives_up_on_templates_that_cannot_be_cut(name: str, old: str, new: str) -> None:
    folder = "email/" if name == "style.css" else "email/digest/"
    with changed_template(f"{folder}{name}", old, new), pytest.raises(Unprovable):
        Joiner().join(make_hard_digest(), make_envelope())


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("body.html", "{{ digest.schedule }}", "<b>{{ digest.schedule }}</b> {{ digest.best }}"),
        ("body.html", '<h1 class="count">', "<p>{{ preheader }} &copy; {{ room }}</p><h1>"),
        ("body.txt", "{{ digest.schedule }}", "  - {{ digest.schedule }} ({{ title }})"),
        ("card.html", "<h3", "<hr><h3"),
        ("style.css", ".desk {", "h1, .words > h2 { color: red }\n.desk {"),
    ],
)
def test_it_follows_templates_that_are_changed(name: str, old: str, new: str) -> None:
    folder = "email/" if name == "style.css" else "email/digest/"
    with changed_template(f"{folder}{name}", old, new):
        joined = Joiner().join(make_hard_digest(), make_envelope())
        whole = compose_message(render_digest(make_hard_digest()), make_envelope())
        check_equal(joined, whole)


@contextmanager
def changed_template(name: str, old: str, new: str) -> Iterator[None]:
    """Let the site's templates be read with one of them changed."""
    source = (ROOT / "templates" / name).read_text(encoding="utf-8")
    assert old in source
    changed = {name: source.replace(old, new, 1)}
    (configured,) = settings.TEMPLATES
    loaders = [
        ("django.template.loaders.locmem.Loader", changed),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    options = {**configured["OPTIONS"], "loaders": loaders}
    templates = [{**configured, "APP_DIRS": False, "OPTIONS": options}]
    with override_settings(TEMPLATES=templates):
        yield
