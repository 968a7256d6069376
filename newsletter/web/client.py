"""Who asks: the address a request came from, believing only the proxies that are ours."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from subscribers.limits import network_of
from subscribers.services import Evidence


def client_address(request: HttpRequest) -> str:
    """Return the IP address the request came from, "" where it cannot be told.

    Each trusted proxy adds to X-Forwarded-For the address it was called from, so with N of them the
    N-th from the right is the client; what stands before it anybody can write. With too few the
    request did not come through them all, and the connection's own address counts.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if trusted := settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        hops = [hop for hop in forwarded.split(",") if hop.strip()]
        if len(hops) >= trusted:
            found = hops[-trusted]
    return _clean(found)


def _clean(text: str) -> str:
    """Return an address without a port, an IPv4 one written as such; "" for what is none."""
    text = text.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def make_evidence(request: HttpRequest, form_version: str = "") -> Evidence:
    """Return what a consent event keeps of a request: where from roughly, with what, on which page.

    The network is a /24, or of IPv6 a /48: whole addresses are kept nowhere. No token of a link is
    in the page's address.
    """
    match = request.resolver_match
    route = match.route if match else ""
    agent = "".join(c for c in request.META.get("HTTP_USER_AGENT", "") if c.isprintable())
    return Evidence(
        language=get_language() or settings.LANGUAGE_CODE,
        form_version=form_version,
        url=f"{settings.SITE_URL}/{route}",
        network=_coarse(client_address(request)),
        user_agent=agent,
    )


def _coarse(ip: str) -> str:
    network = network_of(ip)
    if ":" not in network:
        return network
    return str(ipaddress.IPv6Network(network).supernet(new_prefix=48))
