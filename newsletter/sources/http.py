"""GET for sources: one request, with a deadline, caps and checked addresses. No proxy is used.

Waiting between requests is the caller's (newsletter.politeness): this asks when it is told to.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from newsletter.sources.addresses import (
    Pinned,
    Policy,
    RefusedAddressError,
    Target,
    UnknownHostError,
    check_url,
    find_addresses,
)
from newsletter.sources.connection import (
    Deadline,
    FetchError,
    PinnedConnection,
    PinnedTlsConnection,
)
from newsletter.sources.inflate import BodyError, open_body

REDIRECTS = frozenset({301, 302, 303, 307, 308})
CHUNK = 65_536
SAMPLE = 4_096  # bytes of a refused answer that are kept
LONGEST_WAIT = 86_400.0  # seconds: a Retry-After beyond a day is taken as a day


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost, its redirects included: seconds and bytes.

    `silence` is the longest wait for the next byte, `wire` the bytes as they come, `body` what they
    may unpack to.
    """

    seconds: float = 60.0
    connect: float = 10.0
    silence: float = 30.0
    wire: int = 16 * 1024**2
    body: int = 64 * 1024**2
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Get:
    """One GET. `etag` and `last_modified` are what the last answer said: then 304 may come back.

    `secrets` are headers that go to the first origin only, never along a redirect elsewhere.
    """

    url: str
    agent: str
    accept: str = "*/*"
    etag: str = ""
    last_modified: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back, whatever the status; the body of a refusal is cut at 64 KiB.

    `url` is where redirects ended. `retry_after` is how many seconds the server asked to wait, None
    where it did not. `said` is the reason it gave, beside the body.
    """

    status: int
    url: str
    body: bytes
    etag: str = ""
    last_modified: str = ""
    retry_after: float | None = None
    said: str = ""


PUBLIC = Policy()
USUAL = Limits()


def fetch(get: Get, policy: Policy = PUBLIC, limits: Limits = USUAL) -> Fetched:
    """Return the answer to a GET, redirects followed and each address checked anew; or FetchError.

    A cut body is an error, never a shorter answer: a length that does not come, a chunk or a
    compressed stream without its end.
    """
    with Deadline(limits.seconds) as deadline:
        try:
            return _follow(get, policy, limits, deadline)
        except FetchError as error:
            if deadline.passed and error.kind != "timeout":
                raise deadline.error() from error
            raise


def _follow(get: Get, policy: Policy, limits: Limits, deadline: Deadline) -> Fetched:
    url, first = get.url, None
    for _ in range(limits.redirects + 1):
        try:
            target = check_url(url, policy)
            addresses = find_addresses(target, min(limits.connect, deadline.left()))
        except RefusedAddressError as error:
            raise FetchError("refused", str(error)) from None
        except UnknownHostError as error:
            raise FetchError("unreachable", str(error)) from None
        first = first or target
        headers = _make_headers(get, with_secrets=target.origin == first.origin)
        try:
            with _Exchange(target, addresses, headers, limits, deadline) as exchange:
                if exchange.status not in REDIRECTS:
                    return exchange.read_answer()
                url = urljoin(url, exchange.header("location"))
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise _describe(error, target, deadline) from error
    raise FetchError("refused", f"more than {limits.redirects} redirects, the last to {url[:200]}")


def _make_headers(get: Get, *, with_secrets: bool) -> dict[str, str]:
    headers = {
        "User-Agent": get.agent,
        "Accept": get.accept,
        "Accept-Encoding": "gzip",
        "Connection": "close",
    }
    if get.etag:
        headers["If-None-Match"] = get.etag
    if get.last_modified:
        headers["If-Modified-Since"] = get.last_modified
    return headers | (dict(get.secrets) if with_secrets else {})


class _Exchange:
    """One request and its answer on one connection."""

    def __init__(
        self,
        target: Target,
        addresses: list[Pinned],
        headers: Mapping[str, str],
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self._target = target
        self._limits = limits
        self._deadline = deadline
        options: dict[str, Any] = {"timeout": min(limits.silence, deadline.left())}
        if target.secure:
            options["ssl_context"] = ssl.create_default_context()
        kind = PinnedTlsConnection if target.secure else PinnedConnection
        self._connection = kind(target.host, target.port, **options)
        self._connection.addresses = addresses
        self._connection.deadline = deadline
        self._connection.connect_seconds = limits.connect
        try:
            self._connection.request(
                "GET",
                target.resource,
                headers=headers,
                preload_content=False,
                decode_content=False,
            )
            self._response: BaseHTTPResponse = self._connection.getresponse()
        except BaseException:
            self._connection.close()
            raise
        self.status = self._response.status

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._deadline.release()
        self._response.close()
        self._connection.close()

    def header(self, name: str) -> str:
        return str(self._response.headers.get(name, ""))

    def read_answer(self) -> Fetched:
        body = b""
        if self.status == 200:
            body = self._read_body(self._limits.wire, self._limits.body)
        elif self.status != 304:
            with suppress(FetchError, HTTPError, HTTPException, OSError):
                body = self._read_body(CHUNK, CHUNK)
        wait = read_wait(self.header("retry-after"), self.header("ratelimit"), datetime.now(UTC))
        said = self.header("x-error-message") or self._response.reason or ""
        etag, modified = self.header("etag")[:300], self.header("last-modified")[:100]
        return Fetched(
            self.status, self._target.url, body, etag, modified, wait, said[:200].strip()
        )

    def _read_body(self, wire: int, most: int) -> bytes:
        announced = self.header("content-length")
        if announced.isascii() and announced.isdecimal() and int(announced) > wire:
            raise FetchError(
                "too_large", f"the answer has {announced} bytes, more than the {wire} allowed"
            )
        try:
            return open_body(self._count(wire), self.header("content-encoding"), most)
        except BodyError as error:
            raise FetchError(error.kind, str(error), error.start[:SAMPLE]) from None

    def _count(self, wire: int) -> Iterator[bytes]:
        """Yield the bytes as they come, until they are more than allowed."""
        came = 0
        for chunk in self._response.stream(CHUNK, decode_content=False):
            came += len(chunk)
            if came > wire:
                raise FetchError("too_large", f"the answer has more than the {wire} bytes allowed")
            self._deadline.left()
            yield chunk
        self._deadline.left()  # a shut connection looks like the end of a body without length


def _describe(error: Exception, target: Target, deadline: Deadline) -> FetchError:
    """Return what went wrong on the connection in words, without addresses of our own."""
    if deadline.passed:
        return deadline.error()
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FetchError("unreachable", f"{target.host}: {cause.verify_message}")
    if isinstance(cause, TimeoutError):
        return FetchError("timeout", f"{target.host} was silent for too long")
    if isinstance(error, (HTTPError, HTTPException)):
        return FetchError("cut", f"{target.host}: the answer broke off or is malformed: {error}")
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return FetchError("unreachable", f"{target.host}: {reason}")


def read_wait(retry_after: str, rate_limit: str, now: datetime) -> float | None:
    """Return the seconds a server asks to wait, at most a day; None where it does not say.

    Retry-After is seconds or a date (RFC 9110 §10.2.3); `RateLimit: "api";r=0;t=55` says the same
    where nothing remains of the quota.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT)
    if text:
        with suppress(ValueError, TypeError, OverflowError):
            until = parsedate_to_datetime(text)
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
    values = dict(part.strip().partition("=")[::2] for part in rate_limit.split(";")[1:])
    if values.get("r") == "0" and values.get("t", "").isdecimal():
        return min(float(values["t"][:9]), LONGEST_WAIT)
    return None
