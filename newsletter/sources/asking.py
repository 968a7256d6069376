"""How a source is asked: its parameters, its requests and its answers, all of them values.

A source never fetches. It says which requests a day needs, and what an answer holds; fetching,
politeness, retries and the allowed hosts are the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from newsletter.sources.base import FetchedPaper, Listing, Refusal, Withdrawal

P = TypeVar("P")

SATURDAY, SUNDAY = 5, 6
WEEKEND = frozenset({SATURDAY, SUNDAY})
MAX_NAME = 40  # characters of `Request.source`, what a listing can hold


def gettext_noop(text: str) -> str:
    """Mark a text for translation; whoever shows it translates it. Sources know no Django."""
    return text


@dataclass(frozen=True, slots=True)
class Ask:
    """What a run wants: the papers of `day`, or where a source takes ranges from `since` to `day`.

    `name` is what the listings are filed under (a short name of the source's row); `contact` the
    operator's mail address for sources that want one in the request.
    """

    name: str
    day: date
    since: date | None = None
    contact: str = ""

    def name_part(self, part: str) -> str:
        """What the listings of one part are filed under."""
        return f"{self.name} {part}"[:MAX_NAME]

    @property
    def first(self) -> date:
        return min(self.since, self.day) if self.since else self.day


@dataclass(frozen=True, slots=True)
class Request:
    """One GET. `source` and `day` travel into what its answer holds.

    `part` names the slice of the source that is asked, such as an arXiv category: freshness is
    judged per part. `page` counts from 0.
    """

    url: str
    source: str
    day: date
    part: str = ""
    page: int = 0
    accept: str = "*/*"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, decompressed; the client has dealt with redirects, 304 and 429 before."""

    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What one response held.

    `announced_on` is the day the source itself gives this batch, which may not be the day asked for
    and, with arXiv's feeds, is not proof of freshness. `following` is the next page. `skip_days`
    are weekdays (Monday is 0) on which the source says it publishes nothing. `total` is how many
    records the source says all pages have. `warning` is for the operator: the answer can be used,
    but something about the way of asking is wrong.
    """

    listing: Listing
    announced_on: date | None = None
    following: Request | None = None
    skip_days: frozenset[int] = frozenset()
    total: int | None = None
    warning: str = ""

    @property
    def papers(self) -> tuple[FetchedPaper, ...]:
        return self.listing.papers

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return self.listing.refusals

    @property
    def withdrawals(self) -> tuple[Withdrawal, ...]:
        return self.listing.withdrawals


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What a source's own page says of its newest day: which it is, and what it holds.

    `total` counts its papers, `identifiers` names those the page shows ("2602.23229"), which may be
    fewer.
    """

    day: date
    total: int
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing the operator says about a source, as typed text.

    `clean` makes the value of it or raises ValueError with the mend; an empty text that is not
    required becomes `clean(default)`. `lines` asks for a taller field.
    """

    name: str
    label: str
    help: str = ""
    clean: Callable[[str], Any] = str
    required: bool = True
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    lines: bool = False


class ParameterError(ValueError):
    """Parameters that cannot be used: `reasons` has the complaint and mend for each name."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))


def _never_quiet(parameters: Any, day: date) -> bool:
    return False


def _make_no_checks(parameters: Any, ask: Ask) -> tuple[Request, ...]:
    return ()


def _read_no_check(response: Response) -> Bulletin:
    raise NotImplementedError("a source that makes checks reads them")


@dataclass(frozen=True, slots=True)
class Source(Generic[P]):
    """An entry of the table of sources: what it is called, asks for, requests and understands.

    `make_parameters` takes the cleaned values by name. `make_requests` returns the first page of
    every part. `read_answer` raises SourceError where the answer is none, NotYetError for a day
    that has not come, SourceBusyError where the same request may succeed later; a bad record is a
    refusal. `is_quiet` says that the source publishes nothing on a day (weekends, holidays), so
    that an empty answer is right. `seconds_between` is how far apart its requests must start.
    `refresh_days` is how many past days are worth asking again, because their counts still move.
    `by_day` is False where only today's state can be asked for. `on_demand` sources are asked for
    named papers by an operator and never on their own. `make_checks` returns a request for each
    part that has a page telling what its newest day holds, which `read_check` reads: a witness
    beside the answers, asked at most once in two hours.
    """

    kind: str
    label: str
    summary: str
    parameters: tuple[Parameter, ...]
    make_parameters: Callable[..., P]
    make_requests: Callable[[P, Ask], tuple[Request, ...]]
    read_answer: Callable[[Response, Request], Answer]
    is_quiet: Callable[[P, date], bool] = field(default=_never_quiet)
    by_day: bool = True
    on_demand: bool = False
    refresh_days: int = 0
    seconds_between: float = 1.0
    make_checks: Callable[[P, Ask], tuple[Request, ...]] = field(default=_make_no_checks)
    read_check: Callable[[Response], Bulletin] = field(default=_read_no_check)

    def read_parameters(self, values: Mapping[str, str]) -> P:
        """The typed parameters of what an operator typed.

        Raises ParameterError naming every parameter that is missing, unknown or wrong.
        """
        cleaned: dict[str, Any] = {}
        known = [parameter.name for parameter in self.parameters]
        reasons = {
            name: f"{self.kind} has no such parameter; it has {', '.join(known) or 'none'}"
            for name in values
            if name not in known
        }
        for parameter in self.parameters:
            try:
                cleaned[parameter.name] = _read_parameter(parameter, values)
            except ValueError as error:
                reasons[parameter.name] = str(error)
        if reasons:
            raise ParameterError(reasons)
        return self.make_parameters(**cleaned)


def _read_parameter(parameter: Parameter, values: Mapping[str, str]) -> Any:
    given = values.get(parameter.name, "").strip() or parameter.default
    if not given and parameter.required:
        raise ValueError("it is needed and empty")
    names = [name for name, _ in parameter.choices]
    if names and given not in names:
        raise ValueError(f"“{given[:60]}” is none of {', '.join(names)}")
    return parameter.clean(given)
