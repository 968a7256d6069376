"""Before subscribing: what an interest would have found in the last 30 editions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from newsletter.cards import paper_address
from newsletter.matching.base import Match
from newsletter.matching.display import Segment, marked_segments
from newsletter.matching.index import match_query
from newsletter.matching.packs import Array
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import Synonyms
from newsletter.matching.tree import Query
from newsletter.models import Paper
from newsletter.papers import make_document
from newsletter.synonyms import read_synonyms
from newsletter.wordbook import Wordbook, current_wordbook

NICHE_A_WEEK = 1  # papers; fewer are niche
BROAD_A_DAY = 20  # papers; more are broad
MOST_PER_CENT = 30  # of all papers; an interest that matches more is refused
ENOUGH_PAPERS = 50  # to judge by their share: a first day's handful refuses nobody
EXAMPLES = 5
_LOOKED_AT = 10  # papers of which the best are the examples


class Verdict(StrEnum):
    """What an estimate comes to; only `REFUSED` should keep an interest from being entered."""

    NICHE = "niche"
    GOOD = "good"
    BROAD = "broad"
    REFUSED = "refused"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Example:
    """A paper that matches: its title with the words that matched marked, and where to read it."""

    id: int
    title: tuple[Segment, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query finds among the `papers` of the last `days`; `advice` is a sentence to show.

    `histogram` has each day's hits, oldest first. `narrower` are queries that split a broad one,
    with what each finds a day; `nearest` are queries near one that finds nothing, with how many
    papers each finds in all. `of_editions` is false where no edition was frozen yet: the days are
    those on which the stored papers were listed.
    """

    query: str
    days: int
    of_editions: bool
    papers: int
    hits: int
    per_day: float
    histogram: tuple[tuple[date, int], ...]
    examples: tuple[Example, ...]
    also_finds: tuple[str, ...]
    verdict: Verdict
    advice: str
    narrower: tuple[tuple[str, float], ...] = ()
    nearest: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return what JSON can hold: days as YYYY-MM-DD, titles as [text, marked] pieces."""
        days = [[day.isoformat(), hits] for day, hits in self.histogram]
        return {**asdict(self), "histogram": days}


def estimate(text: str, now: datetime, expand: bool = True) -> Estimate:
    """Return what `text` would have found in the 30 newest frozen editions before `now`.

    Finds exactly what the letters find. `expand` is off for a reader who wants no synonyms.
    Raises `QueryError` where the query is refused when it is entered.
    """
    query = parse_query(text)
    synonyms = read_synonyms() if expand else Synonyms()
    book = current_wordbook(now)
    mask = book.postings.find(query, synonyms)
    counts = book.postings.count_by_pack(mask)
    days, hits, papers = len(book.days), sum(counts), len(book.postings)
    verdict = judge(days, papers, hits)
    per_day = hits / days if days else 0.0
    narrower: tuple[tuple[str, float], ...] = ()
    nearest: tuple[tuple[str, int], ...] = ()
    if verdict in (Verdict.BROAD, Verdict.REFUSED):
        found = book.narrowing.suggest(query, mask, synonyms)
        narrower = tuple((one.text, one.papers / days) for one in found)
    elif verdict is Verdict.NONE:
        nearest = book.nearest.suggest(query, synonyms)
    return Estimate(
        query=query.canonical,
        days=days,
        of_editions=book.of_editions,
        papers=papers,
        hits=hits,
        per_day=per_day,
        histogram=tuple((day.date, n) for day, n in zip(book.days, counts, strict=True)),
        examples=_find_examples(book, query, mask, synonyms),
        also_finds=synonyms.also_finds(query),
        verdict=verdict,
        advice=_advise(verdict, book, hits, narrower, nearest),
        narrower=narrower,
        nearest=nearest,
    )


def judge(days: int, papers: int, hits: int) -> Verdict:
    """Return the verdict on a query that matched `hits` of the `papers` of so many days."""
    if not papers:
        return Verdict.UNKNOWN
    if not hits:
        return Verdict.NONE
    if papers >= ENOUGH_PAPERS and hits * 100 > papers * MOST_PER_CENT:
        return Verdict.REFUSED
    if hits > BROAD_A_DAY * days:
        return Verdict.BROAD
    return Verdict.NICHE if hits * 7 < NICHE_A_WEEK * days else Verdict.GOOD


def _find_examples(
    book: Wordbook, query: Query, mask: Array, synonyms: Synonyms
) -> tuple[Example, ...]:
    """The best of the newest papers, before others those whose title says why."""
    titled = mask & book.postings.titled(query, synonyms) if mask.any() else mask
    newest = [*np.flatnonzero(titled)[::-1][:_LOOKED_AT]]
    newest += [*np.flatnonzero(mask & ~titled)[::-1][: _LOOKED_AT - len(newest)]]
    if not newest:
        return ()
    papers = Paper.objects.in_bulk(book.postings.ids[newest].tolist())
    matches = match_query(query, map(make_document, papers.values()), synonyms)
    return tuple(_make_example(papers[match.document_id], match) for match in matches[:EXAMPLES])


def _make_example(paper: Paper, match: Match) -> Example:
    spans = [(reason.start, reason.end) for reason in match.reasons if reason.field == "title"]
    return Example(paper.pk, marked_segments(paper.title, spans), paper_address(paper))


def _advise(
    verdict: Verdict,
    book: Wordbook,
    hits: int,
    narrower: Sequence[tuple[str, float]],
    nearest: Sequence[tuple[str, int]],
) -> str:
    days, papers = len(book.days), len(book.postings)
    span = describe_days(days, book.of_editions)
    if verdict is Verdict.UNKNOWN:
        return "No papers are stored yet, so nothing can be said: it counts from the first edition."
    if verdict is Verdict.NONE:
        near = "; near: " + ", ".join(f"{text} ({n})" for text, n in nearest) if nearest else ""
        return f"0 in {span}{near}."
    if verdict is Verdict.NICHE:
        return f"{hits} in {span}, niche: a letter comes only when there is one."
    if verdict is Verdict.GOOD:
        return f"{describe_rate(hits / days)}, good."
    mend = f", as in {narrower[0][0]} ({describe_rate(narrower[0][1])})" if narrower else ""
    if verdict is Verdict.BROAD:
        return f"{describe_rate(hits / days)}, broad: narrow it with AND{mend}."
    share = f"{round(100 * hits / papers)} % of all papers, {describe_rate(hits / days)}"
    return f"{share}: too broad to be an interest, narrow it with AND{mend}."


def describe_days(days: int, of_editions: bool) -> str:
    """Return "the last 30 editions", or "1 day of stored papers" before the first edition."""
    if not of_editions:
        return f"{days} day{'s' * (days != 1)} of stored papers"
    return f"the last {days} editions" if days != 1 else "the one edition so far"


def describe_rate(per_day: float) -> str:
    """Return "32 a day", "2.4 a day" or "3.5 a week"."""
    if per_day >= 1:
        return f"{_round(per_day)} a day"
    return f"{_round(per_day * 7)} a week"


def _round(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
