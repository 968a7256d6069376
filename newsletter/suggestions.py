"""Interests made from a paper's own words: those that find some papers, and not all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from newsletter.estimates import Verdict, judge
from newsletter.matching.base import QueryError
from newsletter.matching.display import readable
from newsletter.matching.query import parse_query
from newsletter.models import Paper
from newsletter.synonyms import describe_reach, read_synonyms
from newsletter.wordbook import current_wordbook
from subscribers.models import Interest

LIMIT = 5
LONGEST = 3  # words of a phrase
_RUN = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
# Words that begin or end no phrase of their own.
_SMALL_WORDS = """
a an and are as at be beyond by can do does for from how in into is it its more new not novel of on
or our over than that the their through to toward towards under using via we what when where which
while why with without you your approach method methods study
"""
_SMALL = frozenset(_SMALL_WORDS.split())


def suggest_interests(subscriber_id: int, paper: Paper, now: datetime) -> tuple[str, ...]:
    """Return up to five interests the reader has not got, each finding this paper's like.

    The source's keywords come first, then phrases of the title that other papers have too. What an
    interest of theirs finds already by its synonyms is left out.
    """
    book, synonyms = current_wordbook(now), read_synonyms()
    own = Interest.objects.filter(subscriber=subscriber_id).select_related("query")
    mine = {row.query.text for row in own}
    reached = {
        words.casefold()
        for row in own
        if row.query.expand
        for words in describe_reach(row.query.text, synonyms)
    }
    found: list[str] = []
    taken: set[str] = set()
    for text, least in _candidates(paper):
        try:
            query = parse_query(text)
        except QueryError:
            continue
        if query.canonical in mine or text.casefold() in reached:
            continue
        if any(words in taken for words in _nested(text)):
            continue
        hits = int(book.postings.find(query, synonyms).sum()) if len(book.postings) else least
        verdict = judge(len(book.days), len(book.postings), hits)
        if hits < least or verdict in (Verdict.BROAD, Verdict.REFUSED):
            continue
        found.append(text)
        taken.update(_nested(text))
        if len(found) == LIMIT:
            break
    return tuple(found)


def _candidates(paper: Paper) -> Iterator[tuple[str, int]]:
    """Yield (interest, least number of papers it must find), the likeliest first."""
    for keyword in paper.ai_keywords:
        text = readable(keyword).text.strip()
        if 3 <= len(text) <= 60:
            yield text, 1
    words = _RUN.findall(readable(paper.title).text)
    for length in range(LONGEST, 0, -1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            if any(word.casefold() in _SMALL for word in (run[0], run[-1])):
                continue
            if length > 1 or sum(map(str.isupper, run[0])) > 1:  # a word alone: acronyms only
                yield " ".join(run), 2


def _nested(text: str) -> set[str]:
    """Return the phrase without its case, and every run of its words."""
    words = text.casefold().split()
    runs = range(1, len(words) + 1)
    return {
        " ".join(words[at : at + length])
        for length in runs
        for at in range(len(words) - length + 1)
    }
