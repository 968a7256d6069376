"""CSV and JSON Lines with the columns of docs/importing.md."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from newsletter.sources.base import FetchedPaper, Listing, SourceError
from newsletter.sources.fields import (
    MAX_ABSTRACT,
    MAX_CATEGORY,
    MAX_ORGANIZATION,
    MAX_TITLE,
    clean_arxiv_id,
    clean_count,
    clean_doi,
    clean_text,
    clean_url,
    parse_day,
    parse_instant,
)

SOURCE = "table"
REQUIRED = ("title", "abstract")
COLUMNS = (
    *REQUIRED,
    "arxiv_id",
    "doi",
    "url",
    "authors",
    "published",
    "listed_on",
    "categories",
    "organization",
    "upvotes",
    "comments",
    "code_url",
    "project_url",
    "thumbnail_url",
    "keywords",
)


def load_csv(text: str) -> Listing:
    """The papers of a CSV file with a header line, commas, and double quotes where needed.

    A list in one field is parted by semicolons. Raises SourceError with the line (the first line of
    a row of several) at the first row that cannot be read: a file is taken whole or not at all.
    """
    rows = _read_rows(text.removeprefix("\ufeff"))
    line, header = next(rows, (1, []))
    columns = _read_header(line, header)
    papers: list[FetchedPaper] = []
    for line, row in rows:
        if len(row) != len(columns):
            raise SourceError(
                f"line {line}: expected {len(columns)} fields as in the header, found {len(row)};"
                " put a field with a comma in double quotes"
            )
        papers.append(_make_paper(line, dict(zip(columns, row, strict=True))))
    if not papers:
        raise SourceError("the CSV file has a header and no rows; expected one row for each paper")
    return Listing(tuple(papers))


def load_json_lines(text: str) -> Listing:
    """The papers of a JSON Lines file: one object a line, keyed by the names of `COLUMNS`.

    Lists are arrays of strings (or one string parted by semicolons), null is as good as absent.
    Raises SourceError with line and column at the first line that cannot be read.
    """
    papers: list[FetchedPaper] = []
    for line, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            record = json.loads(raw)
        except json.JSONDecodeError as error:
            raise SourceError(
                f"line {line}, column {error.colno}: expected one whole JSON object a line"
                f" ({error.msg})"
            ) from None
        except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
            raise SourceError(f"line {line}: this JSON cannot be read") from None
        if not isinstance(record, dict):
            raise SourceError(f"line {line}: expected a JSON object, found {type(record).__name__}")
        _refuse_unknown(line, record, "key")
        papers.append(_make_paper(line, record))
    if not papers:
        raise SourceError("the JSON Lines file is empty; expected one JSON object a line")
    return Listing(tuple(papers))


def is_csv_header(line: str) -> bool:
    """Whether a first line is meant as a CSV header, though with a wrong delimiter or name."""
    for delimiter in ",;\t|":
        cells = [_name_column(cell.strip().strip('"')) for cell in line.split(delimiter)]
        known = sum(cell in COLUMNS for cell in cells)
        if known >= 2 and known * 2 >= len(cells):
            return True
    return _name_column(line) == "title"


def _read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"line {line}: the CSV breaks off or is malformed in this row ({error})"
            raise SourceError(reason) from None
        if row and (len(row) > 1 or row[0].strip()):
            yield line, row
        line = reader.line_num + 1


def _read_header(line: int, header: Sequence[str]) -> list[str]:
    columns = [_name_column(cell) for cell in header]
    if len(columns) == 1:
        for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if delimiter in header[0]:
                raise SourceError(
                    f"line {line}: the columns are parted by {name}; save the file with commas"
                )
    _refuse_unknown(line, columns, "column")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise SourceError(f"line {line}: the column {', '.join(twice)} stands there twice")
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise SourceError(f"line {line}: the header lacks the column {' and '.join(missing)}")
    return columns


def _name_column(cell: str) -> str:
    return clean_text(cell).lower()


def _refuse_unknown(line: int, names: Sequence[str] | Mapping[str, object], noun: str) -> None:
    unknown = [clean_text(name)[:40] for name in names if name not in COLUMNS]
    if unknown:
        shown = ", ".join(f"“{name}”" for name in unknown[:5])
        raise SourceError(f"line {line}: unknown {noun} {shown}; known are {', '.join(COLUMNS)}")


def _make_paper(line: int, record: Mapping[str, object]) -> FetchedPaper:
    column = ""

    def read(name: str) -> str:
        nonlocal column
        column = name
        return _read_string(record.get(name))

    def read_list(name: str) -> tuple[str, ...]:
        nonlocal column
        column = name
        return _read_list(record.get(name))

    def read_count(name: str) -> int | None:
        nonlocal column
        column = name
        value = record.get(name)
        empty = value is None or (isinstance(value, str) and not value.strip())
        return None if empty else clean_count(value)

    try:
        arxiv_id, version = clean_arxiv_id(found) if (found := read("arxiv_id")) else ("", None)
        url = clean_url(found) if (found := read("url")) else ""
        return FetchedPaper(
            source=SOURCE,
            title=_check_text(read("title"), MAX_TITLE),
            abstract=_check_text(read("abstract"), MAX_ABSTRACT),
            arxiv_id=arxiv_id,
            version=version,
            doi=(doi := clean_doi(found) if (found := read("doi")) else ""),
            url=url or _link(arxiv_id, doi),
            published_at=_check_year(parse_instant(found))
            if (found := read("published"))
            else None,
            listed_on=parse_day(found) if (found := read("listed_on")) else None,
            authors=read_list("authors"),
            organization=_check_length(read("organization"), MAX_ORGANIZATION),
            categories=tuple(_check_length(name, MAX_CATEGORY) for name in read_list("categories")),
            upvotes=read_count("upvotes"),
            comments=read_count("comments"),
            thumbnail_url=clean_url(found) if (found := read("thumbnail_url")) else "",
            project_url=clean_url(found) if (found := read("project_url")) else "",
            code_url=clean_url(found) if (found := read("code_url")) else "",
            ai_keywords=read_list("keywords"),
        )
    except ValueError as error:
        raise SourceError(f"line {line}, {column}: {error}") from None


def _read_string(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"expected a string, found {type(value).__name__}")
    return clean_text(value)


def _read_list(value: object) -> tuple[str, ...]:
    """A list of strings, or one string parted by semicolons; empty items are dropped."""
    parts = value if isinstance(value, list) else _read_string(value).split(";")
    return tuple(cleaned for part in parts if (cleaned := _read_string(part)))


def _check_text(text: str, longest: int) -> str:
    if not text:
        raise ValueError("it is empty; every paper needs one")
    return _check_length(text, longest)


def _check_length(text: str, longest: int) -> str:
    if len(text) > longest:
        raise ValueError(f"{len(text)} characters are more than {longest}; shorten it")
    return text


def _check_year(instant: datetime) -> datetime:
    # A slipped digit (“0206-01-05”) would put the paper before every other and merge it with none.
    if not datetime(1600, 1, 1, tzinfo=UTC) <= instant < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError(f"the year {instant.year} cannot be right; write it like 2026-03-06")
    return instant


def _link(arxiv_id: str, doi: str) -> str:
    """Where a paper without an address of its own is found."""
    if arxiv_id:
        return f"https://arxiv.org/abs/{arxiv_id}"
    return f"https://doi.org/{doi}" if doi else ""
