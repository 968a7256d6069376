"""Letters of random words that are hard to set, and what makes two messages the same."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes

from newsletter.mail.letter import Card, Digest, Envelope, Link, Section
from newsletter.matching.display import Segment
from tests.unit.mail.samples import SITE, make_card, make_digest, make_envelope

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
