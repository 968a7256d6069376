"""A Daily Papers page saved as text: a header, then title, abstract and sometimes a byline each.

Everything is told by its shape, never by counting: header lines, titles, abstracts and bylines may
be missing. What cannot be told is refused, with its line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from newsletter.sources.base import FetchedPaper, Listing, Refusal, SourceError
from newsletter.sources.bylines import (
    Byline,
    Day,
    Text,
    cut_bylines,
    has_byline_mark,
    read_day,
    read_lines,
    read_who,
)
from newsletter.sources.fields import MAX_ABSTRACT

SOURCE = "page"

_MAX_TITLE = 500  # the longest seen is 169; abstracts begin at some 1,300, rarely below 200
_LONG = 200  # more than this is an abstract wherever an abstract may stand
_HEADER_LINES = 20  # how far down the page its header may reach
_END = re.compile(r"[.!?…。！？][\s)\]}\"'”’»*$]*$|(?:https?://|www\.)\S+$")
_ABBREVIATION = re.compile(r"\b(?:[a-z]|al|cf|vs|[Ff]ig|[Ee]q)\.$")  # "i.e.", "et al."

_HEADERS = frozenset({"new", "subscribe", "daily papers", "trending papers", "papers"})
# Lines no paper is titled: where one stands among the papers, a second page begins.
_MARKS = re.compile(
    r"get trending papers in your email inbox!?|by\s*AK and the research community", re.IGNORECASE
)


@dataclass(slots=True)
class _Draft:
    title: Text
    abstract: Text
    byline: Byline | None = None


def load_page(text: str, listed_on: date | None = None) -> Listing:
    """The papers of one saved page, in its order.

    `listed_on` (the operator's word) wins over the page's own date. That date has no year; the
    explicit years of the bylines settle it, otherwise `listed_on` of the papers is None. Bylines
    without a year are dated by the page's own date, by `listed_on` only where that is not settled:
    an old page listed today keeps its papers' dates.
    `published_at` is the first moment (UTC) of the byline's date, None where it is unknown.
    `comments` is 0 where a byline has no count, None where there is no byline.

    Raises SourceError with the line where the page breaks off or cannot be understood.
    """
    items = cut_bylines(read_lines(text))
    header, body = _split_header(items)
    drafts, refusals = _read_drafts(_join_blocks(body))
    if not drafts:
        raise SourceError("the page holds no papers; expected a title, then its abstract")
    _refuse_cut_page(drafts, _ends_ragged(text))
    if not header and not any(draft.byline for draft in drafts):
        _refuse_other_text(drafts)
    own_day = _settle_own_day(header, drafts)
    papers = tuple(
        _make_paper(draft, listed_on or own_day, own_day or listed_on) for draft in drafts
    )
    return Listing(papers, tuple(refusals))


def is_page(text: str) -> bool:
    """Whether the text bears a mark only a saved page has: a header line of its own or a byline."""
    lines = read_lines(text)
    if any(_MARKS.fullmatch(item.text) for item in lines[:_HEADER_LINES]):
        return True
    return any(has_byline_mark(item.text) for item in lines)


def _split_header(
    items: Sequence[Text | Byline],
) -> tuple[list[Text], Sequence[Text | Byline]]:
    """The header and the rest: the header ends with the last of its lines above the first paper.

    What stands between known header lines ("Log in") belongs to the header, whatever it is.
    """
    texts: list[Text] = []
    for item in items[:_HEADER_LINES]:
        if isinstance(item, Byline) or len(item.text) > _LONG:
            break
        texts.append(item)
    while texts and not _is_header(texts[-1].text):
        texts.pop()
    return texts, items[len(texts) :]


def _is_header(line: str) -> bool:
    return (
        line.casefold() in _HEADERS
        or _MARKS.fullmatch(line) is not None
        or read_day(line) is not None
    )


def _join_blocks(items: Sequence[Text | Byline]) -> list[Text | Byline]:
    """The items with wrapped lines joined; a second page's header is refused.

    A line too long to have been wrapped stands for itself, blank line or not.
    """
    blocks: list[Text | Byline] = []
    width = 0  # of the line before
    for item in items:
        last = blocks[-1] if blocks else None
        if isinstance(item, Byline):
            blocks.append(item)
            continue
        if _MARKS.fullmatch(item.text):
            raise SourceError(
                f"line {item.line}: a second page begins here; import each page as its own file"
            )
        if isinstance(last, Text) and not item.opens and max(width, len(item.text)) <= _LONG:
            blocks[-1] = Text(last.line, f"{last.text} {item.text}")
        else:
            blocks.append(item)
        width = len(item.text)
    return blocks


def _read_drafts(blocks: Sequence[Text | Byline]) -> tuple[list[_Draft], list[Refusal]]:
    drafts: list[_Draft] = []
    refusals: list[Refusal] = []
    at = 0
    while at < len(blocks):
        title = blocks[at]
        if isinstance(title, Byline):
            raise SourceError(f"line {title.line}: a byline stands here without a paper before it")
        following = blocks[at + 1 : at + 3]
        if not following:
            raise SourceError(_describe_end(title))
        abstract = following[0]
        byline = following[1] if len(following) > 1 else None
        if isinstance(abstract, Byline):
            _add_paragraph(drafts, refusals, title, abstract)
            at += 2
            continue
        _check_shape(title, abstract, byline)
        draft = _Draft(title, abstract)
        if isinstance(byline, Byline):
            draft.byline = byline
        drafts.append(draft)
        at += 3 if draft.byline else 2
    return drafts, refusals


def _describe_end(last: Text) -> str:
    return (
        f"line {last.line}: the page ends inside a paper, after “{last.text[:60]}”;"
        " save the whole page again"
    )


def _add_paragraph(
    drafts: list[_Draft], refusals: list[Refusal], block: Text, byline: Byline
) -> None:
    """A lone block above a byline: the second paragraph of an abstract, or a bare title."""
    last = drafts[-1] if drafts else None
    if last and not last.byline and (len(block.text) > _LONG or block.text.endswith(".")):
        last.abstract = Text(last.abstract.line, f"{last.abstract.text} {block.text}")
        last.byline = byline
    else:
        lacks = "title" if len(block.text) > _LONG else "abstract"
        refusals.append(Refusal(f"line {block.line}", f"“{block.text[:60]}” has no {lacks}"))


def _check_shape(title: Text, abstract: Text, after: Text | Byline | None) -> None:
    if len(title.text) > _MAX_TITLE:
        raise SourceError(
            f"line {title.line}: expected a title, found a text of {len(title.text)} characters"
            f" (“{title.text[:40]}…”)"
        )
    if len(abstract.text) > MAX_ABSTRACT:
        raise SourceError(
            f"line {abstract.line}: expected an abstract, found {len(abstract.text)} characters"
        )
    if isinstance(after, Byline) or len(abstract.text) > _LONG or abstract.text.endswith("."):
        return
    if after and len(after.text) > _LONG:
        raise SourceError(
            f"line {abstract.line}: expected the abstract of “{title.text[:60]}”, found another"
            f" title (“{abstract.text[:60]}”)"
        )


def _ends_ragged(text: str) -> bool:
    """Whether the text ends with a space and no other line does: it was cut between two words."""
    return text[-1:] in (" ", "\t") and not re.search(r"[ \t\u00a0][\r\n]", text)


def _ends_whole(abstract: str) -> bool:
    """Whether the abstract ends as a sentence or an address does, with no bracket left open."""
    tail = abstract[-300:]
    if not _END.search(tail) or _ABBREVIATION.search(tail):
        return False
    return tail.rfind("(") <= tail.rfind(")")


def _refuse_cut_page(drafts: Sequence[_Draft], ragged: bool) -> None:
    """Raise where the page ends inside its last paper.

    A missing byline tells it on a page with bylines. On one without, an abstract that stops in
    mid-sentence does, if those of the page do not usually end so; a cut at a full stop cannot be
    told from a whole page.
    """
    last, others = drafts[-1], drafts[:-1]
    if last.byline:
        return
    whole = sum(1 for draft in others if _ends_whole(draft.abstract.text))
    ends_so = not ragged and _ends_whole(last.abstract.text)
    if any(draft.byline for draft in others) or (not ends_so and whole * 5 >= len(others) * 4):
        raise SourceError(_describe_end(Text(last.abstract.line, "…" + last.abstract.text[-50:])))


def _refuse_other_text(drafts: Sequence[_Draft]) -> None:
    """Raise where no header or byline vouches for the page and a text is too short for an abstract.

    Otherwise any note of an even number of paragraphs would pass for papers.
    """
    for draft in drafts:
        if len(draft.abstract.text) < max(_LONG, len(draft.title.text)):
            raise SourceError(
                f"line {draft.abstract.line}: expected the abstract of “{draft.title.text[:60]}”,"
                f" found {len(draft.abstract.text)} characters"
            )


def _settle_own_day(header: Sequence[Text], drafts: Sequence[_Draft]) -> date | None:
    """The page's own date, None without evidence of its year.

    The year is the latest one printed in a byline, or the one after where that byline would
    otherwise lie in the future of the page.
    """
    days = [day for item in header if (day := read_day(item.text))]
    if not days:
        return None
    own = days[-1]
    if own.year:
        return own.in_year(None)
    printed = [draft.byline.day for draft in drafts if draft.byline and draft.byline.day.year]
    latest = max((found for day in printed if (found := day.in_year(None))), default=None)
    if latest is None:
        return None
    settled = own.in_year(latest.year)
    return settled if settled and settled >= latest else own.in_year(latest.year + 1)


def _make_paper(draft: _Draft, listed_on: date | None, saved_on: date | None) -> FetchedPaper:
    byline = draft.byline
    handle, organization, author_count = read_who(byline.who if byline else "")
    published = _date_byline(byline.day, saved_on) if byline else None
    return FetchedPaper(
        source=SOURCE,
        title=draft.title.text,
        abstract=draft.abstract.text,
        published_at=datetime.combine(published, time(), UTC) if published else None,
        listed_on=listed_on,
        author_count=author_count,
        organization=organization,
        organization_handle=handle,
        comments=byline.comments if byline else None,
    )


def _date_byline(day: Day, own_day: date | None) -> date | None:
    """The byline's date; without a year it is the latest such date not after the page's own."""
    if day.year or own_day is None:
        return day.in_year(None)
    found = day.in_year(own_day.year)
    return day.in_year(own_day.year - 1) if found and found > own_day else found
