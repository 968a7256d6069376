"""The CSV form of readers: its columns, its rows one by one, cells safe in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

REQUIRED = ("email", "interests", "timezone", "hour")
OPTIONAL = ("weekdays", "papers_per_letter")
REPORT = ("line", "reason")  # a corrected report can be imported as it is
FORMULA_STARTS = ("=", "+", "-", "@", "|", "\t", "\r", "\n")


class FileError(ValueError):
    """The file as a whole cannot be imported; the text says why and the mend."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line that is not imported, its cells as they were, and why."""

    line: int
    cells: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """The header's columns and its rows: line number and cells, or a refusal."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]] | Refusal] = field(repr=False)


def read_table(lines: Iterable[str]) -> Table:
    """Return the table in `lines` of CSV, read as they are asked for; `FileError` for its header.

    A line that is no CSV becomes a `Refusal`, and reading goes on after it.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise FileError(f"the first line is no CSV ({error}): save the file as CSV") from error
    if not header:
        raise FileError(f"the file has no header: write {','.join(REQUIRED)} as its first line")
    columns = tuple(name.strip().casefold() for name in header)
    _refuse_header(columns)
    return Table(columns, _read_rows(reader))


def escape_formula(cell: str) -> str:
    """Return `cell` so that no spreadsheet computes it (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell that `escape_formula` escaped."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _read_rows(reader: CsvReader) -> Iterator[tuple[int, list[str]] | Refusal]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines = f"lines {line} to {reader.line_num}" if reader.line_num > line else "the line"
            mend = "double the quotes inside a quoted cell, and close each quote"
            yield Refusal(line, (), f"{lines} cannot be read as CSV ({error}): {mend}")
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _refuse_header(columns: tuple[str, ...]) -> None:
    named = columns[len(REPORT) :] if columns[: len(REPORT)] == REPORT else columns
    wanted = f"the columns are {', '.join(REQUIRED)} and, if you like, {', '.join(OPTIONAL)}"
    if len(named) == 1 and (";" in named[0] or "\t" in named[0]):
        raise FileError("the columns are not separated by commas: save the file as CSV with commas")
    if unknown := [name for name in named if name not in REQUIRED + OPTIONAL]:
        raise FileError(f"unknown column {', '.join(map(repr, unknown))}: {wanted}")
    if missing := [name for name in REQUIRED if name not in named]:
        raise FileError(f"no column {', '.join(map(repr, missing))}: {wanted}")
    if len(set(named)) < len(named):
        raise FileError(f"a column comes twice: {wanted}")
