"""Any file an operator may import: the format is told by the content, never by the name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

from newsletter.sources.base import Listing, SourceError
from newsletter.sources.bibtex import is_bibtex, load_bibtex
from newsletter.sources.html_pages import load_html
from newsletter.sources.huggingface import load_daily_papers
from newsletter.sources.pages import is_page, load_page
from newsletter.sources.ris import is_ris, load_ris
from newsletter.sources.saved import load_answer, load_xml
from newsletter.sources.tables import is_csv_header, load_csv, load_json_lines

_BLANK = " \t\r\n\ufeff"
_HTML = re.compile(r"<!doctype html|<html\b|<head\b|<body\b")
_XML_ROOT = re.compile(r"<(?:rss|feed|rdf:rdf|oai-pmh)\b")
_MARKUP = re.compile(r"<[?!a-z]", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml\s[^<>]*\?>")
MAX_BYTES = 64 * 1024 * 1024

_EXPECTED = (
    "expected a saved Daily Papers page, Hugging Face daily_papers JSON, a feed (RSS or Atom),"
    " BibTeX, RIS, CSV or JSON Lines"
)
_FOREIGN = (
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ\x00", "an xz file; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
    (b"PK\x03\x04", "a zip or office file; unpack it, or save the table as CSV"),
    (b"%PDF-", "a PDF file; save the page as text"),
    (b"\x89PNG", "a PNG image; save the page as text"),
    (b"\xff\xd8\xff", "a JPEG image; save the page as text"),
    (b"PAR1", "a Parquet file; export it as CSV or JSON Lines"),
    (b"SQLite format 3\x00", "an SQLite file; export a table as CSV"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
)


def load_file(data: bytes, listed_on: date | None = None) -> Listing:
    """The papers of a file's whole content, at most `MAX_BYTES`.

    `listed_on`, where given, is the day of every paper, whatever the file says. Raises SourceError
    with one line saying what was expected and where it broke; then nothing of the file is to be
    stored.
    """
    text = _decode(data)
    start = text.lstrip(_BLANK)
    if not start:
        raise SourceError(f"the file is empty; {_EXPECTED}")
    if listed_on is None:
        return _load_text(text, start, None)
    listing = _load_text(text, start, listed_on)
    return replace(
        listing, papers=tuple(replace(paper, listed_on=listed_on) for paper in listing.papers)
    )


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise SourceError(
            f"the file is larger than {MAX_BYTES // 1024**2} MiB ({len(data)} bytes); split it"
        )
    for magic, description in _FOREIGN:
        if data.startswith(magic):
            raise SourceError(f"this is {description} ({_EXPECTED})")
    nul = data.find(b"\x00")
    if nul >= 0:
        raise SourceError(f"this is a binary file: a zero byte at offset {nul}; {_EXPECTED}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark, the codec counts from behind it.
        offset = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, offset) + 1
        if error.reason == "unexpected end of data":
            raise SourceError(
                f"line {line}: the file ends inside a character (byte offset {offset}); it was cut"
            ) from None
        raise SourceError(
            f"line {line}: no UTF-8 text at byte offset {offset} (byte 0x{data[offset]:02x});"
            " save it as UTF-8"
        ) from None


def _load_text(text: str, start: str, listed_on: date | None) -> Listing:
    opening = start[:15].lower()
    if opening.startswith("<"):
        return _load_markup(text, start, listed_on)
    # A title may open with a bracket ("[Re] A Replication"), an abstract with a LaTeX group.
    follows = start[1:].lstrip()[:1]
    if start[0] == "[" and follows in ("{", "]", ""):
        return load_daily_papers(_parse_json(text))
    if start[0] == "{" and follows in ('"', "}", ""):
        return _load_objects(text, start)
    if is_bibtex(start):
        return load_bibtex(text)
    if is_ris(start):
        return load_ris(text)
    if is_csv_header(re.split("[\r\n]", start, maxsplit=1)[0]):
        return load_csv(text)
    if is_page(text):
        return load_page(text, listed_on)
    try:
        return load_page(text, listed_on)
    except SourceError as error:
        raise SourceError(f"{_EXPECTED}; read as a page, it breaks here: {error}") from None


def _load_markup(text: str, start: str, listed_on: date | None) -> Listing:
    """HTML by its first tags, anything else that opens with "<" as XML."""
    opening = start[:1000].casefold()
    if _HTML.search(opening) and not _XML_ROOT.search(opening):
        return load_html(start, listed_on)
    if not _MARKUP.match(start):  # a title may open with “<”
        return load_page(text, listed_on)
    # The text is decoded: what the declaration says of its encoding is no longer so.
    return load_xml(_DECLARATION.sub("", start, count=1).encode())


def _load_objects(text: str, start: str) -> Listing:
    """JSON Lines, unless the first line says or leaves open that the file is one object."""
    first, _, rest = start.partition("\n")
    try:
        record, whole = json.loads(first), not rest.strip()
    except (ValueError, RecursionError):
        try:
            record, whole = json.loads(text), True
        except (ValueError, RecursionError):
            if rest.lstrip().startswith("{"):
                return load_json_lines(text)  # which names the line
            return load_daily_papers(_parse_json(text))
    if whole and isinstance(record, dict):
        if (listing := load_answer(record)) is not None:
            return listing
        if "paper" in record or "error" in record or "errors" in record or first != start.strip():
            return load_daily_papers(record)
    return load_json_lines(text)


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"line {error.lineno}, column {error.colno}: this JSON is cut or malformed"
            f" ({error.msg}); expected the whole array of Hugging Face's daily_papers"
        ) from None
    except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
        raise SourceError("this JSON cannot be read: nested too deeply, or a huge number") from None
