"""A paper as reference managers take it: BibTeX, RIS and the tags Google Scholar reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_BIBTEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped ones too
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_CAPITALS = re.compile(r"\b\w*[^\W\d_a-zß-öø-ÿ]\w*")
_WORD = re.compile(r"[^\W_]+")
_BEFORE = "al bin da de del della den der di dos du el la le ten ter van von zu"
_PARTICLES = frozenset(_BEFORE.split())  # parts of a family name that come before it
_SMALL = "a an and for from how in of on the to with what when why"
_SKIPPED = frozenset(_SMALL.split())


@dataclass(frozen=True, slots=True)
class Citation:
    """What is cited: readable texts, no LaTeX. `page` is this site's page of the paper.

    `url` is where it can be read, "" where nowhere else; `day` is the day it was published, or at
    least `year`; either may be None. `journal` is where it appeared, with `venue` a conference.
    """

    title: str
    authors: tuple[str, ...]
    abstract: str
    year: int | None
    day: date | None
    arxiv_id: str
    primary_class: str
    doi: str
    url: str
    page: str
    keywords: tuple[str, ...] = ()
    journal: str = ""
    venue: bool = False
    version: int | None = None  # the newest of arXiv that is known
    withdrawn: date | None = None

    @property
    def remark(self) -> str:
        """What whoever cites the paper must know."""
        return f"Withdrawn on {self.withdrawn}" if self.withdrawn else ""

    @property
    def any_doi(self) -> str:
        """The DOI; of a paper on arXiv without another the one that DataCite gives it."""
        return self.doi or (f"10.48550/arXiv.{self.arxiv_id}" if self.arxiv_id else "")


def make_key(citation: Citation) -> str:
    """Return a BibTeX key such as "example2026patient": ASCII letters and digits only."""
    family = _split_name(citation.authors[0])[0] if citation.authors else "anonymous"
    words = [word for word in map(_ascii, _WORD.findall(citation.title)) if word]
    first = next((word for word in words if word not in _SKIPPED), "paper")
    return f"{_ascii(family) or 'anonymous'}{citation.year or ''}{first}"


def write_bibtex(citation: Citation) -> str:
    """Return one BibTeX entry, UTF-8, ending with a line end.

    An `@article` or `@inproceedings` where it is known to have appeared; else `@misc`, as arXiv
    itself writes: an `@article` without its journal is no valid entry.
    """
    kind = ("inproceedings" if citation.venue else "article") if citation.journal else "misc"
    fields = {
        "title": _protect(citation.title),
        "author": " and ".join(map(_bibtex_name, citation.authors)),
        "year": str(citation.year or ""),
        "month": f"{citation.day:%b}".lower() if citation.day else "",
        "booktitle" if citation.venue else "journal": _escape(citation.journal),
        "eprint": citation.arxiv_id,
        "archiveprefix": "arXiv" if citation.arxiv_id else "",
        "primaryclass": _escape(citation.primary_class) if citation.arxiv_id else "",
        "version": str(citation.version or "") if citation.arxiv_id else "",
        "doi": _verbatim(citation.doi),
        "url": _verbatim(citation.url),
        "abstract": _escape(citation.abstract),
        "keywords": _escape(", ".join(citation.keywords)),
        "note": citation.remark,
    }
    lines = [
        f"  {name:<13} = " + (value if name == "month" else f"{{{value}}}")
        for name, value in fields.items()
        if value
    ]
    return f"@{kind}{{{make_key(citation)},\n" + ",\n".join(lines) + "\n}\n"


def write_ris(citation: Citation) -> str:
    """Return one RIS record, UTF-8 with CRLF: a tag of two, two spaces, a hyphen, a space.

    What appeared is JOUR or CONF. A preprint is UNPB, unpublished work; anything else GEN, for its
    kind is not known.
    """
    return "".join(f"{tag}  - {_line(value)}\r\n" for tag, value in _ris_fields(citation))


def _ris_fields(citation: Citation) -> Iterator[tuple[str, str]]:
    yield "TY", _ris_kind(citation)
    yield "TI", citation.title
    for author in citation.authors:
        family, given = _split_name(author)
        yield "AU", f"{family}, {given}" if given else family
    if citation.year:
        yield "PY", str(citation.year)
    if citation.day:
        yield "DA", f"{citation.day:%Y/%m/%d}/"
    optional = (
        ("T2", _line(citation.journal)),
        ("ET", f"v{citation.version}" if citation.version and citation.arxiv_id else ""),
        ("AB", citation.abstract),
        ("DO", citation.any_doi),
        ("UR", citation.url or citation.page),
        ("AN", f"arXiv:{citation.arxiv_id}" if citation.arxiv_id else ""),
        ("N1", citation.remark),
    )
    yield from ((tag, value) for tag, value in optional if value)
    yield from (("KW", keyword) for keyword in citation.keywords)
    yield "ER", ""


def _ris_kind(citation: Citation) -> str:
    if citation.journal:
        return "CONF" if citation.venue else "JOUR"
    return "UNPB" if citation.arxiv_id and not citation.doi else "GEN"


def list_meta(citation: Citation) -> tuple[tuple[str, str], ...]:
    """Return the (name, content) pairs of the meta tags that Google Scholar and Zotero read."""
    pairs = [("citation_title", citation.title)]
    pairs += [("citation_author", author) for author in citation.authors]
    when = f"{citation.day:%Y/%m/%d}" if citation.day else str(citation.year or "")
    pdf = f"https://arxiv.org/pdf/{citation.arxiv_id}" if citation.arxiv_id else ""
    optional = (
        ("citation_publication_date", when),
        (f"citation_{'conference' if citation.venue else 'journal'}_title", citation.journal),
        ("citation_arxiv_id", citation.arxiv_id),
        ("citation_doi", citation.any_doi),
        ("citation_abstract_html_url", citation.page),
        ("citation_pdf_url", pdf),
        ("citation_keywords", "; ".join(citation.keywords)),
    )
    return (*pairs, *((name, content) for name, content in optional if content))


def _split_name(name: str) -> tuple[str, str]:
    """Return family and given name: "van der Berg", "Ada"; a name of one word is a family's."""
    if "," in name:
        family, _, given = name.partition(",")
        return family.strip(), given.strip()
    parts = name.split()
    first = len(parts) - 1
    while first > 1 and parts[first - 1].lower() in _PARTICLES:
        first -= 1
    return " ".join(parts[max(first, 0) :]), " ".join(parts[: max(first, 0)])


def _bibtex_name(name: str) -> str:
    """Escape a name; what BibTeX would take apart at "and" is held together."""
    escaped = _escape(" ".join(name.split()))
    return f"{{{escaped}}}" if re.search(r"\band\b|\bothers\b", name, re.IGNORECASE) else escaped


def _protect(title: str) -> str:
    """Escape a title, its capitals kept: a style may write all but the first word small."""
    parts: list[str] = []
    at = 0
    line = _line(title)
    for word in _CAPITALS.finditer(line):
        parts += [_escape_all(line[at : word.start()]), f"{{{_escape_all(word.group())}}}"]
        at = word.end()
    return "".join([*parts, _escape_all(line[at:])])


def _escape(text: str) -> str:
    return _escape_all(_line(text))


def _escape_all(text: str) -> str:
    return "".join(_BIBTEX.get(char, char) for char in text)


def _verbatim(text: str) -> str:
    """An address: BibTeX keeps it as it is but for braces, which must pair, and comment signs."""
    return text.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


def _line(text: str) -> str:
    return " ".join("".join(c for c in text if c.isspace() or c.isprintable()).split())


def _ascii(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if char.isascii() and char.isalnum())
