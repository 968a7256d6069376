"""Papers an operator names by arXiv id or address, fetched as politely as any source."""

from __future__ import annotations

import re
from datetime import date

from newsletter.exchange import ProblemError, ask
from newsletter.models import Source
from newsletter.politeness import SYSTEM, Clock, HeldError
from newsletter.sources.asking import Ask, ParameterError
from newsletter.sources.base import FetchedPaper, Listing, Refusal, SourceError, Withdrawal
from newsletter.sources.fields import clean_arxiv_id
from newsletter.sources.registry import find_source

KIND = "arxiv-papers"
_FILE = re.compile(r"\.[A-Za-z]{2,5}$")


def is_named_paper(text: str) -> bool:
    """Whether the text is an arXiv id or the address of an arXiv paper, and no name of a file."""
    try:
        clean_arxiv_id(text)
    except ValueError:
        return False
    return text.startswith(("http://", "https://")) or not _FILE.search(text)


def fetch_named(papers: str, day: date, clock: Clock = SYSTEM, base: str = "") -> Listing:
    """The named papers as arXiv has them, listed on `day`; one it does not have is a refusal.

    `base` is another address than arXiv's. Raises SourceError where a name is none, or where arXiv
    cannot be asked now.
    """
    kind = find_source(KIND)
    values = {"papers": papers, **({"base": base} if base else {})}
    found: list[FetchedPaper] = []
    refusals: list[Refusal] = []
    withdrawals: list[Withdrawal] = []
    try:
        for request in kind.make_requests(kind.read_parameters(values), Ask(KIND, day)):
            got = ask(Source(kind=KIND, name=KIND), kind, request, clock, conditional=False)
            if got.answer is not None:
                found += got.answer.papers
                refusals += got.answer.refusals
                withdrawals += got.answer.withdrawals
    except ParameterError as error:
        raise SourceError(error.reasons.get("papers", str(error))) from None
    except (ProblemError, HeldError) as error:
        raise SourceError(str(error)) from error
    return Listing(tuple(found), tuple(refusals), tuple(withdrawals))
