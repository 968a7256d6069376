"""Acronyms learnt from the papers stored: proposed with their evidence, for the operator to decide.

Each paper is read once; what it defines is kept, and proposals are counted from that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max

from newsletter.matching.acronyms import Definition as Found
from newsletter.matching.acronyms import find_definitions
from newsletter.matching.plural import singular
from newsletter.matching.synonyms import long_key
from newsletter.models import Definition, Paper, Synonym

LEAST_PAPERS = 3
LEAST_SHARE = 80  # per cent of the papers that define the acronym
LONGEST = 200  # characters of a long form
EXAMPLES = 5
READ_BATCH = 500
MARGIN = 120  # characters of an example before and after the definition


@dataclass(frozen=True, slots=True)
class LearntCounts:
    """What learning did: `papers` read, `definitions` found, `proposed` pairs new to the table."""

    papers: int
    definitions: int
    proposed: int

    def __str__(self) -> str:
        return (
            f"{self.papers} papers read: {self.definitions} definitions of acronyms, "
            f"{self.proposed} newly proposed"
        )


@dataclass(frozen=True, slots=True)
class _Pair:
    """`papers` of the `total` that define `short` define it as `key`."""

    short: str
    key: str
    papers: int
    total: int

    @property
    def share(self) -> int:
        return 100 * self.papers // self.total


def learn_synonyms() -> LearntCounts:
    """Read the papers stored since the last time, and propose what they define often enough.

    A pair is proposed when at least 3 papers define it and they are 80 % of those that define the
    acronym; one that was decided before stays decided. Counts and evidence are renewed.
    """
    papers = definitions = 0
    last = Definition.objects.aggregate(last=Max("paper"))["last"] or 0
    waiting = Paper.objects.filter(pk__gt=last).order_by("pk").only("title", "abstract")
    batch: list[Definition] = []
    for paper in waiting.iterator(chunk_size=READ_BATCH):
        papers += 1
        batch += _read(paper)
        if len(batch) >= READ_BATCH:
            definitions += len(_keep(batch))
            batch = []
    definitions += len(_keep(batch))
    proposed = _propose() if definitions else 0
    return LearntCounts(papers, definitions, proposed)


def _read(paper: Paper) -> list[Definition]:
    pairs: dict[tuple[str, str], str] = {}
    for _, found in _definitions(paper):
        if max(len(key := long_key(found.long)), len(found.long)) <= LONGEST:
            pairs.setdefault((found.short, key), found.long)
    return [
        Definition(paper=paper, short=short, long=long, key=key)
        for (short, key), long in pairs.items()
    ]


def _definitions(paper: Paper) -> Iterator[tuple[str, Found]]:
    for raw in (paper.title, paper.abstract):
        for found in find_definitions(raw):
            yield raw, found


def _keep(batch: list[Definition]) -> list[Definition]:
    # A run beside this one may have read the same papers.
    return Definition.objects.bulk_create(batch, ignore_conflicts=True)


def _propose() -> int:
    """Bring the table up to date with what is defined often; return how many pairs are new."""
    often = _defined_often()
    wanted = {pair.key for pair in often}
    known = {(row.short, row.key): row for row in Synonym.objects.filter(key__in=wanted)}
    new = 0
    for pair in often:
        row = known.get((pair.short, pair.key))
        if row is None:
            _, created = Synonym.objects.get_or_create(
                short=pair.short,
                key=pair.key,
                defaults={
                    "long": _best_spelling(pair),
                    "source": Synonym.Source.LEARNT,
                    "papers": pair.papers,
                    "evidence": _evidence(pair),
                },
            )
            new += created
        elif row.papers != pair.papers:
            Synonym.objects.filter(pk=row.pk).update(papers=pair.papers, evidence=_evidence(pair))
    return new


def _defined_often() -> list[_Pair]:
    """What enough papers define, being most of those that define the acronym at all."""
    totals = dict(
        Definition.objects.values("short")
        .annotate(total=Count("paper", distinct=True))
        .filter(total__gte=LEAST_PAPERS)
        .values_list("short", "total")
    )
    counted = (
        Definition.objects.filter(short__in=totals)
        .values("short", "key")
        .annotate(papers=Count("pk"))
        .filter(papers__gte=LEAST_PAPERS)
        .order_by("short", "key")
    )
    pairs = (_Pair(**row, total=totals[row["short"]]) for row in counted)
    return [pair for pair in pairs if pair.share >= LEAST_SHARE]


def _best_spelling(pair: _Pair) -> str:
    """The long form as papers write it, rather in the singular and not in Title Case."""
    same = Definition.objects.filter(short=pair.short, key=pair.key)
    spelt = Counter(same.values_list("long", flat=True))

    def rank(long: str) -> tuple[int, bool, int, str]:
        last = long.split()[-1].casefold()
        return sum(map(str.isupper, long)), singular(last) != last, -spelt[long], long

    return min(spelt, key=rank)


def _evidence(pair: _Pair) -> dict[str, Any]:
    papers = Paper.objects.filter(definitions__short=pair.short, definitions__key=pair.key)
    newest = papers.only("title", "abstract").order_by("-pk")[:EXAMPLES]
    examples = [example for paper in newest if (example := _example(paper, pair))]
    return {"share": pair.share, "examples": examples}


def _example(paper: Paper, pair: _Pair) -> dict[str, Any] | None:
    for raw, found in _definitions(paper):
        if (found.short, long_key(found.long)) == (pair.short, pair.key):
            start, end = _piece(raw, found.start, found.end)
            spans = sorted((found.long_span, found.short_span))
            marks = [[first - start, last - start] for first, last in spans]
            return {
                "paper": paper.pk,
                "title": paper.title,
                "text": raw[start:end],
                "marks": marks,
                "cut": [start > 0, end < len(raw)],
            }
    return None  # the paper was changed since it was read


def _piece(raw: str, start: int, end: int) -> tuple[int, int]:
    """A little more than raw[start:end], cut between words."""
    if (first := max(0, start - MARGIN)) > 0:
        space = raw.find(" ", first, start)
        first = space + 1 if space >= 0 else start
    if (last := min(len(raw), end + MARGIN)) < len(raw):
        space = raw.rfind(" ", end, last)
        last = space if space >= 0 else end
    return first, last
