"""The table of sources. To add one: write its file, then its line here (docs/sources.md)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from newsletter.sources import (
    arxiv_feed,
    arxiv_oai,
    arxiv_query,
    biorxiv,
    crossref,
    feeds,
    huggingface,
    openreview,
)
from newsletter.sources.asking import Source
from newsletter.sources.base import SourceError

_ALL: tuple[Source[Any], ...] = (
    huggingface.ENTRY,
    arxiv_feed.SOURCE,
    arxiv_oai.SOURCE,
    arxiv_query.QUERY,
    arxiv_query.NAMED,
    biorxiv.SOURCE,
    openreview.SOURCE,
    crossref.SOURCE,
    feeds.SOURCE,
)

SOURCES: Mapping[str, Source[Any]] = MappingProxyType({source.kind: source for source in _ALL})


def find_source(kind: str) -> Source[Any]:
    """The source of that kind. Raises SourceError naming the kinds there are."""
    try:
        return SOURCES[kind]
    except KeyError:
        known = ", ".join(SOURCES)
        raise SourceError(f"“{kind[:40]}” is no kind of source; known are {known}") from None
