"""Links that lead away from the site: which addresses a page may show, and the host it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

MOST_CHARACTERS = 500
# Visible ASCII without what browsers and mail programs read differently.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+", re.ASCII)
# A name of the DNS: letters, digits and hyphens, and a last label that is no number.
_HOST = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]",
    re.ASCII,
)
_ARXIV = re.compile(r"\d{4}\.\d{4,5}|[a-z][a-z-]{1,15}/\d{7}", re.ASCII)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class OutLink:
    """A link away from the site: what it is, where it leads, and the host to show beside it."""

    label: str
    url: str
    host: str


def make_outlink(label: str, url: str) -> OutLink | None:
    """Return the link, or None where the address is none a reader could judge by its host.

    Only http and https with a name of the DNS; no user name, no port but the scheme's own, no
    number for a host, no international name, which may look like another (RFC 3986 §7.6, UTS 39).
    """
    if len(url) > MOST_CHARACTERS or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not url[len(parts.scheme) :].startswith("://"):
        return None
    if "@" in parts.netloc or port not in (None, 80 if parts.scheme == "http" else 443):
        return None
    if not _HOST.fullmatch(host) or any(label.startswith("xn--") for label in host.split(".")):
        return None
    return OutLink(label, url, host.removeprefix("www."))


def arxiv_link(label: str, arxiv_id: str, kind: str = "abs") -> OutLink | None:
    """Return the link to a page (`abs`) or the file (`pdf`) of arXiv; None for what is no id."""
    if not _ARXIV.fullmatch(arxiv_id):
        return None
    return OutLink(label, f"https://arxiv.org/{kind}/{arxiv_id}", "arxiv.org")


def doi_link(label: str, doi: str) -> OutLink | None:
    """Return the resolver's link of a DOI, its odd characters quoted; None for what is no DOI."""
    if not _DOI.fullmatch(doi):
        return None
    return OutLink(label, f"https://doi.org/{quote(doi, safe='/:;()._-')}", "doi.org")
