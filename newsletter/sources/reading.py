"""What every reader of answers needs: the status, the JSON, one record after another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from newsletter.sources.asking import Request, Response
from newsletter.sources.base import (
    FetchedPaper,
    Listing,
    Refusal,
    SourceBusyError,
    SourceError,
    Withdrawal,
)
from newsletter.sources.fields import clean_text

MAX_JSON = 32 * 1024 * 1024  # bytes of one answer; Crossref's thousand works are about 8 MiB
_OVERLOADED = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524})
_TAGS = re.compile(r"<[^<>]{0,200}>")

T = TypeVar("T")
R = TypeVar("R")


class SkippedError(ValueError):
    """A record that is rightly no paper, such as a journal's correction: neither kept nor told."""


def check_status(response: Response, what: str) -> bytes:
    """The body of a 200 answer.

    Raises SourceBusyError where the source is overloaded, SourceError for any other status; both
    carry what the body says.
    """
    if 200 <= response.status < 300:
        return response.body
    said = excerpt(response.body)
    told = f" and said “{said}”" if said else ""
    if response.status in _OVERLOADED:
        raise SourceBusyError(f"{what} is overloaded: it answered {response.status}{told}")
    raise SourceError(f"{what} answered {response.status}{told}")


def excerpt(body: bytes, longest: int = 200) -> str:
    """The beginning of a body as one line of text without tags."""
    text = clean_text(_TAGS.sub(" ", body[:4000].decode("utf-8", "replace")))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def parse_json(data: bytes | str, what: str) -> object:
    """The decoded JSON. Raises SourceError of one line with the place where it breaks."""
    if len(data) > MAX_JSON:
        raise SourceError(f"{what}: {len(data)} bytes are more than {MAX_JSON // 1024**2} MiB")
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{what}: line {error.lineno}, column {error.colno}: this JSON is cut or malformed"
            f" ({error.msg})"
        ) from None
    except UnicodeDecodeError:
        raise SourceError(f"{what}: expected JSON, found bytes that are no UTF-8 text") from None
    except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
        raise SourceError(f"{what}: JSON nested too deeply, or with a huge number") from None


def parse_object(data: bytes | str, what: str) -> Mapping[str, Any]:
    """The JSON object. Raises SourceError for anything else."""
    found = parse_json(data, what)
    if not isinstance(found, Mapping):
        raise SourceError(f"{what}: expected a JSON object, found {type(found).__name__}")
    return found


def collect(
    records: Iterable[T],
    read: Callable[[T], FetchedPaper | Withdrawal],
    name: Callable[[T], str] = lambda record: "",
) -> Listing:
    """Every record read: papers, withdrawals, and a refusal for each record that raises ValueError.

    `name` says which record it is, beside its number.
    """
    papers: list[FetchedPaper] = []
    withdrawals: list[Withdrawal] = []
    refusals: list[Refusal] = []
    for number, record in enumerate(records, start=1):
        try:
            found = read(record)
        except SkippedError:
            continue
        except ValueError as error:
            called = clean_text(name(record))[:80]
            where = f"record {number} ({called})" if called else f"record {number}"
            refusals.append(Refusal(where, clean_text(str(error))))
            continue
        if isinstance(found, Withdrawal):
            withdrawals.append(found)
        else:
            papers.append(found)
    return Listing(tuple(papers), tuple(refusals), tuple(withdrawals))


def file_under(request: Request, listing: Listing) -> Listing:
    """The listing under the request's name; papers without a day of their own get the asked one."""
    papers = tuple(
        replace(
            paper,
            source=request.source,
            origin=paper.kind,
            listed_on=paper.listed_on or request.day,
            listed_once=paper.listed_once or paper.listed_on is None,
        )
        for paper in listing.papers
    )
    withdrawals = tuple(replace(one, source=request.source) for one in listing.withdrawals)
    return replace(listing, papers=papers, withdrawals=withdrawals)


def one_line(value: object) -> str:
    """The string on one line; "" for anything else."""
    return clean_text(value) if isinstance(value, str) else ""


def need_text(value: object, name: str, longest: int) -> str:
    """A text that must be there and may not be longer; ValueError otherwise."""
    text = one_line(value)
    if not text:
        raise ValueError(f"it has no {name}")
    return check_length(text, name, longest)


def check_length(text: str, name: str, longest: int) -> str:
    if len(text) > longest:
        raise ValueError(f"its {name} has {len(text)} characters, more than {longest}")
    return text


def or_none(clean: Callable[[Any], R], value: object) -> R | None:
    """The cleaned value, None where it is refused: for what a paper can do without."""
    try:
        return clean(value)
    except (ValueError, TypeError):
        return None


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
