"""Which reader and which paper is meant by what an operator types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Q

from newsletter.matching.display import readable, title_key
from newsletter.models import Paper
from newsletter.sources.fields import clean_arxiv_id, clean_doi
from subscribers.services import normalise_address, with_addresses

CHOICES = 12
_SITE_PAGE = re.compile(r"https?://[^/\s]+/p/(\d{1,18})/?", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class LookupFailed(ValueError):  # noqa: N818
    """Nothing, or more than one thing, is meant; the text says what was asked and the mend."""


@dataclass(frozen=True, slots=True)
class PaperChoice:
    """A paper that may be meant; the title is readable."""

    id: int
    title: str
    arxiv_id: str
    doi: str

    def __str__(self) -> str:
        name = self.arxiv_id or self.doi
        return f"{self.id}  {self.title}" + f"  ({name})" * bool(name)


def find_reader(email: str) -> int:
    """Return the id of the reader with this address; `LookupFailed` where there is none.

    What is no address raises `subscribers.services.ReaderError`.
    """
    address = normalise_address(email)
    reader = with_addresses([address]).values_list("pk", flat=True).first()
    if reader is None:
        raise LookupFailed(f"no reader has the address {address}: look it up in the admin")
    return int(reader)


def find_paper(text: str) -> int:
    """Return the id of the one paper meant by an id, an address, or (part of) a title."""
    found = find_papers(text)
    if not found:
        raise LookupFailed(
            f"no stored paper is meant by {text!r}: give its number, arXiv id, DOI, an address of "
            "these, or words of its title in their order"
        )
    if len(found) > 1:
        lines = "".join(f"\n  {choice}" for choice in found)
        more = "\n  …" if len(found) == CHOICES else ""
        raise LookupFailed(f"{text!r} may mean several papers, give one's number:{lines}{more}")
    return found[0].id


def find_papers(text: str) -> list[PaperChoice]:
    """Return up to 12 papers that may be meant: the first way of naming one that finds any."""
    given = text.strip()
    if not given:
        return []
    for meant in _ways(given):
        rows = Paper.objects.filter(meant).order_by("-pk")[:CHOICES]
        found = rows.values_list("pk", "title", "arxiv_id", "doi")
        if found:
            return [
                PaperChoice(key, readable(title).text, arxiv_id or "", doi or "")
                for key, title, arxiv_id, doi in found
            ]
    return []


def _ways(given: str) -> Iterator[Q]:
    page = _SITE_PAGE.fullmatch(given)
    if page or _NUMBER.fullmatch(given):
        yield Q(pk=int(page[1] if page else given))
    with suppress(ValueError):
        yield Q(arxiv_id=clean_arxiv_id(given)[0])
    with suppress(ValueError):
        yield Q(doi=clean_doi(given))
    if given.startswith(("http://", "https://")):
        yield Q(url=given)
        return
    key = title_key(given)
    if key:
        yield Q(title_key=key)
        yield Q(title_key__contains=key)
