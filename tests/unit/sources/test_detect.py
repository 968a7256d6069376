from __future__ import annotations

import gzip
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources import detect
from newsletter.sources.base import Listing, SourceError
from newsletter.sources.detect import load_file
from tests.unit.sources.samples import needs_shared, read_bytes, read_sample, read_shared

PAGE = read_sample("page-bylines.txt").encode()
PLAIN = read_sample("page-plain.txt").encode()
HUB = read_sample("daily-papers.json").encode()
CSV = b"title,abstract\nSoup,It cools.\n"
LINES = (
    b'{"title": "Soup", "abstract": "It cools."}\n{"title": "Kites", "abstract": "They lean."}\n'
)


@pytest.mark.parametrize(
    ("data", "source", "count"),
    [
        (PAGE, "page", 3),
        (b"\xef\xbb\xbf" + PAGE, "page", 3),
        (PLAIN[PLAIN.index(b"Paths") :], "page", 3),  # no header and no byline
        (PLAIN[PLAIN.index(b"Paths") :].replace(b"Soup", b"[Re] Soup"), "page", 3),
        (b"[Re] " + PLAIN[PLAIN.index(b"Paths") :], "page", 3),
        (HUB, "huggingface", 3),
        (CSV, "table", 1),
        (b"\xef\xbb\xbf\r\n" + CSV, "table", 1),
        (LINES, "table", 2),
        (LINES.split(b"\n")[0], "table", 1),
    ],
    ids=range(10),
)
def test_it_tells_the_format_by_the_content(data: bytes, source: str, count: int) -> None:
    listing = load_file(data)
    assert {paper.source for paper in listing.papers} == {source}
    assert len(listing.papers) == count


@pytest.mark.parametrize(
    ("name", "source", "count"),
    [
        ("arxiv-rss.xml", "arxiv-rss", 3),
        ("arxiv-atom.xml", "arxiv-rss", 1),
        ("arxiv-query.xml", "arxiv-query", 2),
        ("arxiv-oai.xml", "arxiv-oai", 3),
        ("journal-rss2.xml", "feed", 4),
        ("journal-rdf.xml", "feed", 2),
        ("journal-atom.xml", "feed", 2),
        ("biorxiv.json", "biorxiv", 3),
        ("openreview.json", "openreview", 2),
        ("crossref.json", "crossref", 2),
        ("references.bib", "bibtex", 4),
        ("references.ris", "ris", 1),
        ("daily-papers.html", "huggingface", 2),
    ],
)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf\r\n"])
def test_it_tells_saved_answers_and_references(
    name: str, source: str, count: int, start: bytes
) -> None:
    listing = load_file(start + read_bytes(name))
    assert {paper.source for paper in listing.papers} == {source}
    assert len(listing.papers) == count


def test_it_reads_the_records_a_saved_html_page_embeds() -> None:
    first, second = load_file(read_bytes("daily-papers.html")).papers
    assert (first.arxiv_id, first.upvotes, first.comments) == ("2611.00021", 7, 2)
    assert first.abstract == "They are in <props>."
    assert {first.listed_on, second.listed_on} == {date(2026, 11, 20)}


def test_it_reads_a_saved_html_page_as_the_text_it_shows() -> None:
    blocks = "".join(f"<div><p>{line}</p></div>\n" for line in PAGE.decode().split("\n") if line)
    page = f"<!DOCTYPE html>\n<html><head><title>x</title></head><body>{blocks}</body></html>"
    expected = load_file(PAGE)
    assert load_file(page.encode()).papers == expected.papers


@pytest.mark.parametrize("data", [PAGE, PLAIN, HUB, CSV, LINES], ids=range(5))
def test_it_lists_every_paper_on_the_day_it_is_given(data: bytes) -> None:
    papers = load_file(data, date(2026, 5, 4)).papers
    assert {paper.listed_on for paper in papers} == {date(2026, 5, 4)}


