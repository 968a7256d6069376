"""Which relay takes the mail, and how: EMAIL_URL read into plain values. Opens no connection."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Security = Literal["none", "starttls", "tls"]

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+tls": ("starttls", 587),
    "smtp+starttls": ("starttls", 587),
    "submission": ("starttls", 587),
    "smtps": ("tls", 465),
}
_OPTIONS = {"cafile", "connections", "hello", "weight", "rate", "hourly"}
REMOTE_RATE = 10  # letters a second: what an unknown relay bears without a word of its operator's
_FORMS = "write smtp://HOST, submission://USER:PASSWORD@HOST or smtps://USER:PASSWORD@HOST"


@dataclass(frozen=True, slots=True)
class Relay:
    """One SMTP relay. `timeout` bounds every step in seconds; an empty `hello` is found out.

    "starttls" is demanded, never a wish: a relay that does not offer it gets nothing (RFC 8314).
    `cafile` names the certificate of a private authority, "" trusts the system's. Of several relays
    each gets its share by `weight`; one of weight 0 is a spare, used when no other takes mail.
    `rate` and `hourly` bound what all workers together hand it in a second and in an hour; 0 is no
    bound, and no word on the rate is 10 a second unless the relay is on this machine.
    `connections` are those a worker keeps to a relay that offers PIPELINING.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    security: Security
    timeout: float
    hello: str = ""
    cafile: str = ""
    weight: int = 1
    rate: int | None = None
    hourly: int = 0
    connections: int = 4

    @property
    def name(self) -> str:
        """What the relay is known by in the database and to the operator: no user, no password."""
        return f"{self.host}:{self.port}"

    @property
    def pace(self) -> int:
        """Letters a second, 0 for no bound."""
        if self.rate is not None:
            return self.rate
        return 0 if is_loopback(self.host) else REMOTE_RATE

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise ValueError(f"The relay's timeout is {self.timeout}: write seconds, more than 0")
        if self.username and self.security == "none" and not is_loopback(self.host):
            # RFC 4954 section 4, RFC 8314 section 3.3: a password in clear text is anybody's.
            raise ValueError(
                f"EMAIL_URL would send a password to {self.host} in clear text: "
                "write submission:// (STARTTLS) or smtps:// instead of smtp://"
            )


def parse_relays(urls: str, timeout: float) -> tuple[Relay, ...]:
    """Return the relays of an EMAIL_URL, which may name several, separated by spaces."""
    relays = tuple(parse_relay(url, timeout) for url in urls.split())
    if not relays:
        raise ValueError(f"EMAIL_URL is empty: {_FORMS}")
    names = [relay.name for relay in relays]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"EMAIL_URL names {twice} twice: write each relay once, with a weight")
    return relays


def parse_relay(url: str, timeout: float) -> Relay:
    """Return the relay an EMAIL_URL names; `ValueError` says the mend and hides the password.

    `smtp://` port 25, clear text; `submission://`, `smtp+tls://` and `smtp+starttls://` port 587,
    STARTTLS; `smtps://` port 465, TLS from the first byte (RFC 8314). User and password are
    percent-encoded. `?cafile=PATH` trusts a private authority, `?hello=NAME` is said in EHLO.
    `?weight=`, `?rate=`, `?hourly=` and `?connections=` are `Relay`'s.
    """
    shown = re.sub(r"//.*@", "//…@", url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # from None: its text would quote a piece of the password
        raise ValueError(
            f"EMAIL_URL={shown} has no readable host and port: {_FORMS}, "
            "and percent-encode / : @ ? and # in the password"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"EMAIL_URL={shown} has an unknown scheme: {_FORMS}")
    if not parts.hostname or parts.path not in {"", "/"} or parts.fragment or port == 0:
        raise ValueError(f"EMAIL_URL={shown} does not name one host alone: {_FORMS}")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(username) != bool(password):
        raise ValueError(f"EMAIL_URL={shown} needs both a user and a password, or neither")
    security, default_port = _SCHEMES[parts.scheme]
    options = _read_options(parts, shown, security)
    return Relay(
        host=parts.hostname,
        port=port or default_port,
        username=username,
        password=password,
        security=security,
        timeout=timeout,
        hello=options.get("hello", ""),
        cafile=options.get("cafile", ""),
        weight=_read_number(options, "weight", 1),
        rate=_read_number(options, "rate", 0) if "rate" in options else None,
        hourly=_read_number(options, "hourly", 0),
        connections=int(options.get("connections", "4")),
    )


def is_loopback(host: str) -> bool:
    """Return whether `host` is written as this machine: a loopback address or localhost."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _read_number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or int(text) > 1_000_000:
        raise ValueError(
            f"EMAIL_URL: {name}={text!r} is no whole number from 0 to 1000000: "
            f"write one, such as {name}=10"
        )
    return int(text)


def _read_options(parts: SplitResult, shown: str, security: Security) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - _OPTIONS:
        raise ValueError(
            f"EMAIL_URL={shown} has the unknown option {min(unknown)!r}: "
            "cafile, hello, weight, rate, hourly and connections are the ones there are"
        )
    cafile = options.get("cafile")
    if cafile is not None and security == "none":
        raise ValueError(
            f"EMAIL_URL={shown} names a cafile without TLS: write smtps:// for smtp://"
        )
    if cafile is not None and not Path(cafile).is_file():
        raise ValueError(f"EMAIL_URL: cafile={cafile} is no file: write the path of a PEM file")
    if not re.fullmatch(r"[1-9]|[1-5][0-9]", options.get("connections", "4")):
        raise ValueError(f"EMAIL_URL: connections={options['connections']!r} is not 1 to 59")
    if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]*", options.get("hello", "")):
        raise ValueError(f"EMAIL_URL: hello={options['hello']!r} is no host name")
    return options
