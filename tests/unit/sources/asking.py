"""Asking a source of the table, as the client does, without a network.

The keyword arguments left over are the source's parameters, as typed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from newsletter.sources.asking import Answer, Ask, Request, Response
from newsletter.sources.registry import find_source
from tests.unit.sources.samples import read_bytes

DAY = date(2026, 3, 6)  # a Friday


def make_requests(
    kind: str, day: date = DAY, since: date | None = None, contact: str = "", **values: Any
) -> tuple[Request, ...]:
    source = find_source(kind)
    ask = Ask(name="row", day=day, since=since, contact=contact)
    return source.make_requests(source.read_parameters(values), ask)


def answer(
    kind: str, body: bytes | str, *, status: int = 200, day: date = DAY, **values: Any
) -> Answer:
    """What the source reads in the body, as the answer to its first request."""
    request = make_requests(kind, day, **values)[0]
    data = body.encode() if isinstance(body, str) else body
    return find_source(kind).read_answer(Response(data, status), request)


def answer_sample(kind: str, name: str, **values: Any) -> Answer:
    return answer(kind, read_bytes(name), **values)
