"""The sentences of a letter that count, in the language that is active: whole, never glued.

A sentence is one text to translate, or a few that fit into one; its numbers and names are filled in
afterwards, plain or as HTML.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, ngettext

from newsletter.mail.headers import clip
from newsletter.mail.letter import Digest

PREHEADER_LIMIT = 110
NO_BREAK = "\u00a0"
_CUT = "\x00"  # where the interests come: no text has it

Fill = Callable[..., str]
Name = Callable[[str, str, bool], str]  # of an interest, its anchor, whether it is an extra section


def count_in_text(digest: Digest) -> str:
    """Return "Of 412 papers announced, 9 are yours: 6 for RL, 3 for protein folding."."""
    return "".join(_count(digest, str.format, str, _name_in_text))


def count_in_html(digest: Digest) -> str:
    """Return the same with the numbers bold, and the interests linked to their sections."""
    return mark_safe("".join(count_parts(digest)))  # noqa: S308 - each part is escaped


def count_parts(digest: Digest) -> tuple[str, ...]:
    """Return `count_in_html` in parts that many letters share: around and between the interests."""
    return _count(digest, format_html, _bold, _name_in_html)


def make_preheader(digest: Digest) -> str:
    """Return what an inbox shows after the subject: the numbers, the interests."""
    if not digest.count:
        none = gettext("None of {announced} papers.")
        return none.format(announced=digest.announced)
    before, after = _preheader(digest.language, digest.count, digest.announced)
    words = f"{before}{', '.join(_shares(digest, str.format, _name_in_text))}{after}"
    return clip(" ".join(words.split()), PREHEADER_LIMIT)


@lru_cache(maxsize=1_000)
def _preheader(language: str, count: int, announced: int) -> tuple[str, str]:
    """Return what a preheader says before and after the interests; `language` is active."""
    words = gettext("{count} of {announced} papers: {shares}")
    whole = words.format(count=count, announced=announced, shares=_CUT)
    before, _, after = whole.partition(_CUT)
    return before, after


def number_word(number: int) -> str:
    """Return a small number as a word: 10 → "ten", 13 → "13"."""
    words = (
        gettext("none"), gettext("one"), gettext("two"), gettext("three"), gettext("four"),
        gettext("five"), gettext("six"), gettext("seven"), gettext("eight"), gettext("nine"),
        gettext("ten"), gettext("eleven"), gettext("twelve"),
    )  # fmt: skip
    return words[number] if 0 <= number < len(words) else str(number)


def _count(digest: Digest, fill: Fill, bold: Callable[[int], str], name: Name) -> tuple[str, ...]:
    sections = digest.sections
    number, language = digest.count, digest.language
    if len(sections) > 1:
        before, after = _count_many(language, digest.days, digest.announced, number, fill, bold)
        first, *others = _shares(digest, fill, name)
        return (before, first, *[part for one in others for part in (", ", one)], after)
    only = (sections[0].interest, sections[0].extra) if sections else ("", False)
    return (_count_one(language, digest.days, digest.announced, number, only, fill, bold),)


@lru_cache(maxsize=1_000)
def _count_many(
    language: str,
    days: int,
    announced: int,
    number: int,
    fill: Fill,
    bold: Callable[[int], str],
) -> tuple[str, str]:
    """Return what is said before and after the interests; `language` is the active one."""
    head = _say_announced(language, days, announced, fill, bold)
    mine = _say_yours(language, number, fill, bold)
    words = gettext("{announced}, {yours}: {shares}.")
    before, _, after = fill(words, announced=head, yours=mine, shares=_CUT).partition(_CUT)
    return before, after


@lru_cache(maxsize=4_000)
def _count_one(
    language: str,
    days: int,
    announced: int,
    number: int,
    only: tuple[str, bool],
    fill: Fill,
    bold: Callable[[int], str],
) -> str:
    """Return all that is said of a letter with one section, or none; `language` is active."""
    head = _say_announced(language, days, announced, fill, bold)
    if not number:
        return fill(gettext("{announced}, none is yours."), announced=head)
    parts = {"announced": head, "yours": _say_yours(language, number, fill, bold)}
    name, is_extra = only
    if is_extra:
        likely = gettext("{announced}, {yours}, similar to what you saved: none matched.")
        return fill(likely, **parts)
    words = ngettext(
        "{announced}, {yours}, for {interest}.",
        "{announced}, {yours}, all for {interest}.",
        number,
    )
    interest = fill("<bdi>{}</bdi>" if fill is format_html else "{}", name)
    return fill(words, **parts, interest=interest)


@lru_cache(maxsize=1_000)
def _say_announced(
    language: str, days: int, announced: int, fill: Fill, bold: Callable[[int], str]
) -> str:
    if days > 1:
        words = ngettext(
            "Of {papers} paper announced in {days} days",
            "Of {papers} papers announced in {days} days",
            announced,
        )
    else:
        words = ngettext("Of {papers} paper announced", "Of {papers} papers announced", announced)
    return fill(words, papers=bold(announced), days=days)


@lru_cache(maxsize=1_000)
def _say_yours(language: str, count: int, fill: Fill, bold: Callable[[int], str]) -> str:
    return fill(ngettext("{count} is yours", "{count} are yours", count), count=bold(count))


def _shares(digest: Digest, fill: Fill, name: Name) -> list[str]:
    language = digest.language
    return [
        _say_share(language, one.interest, one.anchor, len(one.cards), one.extra, fill, name)
        for one in digest.sections
    ]


@lru_cache(maxsize=20_000)
def _say_share(
    language: str, interest: str, anchor: str, count: int, extra: bool, fill: Fill, name: Name
) -> str:
    """Return what one section is in the sentence; `language` is the active one."""
    words = gettext("{count} {similar}") if extra else gettext("{count} for {interest}")
    if fill is format_html:
        words = words.replace(" ", NO_BREAK, 1)
    values = {"similar" if extra else "interest": name(interest, anchor, extra)}
    return fill(words, count=count, **values)


def _bold(number: int) -> str:
    return format_html("<b>{}</b>", number)


def _name_in_text(interest: str, anchor: str, extra: bool) -> str:
    return gettext("similar to what you saved") if extra else interest


def _name_in_html(interest: str, anchor: str, extra: bool) -> str:
    inner = anchor, _name_in_text(interest, anchor, extra)
    return format_html('<a href="#{}"><bdi>{}</bdi></a>', *inner)