def test_it_takes_an_empty_array_for_a_day_without_papers() -> None:
    assert load_file(b"[]\n") == Listing(())


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "the file is empty; expected a saved Daily Papers page"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        (gzip.compress(PAGE), "this is a gzip file; unpack it first"),
        (b"PK\x03\x04rest", "this is a zip or office file"),
        (b"%PDF-1.7", "this is a PDF file"),
        (PAGE.decode().encode("utf-16"), "this is UTF-16 text; save it as UTF-8"),
        (b"Title\x00", "this is a binary file: a zero byte at offset 5"),
        (
            "Soup\nCafé".encode("latin-1"),
            "line 2: the file ends inside a character|line 2: no UTF-8",
        ),
        (
            "Soup\nCafé au".encode("latin-1"),
            r"line 2: no UTF-8 text at byte offset 8 \(byte 0xe9\)",
        ),
        (b"\xef\xbb\xbfab\xff", "no UTF-8 text at byte offset 5"),
        ("Café".encode()[:-1], "the file ends inside a character .byte offset 3.; it was cut"),
        (b" <!DOCTYPE html><html>", "embeds no papers, and its text is no Daily Papers page"),
        (b"<?xml version='1.0'?><rss/>", "expected RSS or Atom, found <rss>"),
        (HUB[:2000], r"line \d+, column \d+: this JSON is cut or malformed"),
        (b"[", "line 1, column 2: this JSON is cut"),
        (b"[" + b"{" * 10, "line 1, column 3: this JSON is cut"),
        (b"[{" + b'"a":[' * 200_000, "nested too deeply|line 1, column"),
        (b'{"error": "Invalid date"}', "found the error “Invalid date”"),
        (b'{\n "error": "Invalid date"\n}', "found the error “Invalid date”"),
        (b'{\n "error": "Inv', "line 2, column"),
        (LINES[:-9], "line 2, column"),
        (b"Title;Abstract\nA;B\n", "the columns are parted by semicolons"),
        (b"title,abstract,mood\nA,B,C\n", "unknown column “mood”"),
        (b"Dear all,\n\nplease find no papers here.\n", "expected a saved .*read as a page"),
        (b"One line only", "expected a saved .*; read as a page, it breaks here: line 1"),
        (PAGE[:-13], "line 33: the page ends inside a byline"),
        (PAGE[:-20], "line 33: the page ends inside a paper, after “AI-at-Meta Meta”"),
    ],
    ids=range(27),
)
def test_it_refuses_a_file_in_one_line(data: bytes, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        load_file(data)
    assert "\n" not in str(caught.value)


def test_it_refuses_a_file_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="the file is larger than"):
        load_file(CSV)


@needs_shared
def test_it_reads_the_shared_pages() -> None:
    for name in ("page-2025-12-09.txt", "page-2026-01-16.txt", "page-undated-03-12.txt"):
        text = read_shared(name)
        assert len(load_file(text.encode()).papers) == len(
            load_file(text.encode("utf-8-sig")).papers
        )


STARTS = [
    *(b"", b"@a{k, title={", b"TY  - JOUR\nTI  - ", b"<html>", b"<rss><channel>", b"[{"),
    *(b'{"title":', b"title,abstract\n", b"Daily Papers\n\nJan 1\n\n", PAGE, HUB),
]


def load_or_complain(data: bytes) -> Listing | str:
    try:
        return load_file(data)
    except SourceError as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=200) | st.text().map(str.encode))
def test_it_survives_any_bytes(start: bytes, rest: bytes) -> None:
    for data in (start + rest, start[: -len(rest)] + rest):
        found = load_or_complain(data)
        if isinstance(found, str):
            assert "\n" not in found
        else:
            assert all(paper.title for paper in found.papers)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*PAGE.decode().split("\n"), "·", "• 4 authors", "Jan 16", ""])))
def test_it_survives_any_order_of_lines(lines: list[str]) -> None:
    found = load_or_complain("\n".join(lines).encode())
    assert isinstance(found, Listing) or "\n" not in found
