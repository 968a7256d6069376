"""The sentences of a letter that count, in the language that is active: whole, never glued.

A sentence is one text to translate, or a few that fit into one; its numbers and names are filled in
afterwards, plain or as HTML.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext

from newsletter.mail.headers import clip
from newsletter.mail.letter import Digest, Section

PREHEADER_LIMIT = 110
NO_BREAK = "\u00a0"

Fill = Callable[..., str]


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


def _count(
    digest: Digest, fill: Fill, bold: Callable[[int], str], name: Callable[[Section], str]
) -> str:
    head = _announced(digest, fill, bold)
    if not digest.count:
        return fill(gettext("{announced}, none is yours."), announced=head)
    mine = fill(
        ngettext("{count} is yours", "{count} are yours", digest.count), count=bold(digest.count)
    )
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
    if digest.days > 1:
        words = ngettext(
            "Of {papers} paper announced in {days} days",
            "Of {papers} papers announced in {days} days",
            digest.announced,
        )
    else:
        words = ngettext(
            "Of {papers} paper announced", "Of {papers} papers announced", digest.announced
        )
    return fill(words, papers=bold(digest.announced), days=digest.days)


def _shares(digest: Digest, fill: Fill, name: Callable[[Section], str]) -> str:
    html = fill is format_html
    found = []
    for section in digest.sections:
        words = gettext("{count} {similar}") if section.extra else gettext("{count} for {interest}")
        if html:
            words = words.replace(" ", NO_BREAK, 1)
        values: dict[str, Any] = {"similar" if section.extra else "interest": name(section)}
        found.append(fill(words, count=len(section.cards), **values))
    return format_html_join(", ", "{}", ((one,) for one in found)) if html else ", ".join(found)


def _bold(number: int) -> str:
    return format_html("<b>{}</b>", number)


def _name_in_text(section: Section) -> str:
    return gettext("similar to what you saved") if section.extra else section.interest


def _name_in_html(section: Section) -> str:
    inner = section.anchor, _name_in_text(section)
    return format_html('<a href="#{}"><bdi>{}</bdi></a>', *inner)
