"""What a paper is called elsewhere: "arxiv:2602.23229", "doi:10.1000/xyz", "openreview:abc"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter.sources.base import FetchedPaper
from newsletter.sources.fields import clean_arxiv_id, clean_doi

ARXIV, DOI, OPENREVIEW = "arxiv", "doi", "openreview"
MAX_IDENTIFIER = 220

_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(\S+)", re.IGNORECASE)
_BIORXIV_VERSION = re.compile(r"(10\.1101/\d{4}\.\d{2}\.\d{2}\.\d+)v\d+", re.ASCII)
_DOI_INSIDE = re.compile(r"10\.\d{4,9}/[^\s\"'<>?#]+", re.ASCII)
_DOI_TAILS = re.compile(r"(?:/(?:abs|full|abstract|pdf|epdf|meta)|\.pdf|[.,;)])+$")


def doi_identifier(text: str) -> str:
    """The identifier a DOI is: arXiv's own DOIs are arXiv ids, bioRxiv's lose their version.

    Raises ValueError where the text is no DOI.
    """
    doi = clean_doi(text)
    if match := _ARXIV_DOI.fullmatch(doi):
        return f"{ARXIV}:{clean_arxiv_id(match[1])[0]}"
    if match := _BIORXIV_VERSION.fullmatch(doi):
        doi = match[1]
    return f"{DOI}:{doi}"


def find_doi(text: str) -> str:
    """The identifier of the first DOI inside a text or address, "" where there is none."""
    for match in _DOI_INSIDE.finditer(text):
        try:
            return doi_identifier(_DOI_TAILS.sub("", match[0]))
        except ValueError:
            continue
    return ""


def split_identifiers(found: Iterable[str]) -> tuple[str, str, tuple[str, ...]]:
    """The first arXiv id, the first DOI, and the other identifiers, each once and in order."""
    arxiv_id, doi, others = "", "", dict[str, None]()
    for identifier in found:
        scheme, _, value = identifier.partition(":")
        if scheme == ARXIV and not arxiv_id:
            arxiv_id = value
        elif scheme == DOI and not doi:
            doi = value
        elif identifier and len(identifier) <= MAX_IDENTIFIER:
            others[identifier] = None
    return arxiv_id, doi, tuple(others)


def identifiers(paper: FetchedPaper) -> tuple[str, ...]:
    """All identifiers of a fetched paper, each once, the strongest first."""
    own = [f"{ARXIV}:{paper.arxiv_id}"] if paper.arxiv_id else []
    if paper.doi:
        own.append(f"{DOI}:{paper.doi}")
    return tuple(dict.fromkeys([*own, *paper.also_known_as]))
