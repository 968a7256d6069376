"""BibTeX files: what reference managers, arXiv and publishers export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.sources.base import FetchedPaper, Listing, SourceError
from newsletter.sources.bibliography import MAX_ENTRIES, Reference, join_date, make_paper
from newsletter.sources.fields import clean_text
from newsletter.sources.names import turn_name
from newsletter.sources.reading import collect

SOURCE = "bibtex"

# An entry begins a line, or follows the one before; what looks like one inside a value ends it, so
# that an open brace costs one entry, not the file.
_FOLLOWS = re.compile(r"\s*@[ \t]*([A-Za-z]{2,30})[ \t]*([{(])")
_ENTRY = re.compile(r"^[ \t]*@[ \t]*([A-Za-z]{2,30})[ \t]*([{(])", re.MULTILINE)
_START = re.compile(r"\s*(?:%[^\n]*\n\s*)*@\s*[A-Za-z]{2,30}\s*[{(]")
_FIELD = re.compile(r"\s*,?\s*([A-Za-z][\w:+.-]{0,40})\s*=\s*")
_WORD = re.compile(r"[^\s,#{}\"()=]{1,60}")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MACROS = {name: name for name in _MONTHS}
_NO_PAPER = frozenset({"comment", "preamble", "string"})
_NOBODY = frozenset({"others", "et al", "et al."})


class _CutError(ValueError):
    """An entry that does not end, or breaks off in the middle."""


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    key: str
    fields: Mapping[str, str]
    complaint: str = ""


def is_bibtex(text: str) -> bool:
    """Whether the text begins as BibTeX does: with an entry, perhaps after comments."""
    return _START.match(text) is not None


def load_bibtex(text: str) -> Listing:
    """The papers of a BibTeX file, without a listing day.

    An entry that breaks off or has no title is a refusal with its line; the next entry is found by
    its @. Macros of @string are put in. Raises SourceError where there is no entry at all.
    """
    entries = list(_read_entries(text))
    if not entries:
        raise SourceError("this BibTeX has no entries; expected @article{key, title = {…}}")
    return collect(entries, _make_paper, lambda entry: f"line {entry.line}, {entry.key}")


def _read_entries(text: str) -> Iterator[_Entry]:
    macros = dict(_MACROS)
    at, count, line, counted = 0, 0, 1, 0
    while count < MAX_ENTRIES:
        match = _FOLLOWS.match(text, at) or _ENTRY.search(text, at)
        if match is None:
            return
        count += 1
        line += text.count("\n", counted, match.start(1))
        counted = match.start(1)
        kind, closing = match[1].casefold(), "}" if match[2] == "{" else ")"
        key = ""
        try:
            if kind == "comment":
                at = match.end()
                continue
            at = match.end()
            if kind not in _NO_PAPER:
                key, at = _read_key(text, at)
            fields, at = _read_fields(text, at, closing, macros)
        except _CutError as error:
            yield _Entry(line, key, {}, str(error))
            continue
        if kind == "string":
            macros.update(fields)
        elif kind not in _NO_PAPER:
            yield _Entry(line, key, fields)


def _read_key(text: str, at: int) -> tuple[str, int]:
    end = re.compile(r"[^,{}\n\"]{0,200}").match(text, at)
    stop = end.end() if end else at
    key = text[at:stop].strip()
    if "=" in key:  # no key: the first field follows at once
        return "", at
    return clean_text(key), stop


def _read_fields(
    text: str, at: int, closing: str, macros: Mapping[str, str]
) -> tuple[dict[str, str], int]:
    fields: dict[str, str] = {}
    while match := _FIELD.match(text, at):
        value, at = _read_value(text, match.end(), macros)
        fields.setdefault(match[1].casefold(), value)
    rest = re.compile(r"[\s,]*").match(text, at)
    at = rest.end() if rest else at
    if text[at : at + 1] != closing:
        found = clean_text(text[at : at + 30]) or "the end of the file"
        raise _CutError(f"the entry breaks off: expected a field or “{closing}”, found “{found}”")
    return fields, at + 1


def _read_value(text: str, at: int, macros: Mapping[str, str]) -> tuple[str, int]:
    """A value: braces, quotes, a number or a macro, several joined by #."""
    parts: list[str] = []
    while True:
        char = text[at : at + 1]
        if char == "{":
            part, at = _read_braces(text, at)
        elif char == '"':
            part, at = _read_quotes(text, at)
        elif word := _WORD.match(text, at):
            part, at = macros.get(word[0].casefold(), word[0]), word.end()
        else:
            raise _CutError(f"a value breaks off after “{clean_text(text[max(at - 30, 0) : at])}”")
        parts.append(part)
        joint = re.compile(r"\s*#\s*").match(text, at)
        if not joint:
            return "".join(parts), at
        at = joint.end()


_BRACE = re.compile(rf"\\.|[{{}}]|{_ENTRY.pattern}", re.DOTALL | re.MULTILINE)
_QUOTE = re.compile(rf"\\.|[{{}}\"]|{_ENTRY.pattern}", re.DOTALL | re.MULTILINE)


def _read_braces(text: str, at: int) -> tuple[str, int]:
    depth = 0
    for match in _BRACE.finditer(text, at):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return text[at + 1 : match.start()], match.end()
        elif "@" in match[0] and match[0][0] != "\\":
            break
    raise _CutError("a brace is not closed")


def _read_quotes(text: str, at: int) -> tuple[str, int]:
    depth = 0
    for match in _QUOTE.finditer(text, at + 1):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
        elif match[0] == '"' and depth <= 0:
            return text[at + 1 : match.start()], match.end()
        elif "@" in match[0] and match[0][0] != "\\":
            break
    raise _CutError("a quotation mark is not closed")


def _make_paper(entry: _Entry) -> FetchedPaper:
    if entry.complaint:
        raise ValueError(entry.complaint)
    fields = {name: clean_text(value) for name, value in entry.fields.items()}

    def get(*names: str) -> str:
        return next((_unbrace(fields[name]) for name in names if fields.get(name)), "")

    archive = get("archiveprefix", "eprinttype").casefold()
    eprint = get("eprint") if archive in ("arxiv", "") else ""
    authors = (
        turn_name(_unbrace(name))
        for name in _AND.split(get("author"))
        if name.casefold() not in _NOBODY
    )
    return make_paper(
        SOURCE,
        Reference(
            title=get("title"),
            abstract=get("abstract"),
            authors=tuple(authors),
            date=get("date") or join_date(get("year"), get("month"), get("day")),
            doi=get("doi"),
            arxiv=eprint,
            urls=(_unwrap_url(get("url")), _unwrap_url(get("howpublished"))),
            journal=get("journal", "journaltitle", "booktitle"),
            note=get("note", "comment"),
            keywords=(get("keywords", "keyword"),),
            categories=(get("primaryclass", "eprintclass"),),
        ),
    )


def _unbrace(text: str) -> str:
    """Without the braces that hold all of it together, as in {{A Title}}."""
    while text.startswith("{") and text.endswith("}"):
        depth = 0
        for at, char in enumerate(text):
            depth += (char == "{") - (char == "}")
            if depth == 0 and at < len(text) - 1:
                return text
        text = text[1:-1].strip()
    return text


def _unwrap_url(text: str) -> str:
    match = re.fullmatch(r"\\url\s*\{(.*)\}", text)
    return (match[1] if match else text).replace("\\_", "_").replace("\\%", "%")
