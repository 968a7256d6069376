"""RIS files: "TY  - JOUR" to "ER  - ", a tag a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from newsletter.sources.base import FetchedPaper, Listing, SourceError
from newsletter.sources.bibliography import MAX_ENTRIES, Reference, join_date, make_paper
from newsletter.sources.fields import clean_text
from newsletter.sources.names import turn_name
from newsletter.sources.reading import collect

SOURCE = "ris"

_TAG = re.compile(r"([A-Z][A-Z0-9]) {0,2}-(?: (.*)|\s*)$", re.ASCII)
_START = re.compile(r"\s*TY {1,2}- ?\S", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:[/-](\d{0,2})(?:[/-](\d{0,2}))?)?", re.ASCII)


@dataclass(slots=True)
class _Record:
    line: int
    values: dict[str, list[str]] = field(default_factory=dict)
    complaint: str = ""

    def add(self, tag: str, value: str) -> None:
        self.values.setdefault(tag, []).append(value)

    def get(self, *tags: str) -> str:
        return next((found for tag in tags for found in self.values.get(tag, []) if found), "")

    def all(self, *tags: str) -> tuple[str, ...]:
        return tuple(found for tag in tags for found in self.values.get(tag, []) if found)


def is_ris(text: str) -> bool:
    """Whether the text begins with a record's type, as every RIS file does."""
    return _START.match(text) is not None


def load_ris(text: str) -> Listing:
    """The papers of a RIS file, without a listing day.

    A record without a title, or that the file ends inside, is a refusal with its line. Raises
    SourceError where there is no record at all.
    """
    records = list(_read_records(text))
    if not records:
        raise SourceError("this RIS file has no records; expected one from “TY  - ” to “ER  - ”")
    return collect(records, _make_paper, lambda record: f"line {record.line}")


def _read_records(text: str) -> Iterator[_Record]:
    record: _Record | None = None
    last, count = "", 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        match = _TAG.match(line.rstrip())
        tag, value = (match[1], clean_text(match[2] or "")) if match else ("", clean_text(line))
        if tag == "TY":
            if record is not None:
                record.complaint = "the next record begins before its end, “ER”"
                yield record
            record, last, count = _Record(number), "", count + 1
            if count > MAX_ENTRIES:
                return
        elif record is None:
            continue
        elif tag == "ER":
            yield record
            record = None
        elif tag:
            record.add(tag, value)
            last = tag
        elif value and last:  # a long text goes on in the next line
            record.values[last][-1] = f"{record.values[last][-1]} {value}".strip()
    if record is not None:
        record.complaint = "the file ends inside it, before its end, “ER”"
        yield record


def _make_paper(record: _Record) -> FetchedPaper:
    if record.complaint:
        raise ValueError(record.complaint)
    date = _DATE.match(record.get("DA", "PY", "Y1"))
    return make_paper(
        SOURCE,
        Reference(
            title=record.get("TI", "T1", "CT"),
            abstract=record.get("AB", "N2"),
            authors=tuple(turn_name(name) for name in record.all("AU", "A1")),
            date=join_date(date[1], date[2] or "", date[3] or "") if date else "",
            doi=record.get("DO"),
            urls=record.all("UR", "L2", "LK"),
            journal=record.get("JO", "JF", "T2", "JA"),
            note=record.get("N1"),
            keywords=record.all("KW"),
        ),
    )
