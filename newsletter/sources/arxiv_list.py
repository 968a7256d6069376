"""arXiv's own page of a category's day, `https://arxiv.org/list/{category}/new`, read as a witness.

The feed can be cut, or of yesterday under today's date; this page says which day it is of, and how
many papers that day has. Nothing of it is stored.
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote, urlencode

from newsletter.sources import arxiv
from newsletter.sources.asking import Ask, Bulletin, Request, Response
from newsletter.sources.base import SourceError
from newsletter.sources.fields import clean_arxiv_id
from newsletter.sources.markup import Element, local_name, parse_html, text_of
from newsletter.sources.reading import check_status, or_none

WHAT = "arXiv's list"
BASE = "https://arxiv.org"
MOST = 2_000  # entries of one page, replacements among them

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = re.compile(r"new listings for \w+,\s*(\d{1,2})\s+([A-Za-z]+)\s+(\d{4})", re.IGNORECASE)
_SECTION = re.compile(
    r"(new|cross|replacement)[- ]?(?:submissions?|lists?|listings?)?\s*"
    r"\(showing\s+(?:first\s+)?([\d,]+)\s+of\s+([\d,]+)\s+entr",
    re.IGNORECASE,
)


def make_checks(
    parameters: arxiv.CategoryParameters, ask: Ask, feeds: str = ""
) -> tuple[Request, ...]:
    """The page of each category; a mirror of the feeds (another base than `feeds`) is asked too."""
    base = BASE if parameters.base == feeds else parameters.base
    fields = urlencode({"skip": 0, "show": MOST})
    return tuple(
        Request(
            url=f"{base}/list/{quote(category)}/new?{fields}",
            source=ask.name_part(category),
            day=ask.day,
            part=category,
            accept="text/html",
        )
        for category in parameters.categories
    )


def read_check(response: Response) -> Bulletin:
    """Which day the page is of, how many papers are new or cross-listed there, and which.

    Replacements are left out. Raises SourceError where the page does not say its day or its papers.
    """
    root = parse_html(check_status(response, WHAT))
    day: date | None = None
    total = 0
    kind = ""
    identifiers: dict[str, None] = {}
    for element in root.iter():
        name = local_name(element)
        if name in ("h1", "h2", "h3", "h4"):
            heading = text_of(element)
            day = _read_day(heading) or day
            if section := _SECTION.search(heading):
                kind = section[1].casefold()
                if kind != "replacement":
                    total += int(section[3].replace(",", ""))
        elif name == "a" and kind in ("new", "cross") and (found := _read_link(element)):
            identifiers[found] = None
    if day is None:
        raise SourceError(f"{WHAT}: expected “Showing new listings for …”, found none")
    if total and not identifiers:
        raise SourceError(f"{WHAT} announces {total} papers, and none of them was understood")
    return Bulletin(day, max(total, len(identifiers)), tuple(identifiers))


def _read_day(heading: str) -> date | None:
    match = _DAY.search(heading)
    if not match or (month := match[2].casefold()[:3]) not in _MONTHS:
        return None
    try:
        return date(int(match[3]), _MONTHS.index(month) + 1, int(match[1]))
    except ValueError:
        return None


def _read_link(element: Element) -> str:
    """The id of a link to an abstract, "" of any other; each entry has one such link."""
    before, _, given = (element.get("href") or "").partition("/abs/")
    if not given or before.rpartition("//")[2] not in ("", "arxiv.org"):
        return ""
    found = or_none(clean_arxiv_id, given)
    return found[0] if found else ""
