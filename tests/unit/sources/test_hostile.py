"""What a hostile author or feed writes: it comes out of every loader as harmless text."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import pytest

from newsletter.sources.asking import Ask, Response
from newsletter.sources.registry import find_source
from tests.unit.sources.samples import read_sample
from tests.unit.sources.test_registry import DAY, VALUES

TEXTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "</title><base href=//evil.example>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202eevil\u2066\u200b\ufeff",
    "line\r\nBcc: victim@example.org",
    "\ud800 \x00 \x1b[2J",
    "{% include '/etc/passwd' %}",
    "$\\mathbb{<script>}$",
)
ADDRESSES = (
    "javascript:alert(1)",
    "data:text/html,x",
    "https://arxiv.org@evil.example/",
    "https:\\\\evil.example",
    "java\tscript:alert(1)",
    "//evil.example/x",
    "https://user:pass@evil.example/",
    'https://evil.example/"onclick=x',
)
# Of each source: its sample, a title or text in it, and an address in it (or none).
SAMPLES = {
    "huggingface": ("daily-papers.json", "Paths That Remember", "https://example.org/paths"),
    "arxiv-rss": ("arxiv-rss.xml", "Kites", ""),
    "arxiv-oai": ("arxiv-oai.xml", "An Old One, Revised", ""),
    "arxiv-query": ("arxiv-query.xml", "A title may be a digit.", ""),
    "biorxiv": ("biorxiv.json", "Roots", ""),
    "openreview": ("openreview.json", "A Garden of Agents", ""),
    "crossref": ("crossref.json", "A Year Alone", "https://doi.org/10.1000/abc.1"),
    "feed": ("journal-rss2.xml", "Backlog", "https://letters.example.org/a/3"),
}


def read(kind: str, old: str, new: str) -> list[str]:
    """Every text and address the source makes of its sample with something put in."""
    name, _, _ = SAMPLES[kind]
    sample = read_sample(name)
    assert old in sample
    if name.endswith(".json"):
        written = json.dumps(new)[1:-1]
    else:
        written = escape(new.replace("\ud800", "").replace("\x00", "").replace("\x1b", ""))
    source = find_source(kind)
    request = source.make_requests(source.read_parameters(VALUES[kind]), Ask("row", DAY))[0]
    body = sample.replace(old, written).encode()
    papers = source.read_answer(Response(body), request).papers
    assert papers
    return [
        text
        for paper in papers
        for text in (paper.title, paper.abstract, paper.journal, paper.note, *paper.authors)
    ] + [
        f"address {url}"
        for paper in papers
        for url in (paper.url, paper.project_url, paper.code_url, paper.thumbnail_url)
        if url
    ]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_it_makes_one_harmless_line_of_any_text(kind: str, text: str) -> None:
    for found in read(kind, SAMPLES[kind][1], f"A {text} B"):
        found.encode()
        for char in found:
            assert unicodedata.category(char) not in ("Cc", "Cs"), found
            assert char not in "\u202e\u2066\u200b\ufeff"


@pytest.mark.parametrize("kind", sorted(kind for kind in SAMPLES if SAMPLES[kind][2]))
@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_it_takes_no_dangerous_address(kind: str, address: str) -> None:
    for found in read(kind, SAMPLES[kind][2], address):
        if found.startswith("address "):
            parts = urlsplit(found.removeprefix("address "))
            assert parts.scheme in ("http", "https")
            assert parts.username is None
            assert not set('"\\<> \t') & set(found.removeprefix("address "))
