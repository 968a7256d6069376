"""Atom feeds (RFC 4287): what a feed and its entries say, written as XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

NAMESPACE = "http://www.w3.org/2005/Atom"
CONTENT_TYPE = "application/atom+xml; charset=utf-8"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2

register_namespace("", NAMESPACE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: texts are plain; `updated` is aware and does not move when only counts do."""

    id: str
    title: str
    url: str
    updated: datetime
    published: datetime | None
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    summary: str
    related: str = ""  # where the paper itself is


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed; `updated` is when it was last another one, the newest of its entries or later."""

    id: str
    title: str
    subtitle: str
    author: str
    self_url: str
    page_url: str
    icon_url: str
    updated: datetime
    entries: Sequence[Entry]


def write_atom(feed: Feed) -> bytes:
    """Return the feed as UTF-8. Each entry without authors has the feed's (RFC 4287 §4.1.2)."""
    root = Element(_name("feed"), {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.subtitle)
    _text(root, "updated", _instant(feed.updated))
    _link(root, "self", feed.self_url, "application/atom+xml")
    _link(root, "alternate", feed.page_url, "text/html")
    _text(root, "icon", feed.icon_url)
    _person(root, feed.author)
    for entry in feed.entries:
        _write_entry(SubElement(root, _name("entry")), entry)
    indent(root, "")
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _write_entry(element: Element, entry: Entry) -> None:
    _text(element, "id", entry.id)
    _text(element, "title", entry.title)
    _text(element, "updated", _instant(entry.updated))
    if entry.published:
        _text(element, "published", _instant(entry.published))
    _link(element, "alternate", entry.url, "text/html")
    if entry.related:
        _link(element, "related", entry.related)
    for author in entry.authors:
        _person(element, author)
    for category in entry.categories:
        SubElement(element, _name("category"), {"term": _clean(category)})
    _text(element, "summary", entry.summary)


def _person(parent: Element, name: str) -> None:
    _text(SubElement(parent, _name("author")), "name", name)


def _link(parent: Element, rel: str, href: str, kind: str = "") -> None:
    attributes = {"rel": rel, "href": href} | ({"type": kind} if kind else {})
    SubElement(parent, _name("link"), attributes)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, _name(tag)).text = _clean(text)


def _clean(text: str) -> str:
    return _ILLEGAL.sub("", text)


def _instant(moment: datetime) -> str:
    """RFC 3339, in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"
