"""One field of a record, cleaned or refused. Every refusal is a ValueError of one line."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

# Nothing longer leaves a loader, so that what is read can be stored (newsletter/models/paper.py).
MAX_URL = 500
MAX_DOI = 200
MAX_TITLE = 600  # in characters; the index over titles takes 2,700 bytes
MAX_ABSTRACT = 50_000
MAX_ORGANIZATION = 300
MAX_HANDLE = 100
MAX_CATEGORY = 40
MAX_COUNT = 2_147_483_647  # what an integer column holds

# Characters that are never part of a text: C0 and C1 controls (white space is collapsed instead),
# bidirectional controls, which can make a letter read backwards, and zero-width fillers. The
# joiners U+200C and U+200D stay: they are spelling in Persian, the Indic scripts and emoji.
_CONTROLS = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ARXIV_NEW = re.compile(r"(\d{4}\.\d{4,5})(?:v(\d{1,4}))?", re.ASCII)
_ARXIV_OLD = re.compile(r"([a-z][a-z-]{1,15})(?:\.[A-Za-z]{2})?/(\d{7})(?:v(\d{1,4}))?", re.ASCII)
_ARXIV_PREFIX = re.compile(
    r"(?:https?://)?(?:(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html|format)/"
    r"|(?:www\.)?(?:hf\.co|huggingface\.co)/papers/"
    r"|(?:dx\.)?doi\.org/10\.48550/arxiv\."
    r"|arxiv:\s*)",
    re.IGNORECASE | re.ASCII,
)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+", re.ASCII)
_DOI_RESOLVER = re.compile(r"(?:https?://)?(?:dx\.|www\.)?doi\.org/", re.IGNORECASE | re.ASCII)
_DOI_LABEL = re.compile(r"doi:\s*", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_LOOSE_DAY = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?/{0,2}", re.ASCII)
_EARLIEST, _LATEST = 1600, 2200  # years


def clean_text(text: str) -> str:
    """The text on one line: white space collapsed, control characters out, LaTeX untouched.

    A lone surrogate, which JSON can spell but UTF-8 and PostgreSQL cannot store, becomes U+FFFD.
    """
    return " ".join(_SURROGATES.sub("\ufffd", _CONTROLS.sub("", text)).split())


def clean_arxiv_id(text: str) -> tuple[str, int | None]:
    """The arXiv identifier without version, and the version if one was written.

    Takes "2602.23229", "arXiv:2602.23229v2", "hep-th/9901001", "math.GT/0309136" (the subject class
    is dropped, as arXiv does) and the addresses of arxiv.org, huggingface.co/papers and doi.org.
    """
    given = text.strip()
    bare = _ARXIV_PREFIX.sub("", given, count=1) if _ARXIV_PREFIX.match(given) else given
    bare = re.sub(r"(?:\.pdf)?(?:[?#].*)?/?$", "", bare)
    if match := _ARXIV_NEW.fullmatch(bare):
        return match[1], int(match[2]) if match[2] else None
    if match := _ARXIV_OLD.fullmatch(bare):
        return f"{match[1]}/{match[2]}", int(match[3]) if match[3] else None
    raise ValueError(f"{_show(given)} is no arXiv identifier; write it like 2602.23229")


def clean_doi(text: str) -> str:
    """The DOI in lower case without its resolver: "10.1000/xyz"."""
    given = text.strip()
    bare = given
    if resolver := _DOI_RESOLVER.match(given):
        bare = unquote(given[resolver.end() :])
    elif label := _DOI_LABEL.match(given):
        bare = given[label.end() :]
    if not _DOI.fullmatch(bare) or len(bare) > MAX_DOI or _unprintable(bare):
        raise ValueError(f"{_show(given)} is no DOI; write it like 10.1000/xyz")
    return bare.lower()


def clean_url(text: str) -> str:
    """The address unchanged: http or https, with a host, without user, password or odd characters.

    A backslash, white space, a control character, a quote or an angle bracket is refused: browsers
    and mail programs disagree on what such an address means.
    """
    given = text.strip()
    mend = "write a whole address such as https://example.org/paper"
    if len(given) > MAX_URL:
        raise ValueError(f"an address of {len(given)} characters is longer than {MAX_URL}")
    if _unprintable(given) or re.search(r"[\s\\<>\"`]", given):
        raise ValueError(f"{_show(given)} holds a character no address may hold; {mend}")
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port  # both raise ValueError when malformed
    except ValueError:
        raise ValueError(f"{_show(given)} is no address; {mend}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{_show(given)} is no http or https address; {mend}")
    if "@" in parts.netloc:
        raise ValueError(f"{_show(given)} carries a user name; {mend}")
    return given


def clean_count(value: object) -> int:
    """A whole number from 0 up, given as a number or in digits."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,10}", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT:
        return value
    raise ValueError(f"{_show(str(value))} is no count; write a whole number such as 12")


def parse_day(text: str) -> date:
    """The day written as YYYY-MM-DD."""
    given = text.strip()
    try:
        if _DAY.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:
        pass
    raise ValueError(f"{_show(given)} is no day; write it like 2026-03-06")


def parse_instant(text: str) -> datetime:
    """The instant, in UTC: an ISO 8601 day (its first moment) or date and time.

    A time without an offset is taken as UTC.
    """
    given = text.strip()
    try:
        if _DAY.fullmatch(given):
            return datetime.fromisoformat(given).replace(tzinfo=UTC)
        if _INSTANT.fullmatch(given):
            # fromisoformat keeps six digits of a fraction and ignores the others
            instant = datetime.fromisoformat(given.upper())
            return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{_show(given)} is no time; write it like 2026-03-06T03:55:12Z")


def parse_date(text: str) -> datetime:
    """The date or instant as feeds and catalogues write it, with the offset it is written in.

    RFC 822 ("Wed, 20 Aug 2025 00:00:00 -0400"), ISO 8601, a day without leading zeros
    ("2026-6-30", also with slashes), a month ("2026-06") or a year: then its first day. Without an
    offset it is UTC.
    """
    given = " ".join(text.split())
    if match := _LOOSE_DAY.fullmatch(given):
        year, month, day = (int(part) if part else 1 for part in match.groups())
        return _check_year(_make_instant(year, month, day, given))
    if _INSTANT.fullmatch(given):
        try:
            found = datetime.fromisoformat(given.upper())
        except ValueError:
            raise ValueError(f"{_show(given)} is no time; write it like 2026-03-06") from None
        return _check_year(found if found.tzinfo else found.replace(tzinfo=UTC))
    try:
        found = parsedate_to_datetime(given if ":" in given else f"{given} 00:00:00")
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError(f"{_show(given)} is no date; write it like 2026-03-06") from None
    return _check_year(found if found.tzinfo else found.replace(tzinfo=UTC))


def to_utc(instant: datetime) -> datetime:
    """The instant in UTC."""
    return instant.astimezone(UTC)


def _make_instant(year: int, month: int, day: int, given: str) -> datetime:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{_show(given)} is no day; write it like 2026-03-06") from None


def _check_year(instant: datetime) -> datetime:
    # A slipped digit (“0206-01-05”) would put the paper before every other and merge it with none.
    if not _EARLIEST <= instant.year < _LATEST:
        raise ValueError(f"the year {instant.year} cannot be right; write it like 2026-03-06")
    return instant


def _unprintable(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)


def _show(text: str, width: int = 60) -> str:
    """The value quoted for a message of one line."""
    line = clean_text(text)
    return f"“{line if len(line) <= width else line[: width - 1] + '…'}”"
