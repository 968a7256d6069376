"""One request to a source: politely, conditionally, and what came back as its loader reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from newsletter import env
from newsletter.models import FetchedPage, Source
from newsletter.models.source import SECRET_NAME
from newsletter.politeness import Clock, Turn, find_manner, take_turn
from newsletter.sources import asking
from newsletter.sources.addresses import Policy
from newsletter.sources.base import Listing, NotYetError, SourceBusyError, SourceError
from newsletter.sources.connection import FetchError
from newsletter.sources.http import Fetched, Get, fetch

LONGEST_URL = 1000  # of those whose validators are kept
MOST_SAMPLE = 4000  # characters
TRIES = 2  # of one request in one run, where the answer broke off or the source was overloaded


class ProblemError(Exception):
    """An answer that cannot be used: one line, and the beginning of what came.

    `again` says that the same request may succeed at once, `over` that no other one will now.
    """

    def __init__(
        self, text: str, sample: bytes = b"", *, again: bool = False, over: bool = False
    ) -> None:
        super().__init__(text)
        self.sample = sample
        self.again = again
        self.over = over


@dataclass(frozen=True, slots=True)
class Got:
    """What a request brought: `answer` is None where nothing changed since the last one (304)."""

    answer: asking.Answer | None
    fetched: Fetched


def make_agent() -> str:
    """Return who asks, with the contact that services want to find there."""
    return f"PaperRound/1.0 (+{settings.CONTACT})"


def make_policy() -> Policy:
    """Return what may be fetched: public https, and what PAPER_ROUND_FETCH_ALLOW names."""
    return Policy(frozenset(settings.FETCH_ALLOW))


def read_secret(source: Source) -> dict[str, str]:
    """Return the header that carries the source's key; none where no key is named.

    Raises ProblemError where the named variable is empty, or is not one made for sources.
    """
    if not source.secret_env:
        return {}
    if not SECRET_NAME.fullmatch(source.secret_env):
        raise ProblemError(f"{source.secret_env} is no name of a source's key")
    value = env.read_text(source.secret_env).strip()
    if not value:
        raise ProblemError(f"{source.secret_env} is not set where this process runs")
    return {"Authorization": f"Bearer {value}"}


def ask(
    source: Source,
    kind: asking.Source[Any],
    request: asking.Request,
    clock: Clock,
    *,
    conditional: bool,
) -> Got:
    """Ask once, or twice where the answer broke off; HeldError where the host is left alone.

    Raises ProblemError for an answer that cannot be used. A day that has not come yet is an empty
    answer.
    """
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            return _ask_once(source, kind, request, clock, conditional=conditional)
        except ProblemError as problem:
            if last or not problem.again:
                raise
    raise AssertionError("unreachable")


def _ask_once(
    source: Source,
    kind: asking.Source[Any],
    request: asking.Request,
    clock: Clock,
    *,
    conditional: bool,
) -> Got:
    fetched = _fetch(source, kind, request, clock, conditional=conditional)
    if fetched.status == 304:
        return Got(None, fetched)
    return Got(_read(kind, request, fetched), fetched)


def _fetch(
    source: Source,
    kind: asking.Source[Any],
    request: asking.Request,
    clock: Clock,
    *,
    conditional: bool,
) -> Fetched:
    """Take the host's turn and ask; a host that asks to be left alone is a ProblemError."""
    parts = urlsplit(request.url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    manner = find_manner(source.kind, host, kind.seconds_between)
    page = None
    if conditional and len(request.url) <= LONGEST_URL:
        page = FetchedPage.objects.filter(source=source, url=request.url).first()
    get = Get(
        request.url,
        make_agent(),
        request.accept,
        etag=page.etag if page else "",
        last_modified=page.last_modified if page else "",
        secrets=read_secret(source),
    )
    with take_turn(manner, clock) as turn:
        try:
            fetched = fetch(get, make_policy())
        except FetchError as error:
            over = error.kind in ("unreachable", "refused")
            raise ProblemError(
                str(error), error.sample, again=error.kind == "cut", over=over
            ) from error
        _heed(fetched, turn, manner.pause)
    return fetched


def ask_witness(
    source: Source, kind: asking.Source[Any], request: asking.Request, clock: Clock
) -> asking.Bulletin:
    """Ask a source's own page of its newest day, once.

    Raises HeldError where the host is left alone, ProblemError for a page that cannot be used.
    """
    fetched = _fetch(source, kind, request, clock, conditional=False)
    try:
        return kind.read_check(asking.Response(fetched.body, fetched.status))
    except SourceError as error:
        raise ProblemError(str(error), fetched.body[:4096]) from error


def _heed(fetched: Fetched, turn: Turn, pause: timedelta) -> None:
    """Leave the host alone where it asks for that; ProblemError says so."""
    asked = fetched.retry_after
    if fetched.status == 429 or (fetched.status == 503 and asked is not None):
        wait = max(pause, timedelta(seconds=asked or 0)) if fetched.status == 429 else None
        turn.hold(wait or timedelta(seconds=asked or 0), f"it answered {fetched.status}")
        raise ProblemError(
            f"the source answered {fetched.status} {fetched.said}".strip(),
            fetched.body[:4096],
            over=True,
        )


def _read(kind: asking.Source[Any], request: asking.Request, fetched: Fetched) -> asking.Answer:
    sample = fetched.body[:4096]
    try:
        answer = kind.read_answer(asking.Response(fetched.body, fetched.status), request)
    except NotYetError:
        return asking.Answer(Listing(()))
    except SourceBusyError as error:
        raise ProblemError(str(error), sample, again=True) from error
    except SourceError as error:
        raise ProblemError(str(error), sample) from error
    promised = bool(answer.refusals) or bool(answer.total)
    if promised and not answer.papers and not answer.withdrawals and not answer.following:
        why = answer.refusals[0].reason if answer.refusals else "none of them was understood"
        number = answer.total or len(answer.refusals)
        raise ProblemError(f"{number} records, and none could be read: {why}", sample)
    return answer


def show_sample(sample: bytes) -> str:
    """Return the beginning of an answer as text fit to store and to show."""
    text = sample.decode("utf-8", "replace")
    kept = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return kept[:MOST_SAMPLE]
