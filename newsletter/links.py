"""The site's addresses in letters, and the signed tokens in them.

Tokens are signed with PAPER_ROUND_LINK_KEY, not SECRET_KEY: a letter's links must work for years.
The setting may hold several keys separated by spaces; the first signs, all verify, so a key is
replaced by writing the new one before it. The last one, the oldest, stays for good: the hashes of
suppressed addresses are made with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings

UNSUBSCRIBE, MANAGE, READ_ONLINE = "unsubscribe", "manage", "read online"
FEEDBACK, SAVED_FEED = "feedback of a reader", "saved feed"
FEEDBACK_OF_PAPER = "feedback"  # in letters of before: paper and interests are signed as well
MOST_INTERESTS_NAMED = 4  # in a feedback link: those that say why the paper is there

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
SIGNATURE_BYTES = 18  # 144 bits, 24 characters without padding
KEY_ID_BYTES = 3
SEAL_BYTES = 6  # 8 characters: what it guards is tried against this site, a link at a time
_SEAL = "seal of a paper and its interests"
_TOKEN = re.compile(r"(?P<key>[\w-]{4})(?P<mac>[\w-]{24})(?P<payload>[\w-]{2,160})", re.ASCII)
_PAYLOAD = re.compile(r"(?P<subscriber>0|[1-9][0-9]{0,18})(?::(?P<extra>.+))?", re.DOTALL)
_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LARGEST = 2**63 - 1  # PostgreSQL's bigint
_BETWEEN = "~"  # no token has it, and no address needs it encoded (RFC 3986 section 2.3)


class BadToken(ValueError):  # noqa: N818
    """A token that was not made here, for another purpose, or changed on its way."""


@dataclass(frozen=True, slots=True)
class TokenValue:
    """Whom a link is about, and of what (a delivery, for one), if anything."""

    subscriber_id: int
    extra: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackValue:
    """What a link under a paper of a letter is about."""

    subscriber_id: int
    paper_id: int
    query_ids: tuple[int, ...]


def make_token(purpose: str, subscriber_id: int, extra: str = "") -> str:
    """Return a URL-safe token that only this site can make and that serves only `purpose`."""
    payload = f"{subscriber_id}:{extra}" if extra else str(subscriber_id)
    return _sign(_keys()[0], purpose, payload)


def read_token(token: str, purpose: str) -> TokenValue:
    """Return what `token` says; `BadToken` unless it was made for `purpose` with a key in use."""
    parts = _TOKEN.fullmatch(token)
    key = next((k for k in _keys() if parts and _key_id(k) == parts["key"]), None)
    if parts is None or key is None:
        raise BadToken("the link is incomplete or was not made by this site")
    try:
        raw = base64.urlsafe_b64decode(parts["payload"] + "=" * (-len(parts["payload"]) % 4))
        payload = raw.decode()
    except ValueError as error:
        raise BadToken("the link is damaged") from error
    # Signed anew and compared whole: one value has one token, and time tells nothing of the key.
    expected = _sign(key, purpose, payload)
    value = _PAYLOAD.fullmatch(payload)
    if not hmac.compare_digest(token.encode(), expected.encode()) or value is None:
        raise BadToken("the link is damaged or is for something else")
    return TokenValue(int(value["subscriber"]), value["extra"] or "")


def unsubscribe_url(subscriber_id: int) -> str:
    """Return the page with the button, and the target of RFC 8058's POST."""
    return f"{settings.SITE_URL}/u/{make_token(UNSUBSCRIBE, subscriber_id)}"


def manage_url(subscriber_id: int) -> str:
    """Return the page that shows what a reader gets."""
    return f"{settings.SITE_URL}/m/{make_token(MANAGE, subscriber_id)}"


def read_online_url(subscriber_id: int, delivery_id: int) -> str:
    """Return the page that shows a reader's letter."""
    return f"{settings.SITE_URL}/l/{make_token(READ_ONLINE, subscriber_id, str(delivery_id))}"


def feedback_url(subscriber_id: int, paper_id: int, query_ids: Sequence[int] = ()) -> str:
    """Return the page on which a reader saves a letter's paper, or says more or less like it."""
    return feedback_base(subscriber_id) + feedback_tail(paper_id, query_ids)


def feedback_base(subscriber_id: int) -> str:
    """Return what a reader's feedback links have in common: with a `feedback_tail` it is one.

    It is all that is signed, so that a letter needs one signature, not one for each paper.
    """
    return f"{settings.SITE_URL}/f/{make_token(FEEDBACK, subscriber_id)}"


