"""A digest as subject, text and HTML, by the templates under templates/email/digest/."""

from __future__ import annotations

import re
from dataclasses import replace

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext

from newsletter.mail.headers import LetterError, clean_body, clean_header
from newsletter.mail.inline import inline_css
from newsletter.mail.letter import Card, Digest, Link, Rendered, Section, write_card
from newsletter.mail.plain import fill
from newsletter.mail.wording import (
    count_in_html,
    count_in_text,
    make_preheader,
    number_word,
)

BEST_LIMIT = 110  # characters of the best paper's title in the subject

_PLAIN = re.compile(r"https?://[A-Za-z0-9:/._~-]+")  # nothing to quote
_WEB = re.compile(r"https?://[^\s\"<>\\^`{|}]+", re.IGNORECASE)


def render_digest(digest: Digest) -> Rendered:
    """Return the letter of `digest`. Every text is escaped; no address but http(s) is linked."""
    with translation.override(digest.language):
        return _render(_with_safe_links(digest))


def _render(digest: Digest) -> Rendered:
    subject = render_subject(digest)
    context = {
        "digest": digest,
        "site": digest.site,
        "title": f"{digest.site.name}: {subject}",
        "preheader": make_preheader(digest),
        "room": number_word(digest.count),
    }
    in_text = {**context, "count": count_in_text(digest)}
    in_html = {**context, "count": count_in_html(digest)}
    text = fill(clean_body(render_to_string("email/digest/body.txt", in_text)))
    html = inline_css(tighten(clean_body(render_to_string("email/digest/body.html", in_html))))
    return Rendered(subject, text, html)


def render_subject(digest: Digest) -> str:
    """Return the day and the best paper: "Fri 20 Nov: Steering a Reward Model, and 8 more"."""
    best = clean_header(digest.best or first_title(digest), BEST_LIMIT)
    return clean_header(_fill_subject(digest, best))


def render_subject_around(digest: Digest, mark: str) -> str:
    """Return what the template makes of a digest whose best paper is called `mark`."""
    return _fill_subject(replace(digest, best=mark), mark)


def put_into_subject(around: str, mark: str, best: str) -> str:
    """Return the subject with the best paper's title in place of the mark."""
    return clean_header(around.replace(mark, clean_header(best, BEST_LIMIT)))


def _fill_subject(digest: Digest, best: str) -> str:
    context = {"digest": digest, "best": best, "more": digest.count - 1}
    return render_to_string("email/digest/subject.txt", context)


def tighten(html: str) -> str:
    """Return `html` without indents and empty lines, which only cost bytes."""
    lines = (line.strip() for line in html.split("\n"))
    return "\n".join(line for line in lines if line)


def first_title(digest: Digest) -> str:
    """Return the title of the first card, "" where there is none."""
    for section in digest.sections:
        for card in section.cards:
            return "".join(part.text for part in write_card(card).title)
    return ""


def _with_safe_links(digest: Digest) -> Digest:
    return replace(
        digest,
        more_url=safe_url(digest.more_url),
        sections=tuple(_safe_section(section) for section in digest.sections),
        links=foot_links(digest),
    )


def _safe_section(section: Section) -> Section:
    return replace(section, cards=tuple(safe_card(write_card(card)) for card in section.cards))


def safe_card(card: Card) -> Card:
    """Return `card` without the links that lead anywhere but to the web."""
    url, links, own = safe_url(card.url), _safe_links(card.links), safe_url(card.feedback_url)
    if url == card.url and links == card.links and own == card.feedback_url:
        return card
    return replace(card, url=url, links=links, feedback_url=own)


def foot_links(digest: Digest) -> tuple[Link, ...]:
    """Return the foot's links, unsubscribe among them; `LetterError` for a letter without it."""
    links = _safe_links(digest.links)
    out = safe_url(digest.unsubscribe_url)
    if not out:
        raise LetterError(
            f"the unsubscribe address {digest.unsubscribe_url!r} is none of the web: "
            "set PAPER_ROUND_SITE_URL to one like https://papers.example.org"
        )
    if all(link.url != out for link in links):
        links += (Link(gettext("Unsubscribe"), out),)
    return links


def _safe_links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    if all(link.url and safe_url(link.url) == link.url for link in links):
        return links
    safe = (replace(link, url=safe_url(link.url)) for link in links)
    return tuple(link for link in safe if link.url)


def safe_url(url: str) -> str:
    """Return `url` in ASCII if it is one of the web, else "": both parts show the same address."""
    if _PLAIN.fullmatch(url):
        return url
    return iri_to_uri(url) if _WEB.fullmatch(url) else ""
