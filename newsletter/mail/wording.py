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

Fill = Callable[..., str]
Name = Callable[[str, str, bool], str]  # of an interest, its anchor, whether it is an extra section


def count_in_text(digest: Digest) -> str:
    """Return "Of 412 papers announced, 9 are yours: 6 for RL, 3 for protein folding."."""
    return _count(digest, str.format, str, _name_in_text)


def count_in_html(digest: Digest) -> str:
    """Return the same with the numbers bold, and the interests linked to their sections."""
    return _count(digest, format_html, _bold, _name_in_html)


def make_preheader(digest: Digest) -> str:
    """Return what an inbox shows after the subject: the numbers, the interests."""
    if not digest.count:
        none = gettext("None of {announced} papers.")
        return none.format(announced=digest.announced)
    shares = _shares(digest, str.format, _name_in_text)
    words = gettext("{count} of {announced} papers: {shares}").format(
        count=digest.count, announced=digest.announced, shares=shares
    )
    return clip(" ".join(words.split()), PREHEADER_LIMIT)


def number_word(number: int) -> str:
    """Return a small number as a word: 10 → "ten", 13 → "13"."""
    words = (
        gettext("none"), gettext("one"), gettext("two"), gettext("three"), gettext("four"),
        gettext("five"), gettext("six"), gettext("seven"), gettext("eight"), gettext("nine"),
        gettext("ten"), gettext("eleven"), gettext("twelve"),
    )  # fmt: skip
    return words[number] if 0 <= number < len(words) else str(number)


def _count(digest: Digest, fill: Fill, bold: Callable[[int], str], name: Name) -> str:
    head = _announced(digest, fill, bold)
    if not digest.count:
        return fill(gettext("{announced}, none is yours."), announced=head)
    mine = _say_yours(digest.language, digest.count, fill, bold)
    parts = {"announced": head, "yours": mine}
    first = digest.sections[0]
    if len(digest.sections) > 1:
        shares = _shares(digest, fill, name)
        return fill(gettext("{announced}, {yours}: {shares}."), **parts, shares=shares)
    if first.extra:
        likely = gettext("{announced}, {yours}, similar to what you saved: none matched.")
        return fill(likely, **parts)
    only = ngettext(
        "{announced}, {yours}, for {interest}.",
        "{announced}, {yours}, all for {interest}.",
        digest.count,
    )
    interest = fill("<bdi>{}</bdi>" if fill is format_html else "{}", first.interest)
    return fill(only, **parts, interest=interest)


def _announced(digest: Digest, fill: Fill, bold: Callable[[int], str]) -> str:
    return _say_announced(digest.language, digest.days, digest.announced, fill, bold)


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


def _shares(digest: Digest, fill: Fill, name: Name) -> str:
    language = digest.language
    found = [
        _say_share(language, one.interest, one.anchor, len(one.cards), one.extra, fill, name)
        for one in digest.sections
    ]
    return mark_safe(", ".join(found)) if fill is format_html else ", ".join(found)  # noqa: S308


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
