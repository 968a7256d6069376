"""What all of arXiv's interfaces share: categories, identifiers, announcements, withdrawals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter.sources.asking import WEEKEND, Parameter, gettext_noop
from newsletter.sources.base import Withdrawal
from newsletter.sources.fields import clean_arxiv_id, clean_text, clean_url, parse_day

SECONDS_BETWEEN = 3.0  # arXiv's terms of use: one request in three seconds, one connection
HOLIDAYS_2026 = "2026-11-26 2026-12-25 2026-12-29 2026-12-31"

# Archives that have categories: asked whole, their feeds are cut at 2,000 items, the new ones lost.
_DIVIDED = frozenset(
    [
        "astro-ph",
        "cond-mat",
        "cs",
        "econ",
        "eess",
        "math",
        "nlin",
        "physics",
        "q-bio",
        "q-fin",
        "stat",
    ]
)
_PHYSICS = frozenset(
    {"astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin"}
    | {"nucl-ex", "nucl-th", "physics", "quant-ph"}
)
_WHOLE = _PHYSICS - _DIVIDED
_CATEGORY = re.compile(r"([a-z][a-z-]{1,9})(?:\.([A-Za-z][A-Za-z-]{1,9}))?", re.ASCII)
_OAI_ID = re.compile(r"(?:oai:)?arxiv\.org:", re.IGNORECASE)
_WITHDRAWN = re.compile(
    r"^\W*withdrawn\b"
    r"|\b(?:paper|article|manuscript|submission|work|preprint|version|draft)\s+(?:has\s+been|is|was)"
    r"\s+(?:\w+\s+)?(?:withdrawn|retracted)\b"
    r"|\bwithdrawn\s+(?:by|due|because)\b",
    re.IGNORECASE,
)
_BY_ARXIV = re.compile(r"\bby\s+(?:the\s+)?arxiv\b", re.IGNORECASE)  # its administrators
_SPLIT = re.compile(r"[\s,;+]+")


@dataclass(frozen=True, slots=True)
class CategoryParameters:
    """Which categories are asked, at which address, and on which days arXiv announces nothing."""

    categories: tuple[str, ...]
    base: str
    holidays: frozenset[date]


def clean_categories(text: str) -> tuple[str, ...]:
    """arXiv categories of typed text, each once: "cs.AI, cs.LG" or one a line."""
    found = dict.fromkeys(_clean_category(part) for part in _SPLIT.split(text) if part)
    if not found:
        raise ValueError("name at least one category, such as cs.LG")
    return tuple(found)


def _clean_category(text: str) -> str:
    match = _CATEGORY.fullmatch(text)
    if not match or (match[1] not in _DIVIDED and match[1] not in _WHOLE):
        raise ValueError(f"“{text[:40]}” is no arXiv category; write them like cs.LG or hep-th")
    if match[1] in _DIVIDED and not match[2]:
        raise ValueError(
            f"“{text}” is a whole archive, of whose feed new papers would be cut: name its"
            f" categories, such as {_EXAMPLES.get(text, 'cs.LG')}"
        )
    if match[1] in _WHOLE and match[2]:
        raise ValueError(f"“{text[:40]}” has no categories of its own: write {match[1]}")
    return text


_EXAMPLES = {
    "cs": "cs.AI cs.LG",
    "math": "math.NA math.PR",
    "stat": "stat.ML",
    "physics": "physics.optics",
    "astro-ph": "astro-ph.GA",
    "cond-mat": "cond-mat.str-el",
    "q-bio": "q-bio.NC",
    "q-fin": "q-fin.ST",
    "eess": "eess.AS",
    "econ": "econ.EM",
    "nlin": "nlin.CD",
}


def oai_set(category: str) -> str:
    """The OAI set of a category: "cs:cs:LG", "physics:hep-th", "physics:astro-ph:GA"."""
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS else archive
    return ":".join(part for part in (group, archive, subject) if part)


def clean_holidays(text: str) -> frozenset[date]:
    """The days of typed text, parted by spaces, commas or lines."""
    return frozenset(parse_day(part) for part in _SPLIT.split(text) if part)


def clean_base(text: str) -> str:
    """The address a source is asked at, without a slash at its end."""
    return clean_url(text).rstrip("/")


def base_parameter(address: str) -> Parameter:
    """The optional address of a mirror, by default the service's own."""
    return Parameter(
        name="base",
        label=gettext_noop("Address"),
        help=gettext_noop("Another address only for a mirror or a proxy of your own."),
        clean=clean_base,
        required=False,
        default=address,
    )


CATEGORIES = Parameter(
    name="categories",
    label=gettext_noop("Categories"),
    help=gettext_noop("One a line, such as cs.LG or hep-th; each is asked on its own."),
    clean=clean_categories,
    lines=True,
)
HOLIDAYS = Parameter(
    name="holidays",
    label=gettext_noop("Evenings without announcement"),
    help=gettext_noop("arXiv's holidays as YYYY-MM-DD; it publishes the list each year."),
    clean=clean_holidays,
    required=False,
    default=HOLIDAYS_2026,
    lines=True,
)


def is_quiet(parameters: CategoryParameters, day: date) -> bool:
    """Whether arXiv's feeds bring nothing on the day.

    They bear the announcement of 20:00 Eastern the evening before: so on weekends, and on the day
    after an evening without announcement.
    """
    return day.weekday() in WEEKEND or day - timedelta(days=1) in parameters.holidays


def read_identifier(text: str) -> tuple[str, int | None]:
    """The id and version of "oai:arXiv.org:2508.13426v1", an address, or a plain id."""
    return clean_arxiv_id(_OAI_ID.sub("", text.strip(), count=1))


def read_withdrawal(
    arxiv_id: str, comment: str, abstract: str, at: datetime | None
) -> Withdrawal | None:
    """The withdrawal that the authors' comment, or an abstract that is nothing else, tells."""
    short = abstract if len(abstract) < 300 else ""
    for text in (comment, short):
        if _WITHDRAWN.search(text):
            reason = clean_text(text)[:500]
            by = "source" if _BY_ARXIV.search(reason) else "authors"
            return Withdrawal("", f"arxiv:{arxiv_id}", at=at, reason=reason, by=by)
    return None


def abs_url(arxiv_id: str) -> str:
    return f"https://arxiv.org/abs/{arxiv_id}"


def split_dois(text: str) -> list[str]:
    """The DOIs of arXiv's field, which may hold several."""
    return [part for part in re.split(r"[\s,;]+", text) if part]
