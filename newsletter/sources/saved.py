"""Answers saved to a file: XML and JSON of any source of the table, told by their shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newsletter.sources import arxiv_feed, arxiv_oai, arxiv_query, biorxiv, crossref, openreview
from newsletter.sources.base import Listing, SourceError
from newsletter.sources.feeds import load_feed
from newsletter.sources.markup import Element, child_text, children, first, local_name, parse_xml
from newsletter.sources.reading import as_mapping, collect, one_line

_ARXIV_NAMESPACE = "http://arxiv.org/schemas/atom"


def load_xml(data: bytes) -> Listing:
    """The papers of a saved feed, of arXiv or of a journal, or of a saved OAI-PMH answer.

    Raises SourceError where it is neither.
    """
    root = parse_xml(data, "the XML")
    name = local_name(root)
    if name == "oai-pmh":
        page = first(root, "listrecords")
        records = children(page if page is not None else root, "record")
        return collect(records, arxiv_oai.read_record, _name_element)
    if name == "feed" and _is_arxiv_api(root):
        entries = [one for one in children(root, "entry") if "/api/errors" not in _id(one)]
        return collect(entries, arxiv_query.read_entry, _name_element)
    if name in ("rss", "feed") and _is_arxiv_feed(root):
        channel = first(root, "channel")
        items = channel if channel is not None else root
        found = [one for one in items if local_name(one) in ("item", "entry")]
        return collect(found, arxiv_feed.read_item, _name_element)
    if name in ("rss", "feed", "rdf"):
        return load_feed(data)
    raise SourceError(f"this XML begins with <{name[:40]}>; expected a feed (RSS or Atom)")


def _id(entry: Element) -> str:
    return child_text(entry, "id")


def _is_arxiv_api(root: Element) -> bool:
    entries = list(children(root, "entry"))
    return bool(entries) and all("arxiv.org/a" in _id(entry) for entry in entries)


def _is_arxiv_feed(root: Element) -> bool:
    return any(
        local_name(element) == "announce_type" and _ARXIV_NAMESPACE in str(element.tag)
        for element in root.iter()
    )


def load_answer(body: Mapping[str, Any]) -> Listing | None:
    """The papers of a saved answer of bioRxiv, OpenReview or Crossref; None for another object."""
    if isinstance(records := body.get("collection"), list):
        return collect(records, biorxiv.read_record, _name)
    if isinstance(records := body.get("notes"), list):
        return collect(records, openreview.read_note, _name)
    message = as_mapping(body.get("message"))
    if isinstance(records := message.get("items"), list):
        return collect(records, crossref.read_work, _name)
    return None


def _name(record: Any) -> str:
    if isinstance(record, Mapping):
        return one_line(record.get("doi") or record.get("DOI") or record.get("id"))
    return ""


def _name_element(record: Element) -> str:
    header = first(record, "header")
    place = record if header is None else header
    return child_text(place, "identifier") or child_text(record, "id") or child_text(record, "guid")
