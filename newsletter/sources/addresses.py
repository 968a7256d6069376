"""Which addresses a source may be fetched from: public ones over https, all else is refused."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
PROTOCOLS = IPv4Network("192.0.0.0/24")  # RFC 6890; Python's versions differ on parts of it
GLOBAL_UNICAST = IPv6Network("2000::/3")
MAX_ADDRESSES = 16

IP = IPv4Address | IPv6Address


class RefusedAddressError(ValueError):
    """The address leads where a source may not be fetched from; the text says why."""


class UnknownHostError(ValueError):
    """The name has no address, or nobody answered for it in time."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be fetched beside public https addresses.

    `allowed` holds (host, port) pairs an operator named: they may be private, and plain http.
    `hosts`, where it names any, are the only others: a name, or "*.name" for all below it.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: `resource` is path and query, `exempt` whether the operator allowed it."""

    url: str
    secure: bool
    host: str
    port: int
    resource: str
    exempt: bool

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.secure, self.host, self.port


@dataclass(frozen=True, slots=True)
class Pinned:
    """One address of a host, as `socket.getaddrinfo` gives it."""

    family: int
    sockaddr: tuple[Any, ...]


def check_url(url: str, policy: Policy) -> Target:
    """Return the parts of an address that may be asked for; RefusedAddressError otherwise."""
    if not url.isascii() or any(c <= " " or c in '\\"<>`\x7f' for c in url):
        raise RefusedAddressError(f"{url[:200]!r} holds a character no address may hold")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedAddressError(f"{url[:200]!r} is no address: {error}") from None
    if not host or parts.scheme not in ("http", "https"):
        raise RefusedAddressError(
            f"{url[:200]!r} is no https address: write it whole, from https:// on"
        )
    if "@" in parts.netloc:
        raise RefusedAddressError("the address carries a user name: keys go into the environment")
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    exempt = (host, port) in policy.allowed
    if not secure and not exempt:
        raise RefusedAddressError(
            f"http://{host} is not encrypted: sources are fetched over https only"
        )
    if policy.hosts and not exempt and not _is_named(host, policy.hosts):
        raise RefusedAddressError(f"{host} is none of the hosts asked: {sorted(policy.hosts)}")
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, secure, host, port, resource, exempt)


def _is_named(host: str, names: frozenset[str]) -> bool:
    return host in names or any(
        name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1
        for name in names
    )


def find_addresses(target: Target, seconds: float) -> list[Pinned]:
    """Return the host's addresses, each checked: one that is not public refuses them all.

    The caller connects to these and to nothing else, so that a name which answers differently the
    next time (DNS rebinding) leads nowhere.
    """
    found = _look_up(target.host, target.port, seconds)
    if not target.exempt:
        for pinned in found:
            if not is_public(address := ip_address(str(pinned.sockaddr[0]))):
                raise RefusedAddressError(
                    f"{target.host} is {address}, which is not a public address: "
                    "sources are fetched from public addresses only"
                )
    return found


def is_public(address: IP) -> bool:
    """Return whether the address is one of the open Internet, also the IPv4 one inside an IPv6."""
    if isinstance(address, IPv6Address):
        if inner := _inner_address(address):
            return is_public(inner)
        return address in GLOBAL_UNICAST and address.is_global
    odd = address.is_multicast or address.is_reserved or address in PROTOCOLS
    return address.is_global and not odd


def _inner_address(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _look_up(host: str, port: int, seconds: float) -> list[Pinned]:
    """Ask the resolver in a thread of its own: getaddrinfo knows no timeout."""
    answers: list[Any] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            answers.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True, name=f"resolve {host}")
    thread.start()
    thread.join(max(seconds, 0))
    if thread.is_alive():
        raise UnknownHostError(f"{host}: the resolver gave no answer in {seconds:.0f} seconds")
    if errors or not answers:
        reason = getattr(errors[0], "strerror", None) if errors else None
        raise UnknownHostError(f"{host} has no address: {reason or 'the name is not known'}")
    return [Pinned(family, sockaddr) for family, _, _, _, sockaddr in answers[:MAX_ADDRESSES]]
