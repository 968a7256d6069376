"""What a letter says, as plain values: the input of rendering. No ORM rows, no HTML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.utils.translation import get_language

from newsletter import looks
from newsletter.matching.display import NOTHING, Marked, Segment


@dataclass(frozen=True, slots=True)
class Link:
    """A labelled address; `quiet` ones are set in the softer colour."""

    label: str
    url: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One paper of a letter.

    `title` and `snippet` are readable text cut where words are marked. `byline` holds its parts in
    order ("Ada Example, Noor Sample, and 4 more", "Sample Institute", "cs.LG", "▲ 48"); `note` is
    "" or what is unusual ("late: listed on Tuesday 17 November"). `why` is the sentence that says
    why the paper is there, its interests marked. `feedback_url` is "" or the reader's own page to
    save the paper, or to ask for more or less like it.
    """

    title: tuple[Segment, ...]
    url: str
    byline: tuple[str, ...]
    snippet: tuple[Segment, ...]
    cut_before: bool
    cut_after: bool
    why: tuple[Segment, ...]
    links: tuple[Link, ...]
    note: str = ""
    feedback_url: str = ""


Turns = tuple[str, ...]  # pieces of a text, plain and marked in turn, a plain one first


class Draft(NamedTuple):
    """A card before its texts are cut where words are marked.

    `plain` is the card without title, snippet and why; `why` the sentence in parts that other
    cards share.
    """

    plain: Card
    title: Marked
    snippet: Marked
    cut_before: bool
    cut_after: bool
    why: tuple[Turns, ...]
    tail: str = ""  # of the reader's own link: it is a letter's `base` and this

    @classmethod
    def of(cls, card: Card) -> Draft:
        """Return the draft of a card that is written."""
        plain = replace(
            card,
            title=(),
            snippet=(),
            why=(),
            feedback_url="",
            cut_before=False,
            cut_after=False,
        )
        title, snippet = join_segments(card.title), join_segments(card.snippet)
        why = (in_turns(card.why),) if card.why else ()
        return cls(plain, title, snippet, card.cut_before, card.cut_after, why)

    def card(self, base: str = "") -> Card:
        """Return the card, with the reader's own link if there is a `base` to it."""
        plain = self.plain
        return Card(
            self.title.segments,
            plain.url,
            plain.byline,
            self.snippet.segments,
            self.cut_before,
            self.cut_after,
            tuple([segment for part in self.why for segment in cut_turns(part)]),
            plain.links,
            plain.note,
            base and base + self.tail,
        )


def in_turns(segments: tuple[Segment, ...]) -> Turns:
    """Return cut text as plain and marked pieces in turn."""
    turns = [""]
    for text, marked in segments:
        if marked:
            turns += (text, "")
        else:
            turns[-1] += text
    return tuple(turns)


def cut_turns(turns: Turns) -> tuple[Segment, ...]:
    """Return plain and marked pieces as cut text."""
    pieces = [Segment(text, place % 2 == 1) for place, text in enumerate(turns)]
    return tuple([piece for piece in pieces if piece.text or piece.marked])


def join_segments(segments: tuple[Segment, ...]) -> Marked:
    """Return cut text as one, with the spans that are marked."""
    if not segments:
        return NOTHING
    marks, at = [], 0
    for text, marked in segments:
        if marked:
            marks.append((at, at + len(text)))
        at += len(text)
    return Marked("".join([text for text, _ in segments]), tuple(marks), 0, at)


class Slot(NamedTuple):
    """A card that many letters share, not yet written: `write` gives its draft.

    Whatever it says is said by `key` and the letter's language, but for the reader's own link:
    `base` is how all of a letter begin, "" where there are none.
    """

    key: Hashable
    base: str
    write: Callable[[Any, str], Draft]  # of the key and the language, which is the active one


@dataclass(frozen=True, slots=True)
class Section:
    """The papers whose strongest interest is `interest`, best first; `anchor` is unique.

    With `extra` no interest found them: they fill the letter up, and `interest` is their heading.
    """

    interest: str
    anchor: str
    cards: tuple[Card | Slot, ...]
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """Who sends: the masthead and the foot of every letter, and the colour of its links."""

    name: str
    url: str
    tagline: str = ""
    postal_address: str = ""
    accent: str = looks.ACCENT
    accent_dark: str = looks.ACCENT_DARK


@dataclass(frozen=True, slots=True)
class Digest:
    """One reader's share of one edition, or of several editions in one letter.

    `days` is how many editions it covers, `first_date` the oldest of them, `announced` how many
    papers those held, `left_out` how many matched and did not fit (`more_url` shows them).
    `schedule` is the sentence of the foot ("You get this at 08:00 Berlin time on working days
    because you confirmed it on 3 March 2026."). `links` are the foot's, unsubscribe among them.
    """

    site: Site
    date: dt.date
    first_date: dt.date
    days: int
    announced: int
    sections: tuple[Section, ...]
    left_out: int
    more_url: str
    note: str
    schedule: str
    unsubscribe_url: str
    links: tuple[Link, ...]
    absent: tuple[str, ...] = ()  # sources whose papers had not come: "arXiv cs.RO"
    best: str = ""  # the title of the best paper, for the subject; else the first card's
    language: str = "en"  # of everything but the papers
    count: int = field(init=False)  # how many papers the letter carries

    def __post_init__(self) -> None:
        number = sum([len(section.cards) for section in self.sections])
        object.__setattr__(self, "count", number)


def without_feedback(card: Card | Slot) -> Card | Slot:
    """Return a card without the reader's own link."""
    return card._replace(base="") if isinstance(card, Slot) else replace(card, feedback_url="")


def write_card(card: Card | Slot) -> Card:
    """Return a card as it is, or a slot's written; the letter's language is active."""
    if isinstance(card, Slot):
        return card.write(card.key, get_language() or "").card(card.base)
    return card


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter in its three parts; `html` is inlined, `text` is written for its own sake."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything of a message that is not its content.

    `message_id` and `seed` (for the MIME boundary) are fixed for ever for a delivery, `sent_on` is
    its planning instant, so composing again gives the same bytes.
    """

    sender: str  # "Paper Round <papers@example.org>"
    recipient: str
    message_id: str  # with angle brackets
    list_id: str  # "paper-round.example.org", without brackets
    list_name: str
    one_click_url: str  # https in production: the RFC 8058 POST target
    seed: str
    sent_at: float  # seconds since the epoch, UTC


@dataclass(frozen=True, slots=True)
class NoticeEnvelope:
    """As `Envelope`, for a service mail: it belongs to no list."""

    sender: str
    recipient: str
    message_id: str
    sent_at: float  # seconds since the epoch, UTC