def feedback_tail(paper_id: int, query_ids: Sequence[int] = ()) -> str:
    """Return the end of a feedback link, alike for all readers: the paper, and why it is there.

    Of the interests it names the first `MOST_INTERESTS_NAMED`. All numbers are above 0. A seal ends
    it, so that nobody goes through papers and interests by counting.
    """
    named = "".join([f"{_BETWEEN}{n}" for n in (paper_id, *query_ids[:MOST_INTERESTS_NAMED])])
    return f"{named}{_BETWEEN}{_seal(_keys()[0], named)}"


def read_feedback(token: str) -> FeedbackValue:
    """Return whose letter, which paper and which interests a feedback link is about.

    `BadToken` unless this site signed for whom it is, and sealed paper and interests together. In
    letters of before all was signed as one; those are still read.
    """
    base, between, tail = token.partition(_BETWEEN)
    value = read_token(base, FEEDBACK if between else FEEDBACK_OF_PAPER)
    if not between:
        paper_id, *query_ids = _read_numbers(value.extra.split("."))
        return FeedbackValue(value.subscriber_id, paper_id, tuple(query_ids))
    named, _, seal = f"{_BETWEEN}{tail}".rpartition(_BETWEEN)
    paper_id, *query_ids = _read_numbers(named[1:].split(_BETWEEN))
    found = seal.encode("utf-8", "replace")
    if not any(hmac.compare_digest(_seal(key, named).encode(), found) for key in _keys()):
        raise BadToken("the link is damaged at its end")
    return FeedbackValue(value.subscriber_id, paper_id, tuple(query_ids))


def saved_feed_url(subscriber_id: int, version: int) -> str:
    """Return the private feed of a reader's saved papers; a later version makes it worthless."""
    return f"{settings.SITE_URL}/feed/saved/{make_token(SAVED_FEED, subscriber_id, str(version))}"


def paper_url(paper_id: int) -> str:
    """Return the site's page of a paper."""
    return f"{settings.SITE_URL}/p/{paper_id}"


def make_message_id(edition_date: date, subscriber_id: int, kind: str, domain: str) -> str:
    """Return the Message-ID of one letter: the same when composed again, and no one else's."""
    name = f"{edition_date.isoformat()}|{subscriber_id}|{kind}"
    return f"<{_hmac(_keys()[0], name).hex()[:20]}.d@{domain}>"


def make_notice_id(notice_id: int, domain: str) -> str:
    """Return the Message-ID of a service mail: the same when it is tried again."""
    return f"<{_hmac(_keys()[0], f'notice|{notice_id}').hex()[:20]}.n@{domain}>"


def _read_numbers(texts: Sequence[str]) -> list[int]:
    """Return the numbers of a paper and its interests; `BadToken` if they cannot be such."""
    numbers = [int(text) if _NUMBER.fullmatch(text) else 0 for text in texts]
    if len(numbers) > 1 + MOST_INTERESTS_NAMED or not 0 < min(numbers) <= max(numbers) <= _LARGEST:
        raise BadToken("the link names no paper, or is damaged at its end")
    return numbers


def _keys() -> tuple[bytes, ...]:
    return _split_keys(settings.LINK_KEY)


@lru_cache(maxsize=4)
def _split_keys(text: str) -> tuple[bytes, ...]:
    return tuple(key.encode() for key in text.split())


def _sign(key: bytes, purpose: str, payload: str) -> str:
    mac = _hmac(key, f"{purpose}\0{payload}")[:SIGNATURE_BYTES]
    return _key_id(key) + _encode(mac) + _encode(payload.encode())


def _seal(key: bytes, named: str) -> str:
    return _encode(_hmac(key, f"{_SEAL}\0{named}")[:SEAL_BYTES])


def _hmac(key: bytes, text: str) -> bytes:
    inner, outer = _hmac_halves(key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    mac: bytes = outer.digest()
    return mac


@lru_cache(maxsize=16)
def _hmac_halves(key: bytes) -> tuple[Any, Any]:
    """Return both hashes of HMAC-SHA-256 with the key taken in (RFC 2104): copied for each text.

    A letter has a dozen links; to begin anew for each costs three times as much.
    """
    block = key if len(key) <= 64 else hashlib.sha256(key).digest()
    inner, outer = (bytes(octet ^ pad for octet in block.ljust(64, b"\0")) for pad in (54, 92))
    return hashlib.sha256(inner), hashlib.sha256(outer)


@lru_cache(maxsize=16)
def _key_id(key: bytes) -> str:
    return _encode(hashlib.sha256(b"key id\0" + key).digest()[:KEY_ID_BYTES])


def _encode(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
