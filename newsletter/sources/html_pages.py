"""A Daily Papers page saved as HTML: the records it embeds, else its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from newsletter.sources.base import Listing, SourceError
from newsletter.sources.fields import clean_text, parse_instant
from newsletter.sources.huggingface import load_daily_papers
from newsletter.sources.markup import MAX_XML, Element, flow, local_name, parse_html
from newsletter.sources.pages import load_page
from newsletter.sources.reading import or_none, parse_json

WHAT = "the page's embedded records"

_DEPTH = 6  # how deep inside the page's records the list of papers may lie
_LINES = frozenset(
    {"p", "div", "li", "h1", "h2", "h3", "h4", "article", "section", "header", "a", "time", "br"}
)


def load_html(text: str, listed_on: date | None = None) -> Listing:
    """The papers of a page saved as HTML.

    Pages of Hugging Face embed their records as JSON (`data-props`), which say more than the text.
    A page without them is read as the text it shows. Raises SourceError where neither has papers.
    """
    if len(text) > MAX_XML:
        raise SourceError(f"this HTML page has {len(text)} characters, more than {MAX_XML}")
    root = parse_html(text.encode("utf-8", "replace"))
    complaint: SourceError | None = None
    for element in root.iter():
        target = element.get("data-target") or ""
        if "Papers" not in target or not (props := element.get("data-props")):
            continue
        try:
            data = parse_json(props, WHAT)
        except SourceError as error:
            complaint = error
            continue
        for records in _find_records(data, _DEPTH):
            return _date_records(load_daily_papers(records), data)
    if complaint:
        raise complaint
    lines = "\n\n".join(line for line in _read_lines(root) if line)
    try:
        return load_page(lines, listed_on)
    except SourceError as error:
        raise SourceError(
            f"this HTML page embeds no papers, and its text is no Daily Papers page: {error}"
        ) from None


def _find_records(data: object, depth: int) -> Iterator[list[Any]]:
    """The lists whose first item holds a paper, from the outside in."""
    if isinstance(data, list):
        if data and isinstance(data[0], Mapping) and isinstance(data[0].get("paper"), Mapping):
            yield data
        return
    if isinstance(data, Mapping) and depth:
        for value in data.values():
            yield from _find_records(value, depth - 1)


def _date_records(listing: Listing, data: object) -> Listing:
    """Records without a day are of the day the page itself says, where it does."""
    given = data.get("date") or data.get("dateString") if isinstance(data, Mapping) else None
    instant = or_none(parse_instant, given) if isinstance(given, str) else None
    if instant is None:
        return listing
    day = instant.date()
    papers = (replace(paper, listed_on=paper.listed_on or day) for paper in listing.papers)
    return replace(listing, papers=tuple(papers))


def _read_lines(root: Element) -> Iterator[str]:
    """The text of the innermost blocks, one line each, as a browser would save it."""
    body = root.find("body")
    yield from _walk(body if body is not None else root)


def _walk(element: Element) -> Iterator[str]:
    if not any(local_name(child) in _LINES for child in element.iterdescendants()):
        yield clean_text("".join(flow(element)))
        return
    line = element.text or ""
    for child in element:
        if local_name(child) in _LINES or any(
            local_name(inner) in _LINES for inner in child.iterdescendants()
        ):
            yield clean_text(line)
            line = ""
            yield from _walk(child)
        else:
            line += "".join(flow(child))
        line += child.tail or ""
    yield clean_text(line)
