"""What a header may carry: clean text, plain addresses. Pure: no Django."""

from __future__ import annotations

import re
import unicodedata

from newsletter.mail.wire import wire_address

SUBJECT_LIMIT = 150  # characters; RFC 5322 allows lines of 998 octets, readers see about 70
LOCAL_LIMIT, ADDRESS_LIMIT = 64, 254  # octets, RFC 5321 section 4.5.3.1

# Controls that separate words: str.splitlines() breaks at each, and so do header generators.
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]")
# Other controls, bidi controls, what has no width, half characters: they carry no word.
_SILENT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# In a body newlines are wanted, and so are the joiners of Persian, Hindi and emoji.
_SILENT_IN_BODY = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_TEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322 atext
_LOCAL = re.compile(rf"{_TEXT}(?:\.{_TEXT})*")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]*[A-Za-z0-9])*")
_NAMED = re.compile(r"(?P<name>.*)<(?P<address>[^<>]*)>\s*", re.DOTALL)


class LetterError(ValueError):
    """A letter that must not be sent; the text says what, which value, and the mend."""


def clean_header(text: str, limit: int = SUBJECT_LIMIT) -> str:
    """Return `text` fit for a header: one line, no control or invisible character, not too long.

    Separating controls become a space and spaces are joined into one. What is longer than `limit`
    is cut before a word and ends in "…".
    """
    text = _SILENT.sub("", _BREAKS.sub(" ", text))
    return clip(" ".join(text.split()), limit)


def clean_body(text: str) -> str:
    """Return `text` without what no body may carry: controls but newlines, bidi overrides."""
    text = text.replace("\r\n", "\n").replace("\t", " ")
    text = re.sub("[\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]", " ", text)
    return _SILENT_IN_BODY.sub("", text)


def clip(text: str, limit: int) -> str:
    """Return `text` if it has at most `limit` characters, else its first words and "…"."""
    if len(text) <= limit:
        return text
    end = limit - 1
    space = text.rfind(" ", 0, end + 1)
    if space > limit // 2:
        end = space
    while end and unicodedata.combining(text[end]):  # an accent stays with its letter
        end -= 1
    return text[:end].rstrip(" ,;:.–—-") + "…"


def split_sender(text: str) -> tuple[str, str]:
    """Return name and address of "Paper Round <papers@example.org>"; the name may be empty.

    `LetterError` if the address cannot be one. The name is cleaned and freed of its quotes.
    """
    named = _NAMED.fullmatch(text)
    if named is None:
        return "", check_address(text.strip())
    name = named["name"].strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return clean_header(name, 100), check_address(named["address"])


def bare_address(text: str) -> str:
    """Return "papers@example.org" of "Paper Round <papers@example.org>", its domain in ASCII."""
    return split_sender(text)[1]


def check_address(address: str) -> str:
    """Return `address` with its domain in ASCII; `LetterError` if mail cannot be addressed so.

    A local part beyond ASCII is refused: written as an encoded word it names another mailbox
    (RFC 2047 section 5).
    """
    try:
        ascii_form = wire_address(address)
    except ValueError as error:
        raise LetterError(str(error)) from error
    local, at, domain = ascii_form.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise LetterError(f"{address!r} is no mail address: write one like reader@example.org")
    if len(local) > LOCAL_LIMIT or len(ascii_form) > ADDRESS_LIMIT:
        raise LetterError(
            f"{address!r} is longer than mail allows: {LOCAL_LIMIT} characters before the @, "
            f"{ADDRESS_LIMIT} in all"
        )
    return ascii_form
