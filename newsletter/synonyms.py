"""Synonyms as the operator decided them, and acronyms learnt from papers to be decided on.

The table is the truth: what is accepted there counts at the next match, in letters and in search.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter.matching.base import QueryError
from newsletter.matching.query import parse_query
from newsletter.matching.synonyms import Pair, Synonyms, is_short_form, long_key
from newsletter.models import Synonym
from subscribers.models import Interest, Query, Subscriber
from subscribers.queries import ReaderInterest

MOST_CHARACTERS = 400  # of a canonical query: it may be longer than what was typed
LONGEST = 200  # characters of a long form
_HEAD = 4  # letters of a long form that a query must have to be looked at


class SynonymError(ValueError):
    """A pair that cannot be kept or accepted; `field` is "short", "long" or "state"."""

    def __init__(self, field: str, problem: str, mend: str) -> None:
        super().__init__(f"{problem}: {mend}")
        self.field = field


@dataclass(frozen=True, slots=True)
class ReachOfInterest:
    """An interest as its reader sees it; `also_finds` counts unless `expand` is off."""

    text: str
    starred: bool
    expand: bool
    also_finds: tuple[str, ...]


def read_synonyms() -> Synonyms:
    """Return the accepted synonyms, in one query; compiled anew only when they changed."""
    accepted = Synonym.objects.filter(state=Synonym.State.ACCEPTED).order_by("short", "key")
    return compile_synonyms(tuple(accepted.values_list("short", "long")))


@lru_cache(maxsize=32)
def compile_synonyms(pairs: tuple[Pair, ...]) -> Synonyms:
    """Return the synonyms of these pairs: those of the same pairs are one object."""
    return Synonyms.of(pairs)


def describe_interests(interests: Sequence[ReaderInterest]) -> tuple[ReachOfInterest, ...]:
    """Return a reader's interests with what each also finds, or would: one query for all."""
    synonyms = read_synonyms()
    return tuple(
        ReachOfInterest(
            interest.text,
            interest.weight == Interest.STARRED,
            interest.expand,
            describe_reach(interest.canonical, synonyms),
        )
        for interest in interests
    )


def describe_reach(text: str, synonyms: Synonyms) -> tuple[str, ...]:
    """Return what a canonical query finds besides itself where synonyms are on."""
    try:
        return synonyms.also_finds(parse_query(text, MOST_CHARACTERS))
    except QueryError:  # stored before the language changed: no page breaks over it
        return ()


def save_synonym(
    short: str, long: str, state: str, now: datetime, synonym_id: int | None = None
) -> int:
    """Keep an operator's pair, new without `synonym_id`, and return its id; else `SynonymError`."""
    short, long = check_pair(short, long)
    row = Synonym.objects.get(pk=synonym_id) if synonym_id else Synonym()
    row.short, row.long, row.key = short, long, long_key(long)
    _decide(row, state, now)
    _keep(row)
    return row.pk


def check_pair(short: str, long: str) -> tuple[str, str]:
    """Return both forms without needless spaces; `SynonymError` where they cannot be synonyms."""
    short, long = " ".join(short.split()), " ".join(long.split())
    if not is_short_form(short):
        raise SynonymError(
            "short",
            f"“{short}” is no acronym",
            "write one word with two capitals or more and at most six letters, because only such "
            "a word is looked for with its capitals",
        )
    key = long_key(long)
    if len(key) < len(short) or key == long_key(short):
        raise SynonymError("long", f"“{long}” says no more than “{short}”", "spell it out")
    if len(key) > LONGEST:
        raise SynonymError("long", f"“{long}” is too long", f"at most {LONGEST} characters")
    return short, long


def decide_synonyms(synonym_ids: Iterable[int], state: str, now: datetime) -> list[SynonymError]:
    """Accept, reject or propose again each that can be; return why the others cannot.

    An acronym with two accepted long forms would be ambiguous, so the second is refused.
    """
    refused = []
    for synonym_id in sorted(synonym_ids):
        try:
            with transaction.atomic():
                row = Synonym.objects.select_for_update().get(pk=synonym_id)
                _decide(row, state, now)
                _keep(row)
        except SynonymError as error:
            refused.append(error)
    return refused


def _decide(row: Synonym, state: str, now: datetime) -> None:
    if state == Synonym.State.PROPOSED:
        row.decided_at = None
    elif row.state != state or row.decided_at is None:
        row.decided_at = now
    row.state = state


def _keep(row: Synonym) -> None:
    refuse_ambiguous(row.short, row.long, row.state, row.pk)
    decided = ["short", "long", "key", "state", "decided_at"]
    try:
        with transaction.atomic():
            row.save(update_fields=decided if row.pk else None)
    except IntegrityError:  # another operator was faster
        refuse_ambiguous(row.short, row.long, row.state, row.pk)
        raise


def refuse_ambiguous(short: str, long: str, state: str, synonym_id: int | None = None) -> None:
    """Raise `SynonymError` if the pair is here already, or accepted would be a second meaning."""
    others = Synonym.objects.filter(short=short).exclude(pk=synonym_id or 0)
    if same := others.filter(key=long_key(long)).first():
        raise SynonymError("long", f"“{same}” is here already, {same.state}", "change that one")
    if state != Synonym.State.ACCEPTED:
        return
    if rival := others.filter(state=Synonym.State.ACCEPTED).first():
        raise SynonymError(
            "state",
            f"{short} is accepted as “{rival.long}” already, and with two meanings a reader of the "
            "one would get the papers of the other",
            f"reject that one first, or leave “{long}” out",
        )


def count_interests(short: str, long: str) -> int:
    """Return how many interests of confirmed readers this pair alone would make find more."""
    pair = Synonyms.of([(short, long)])
    texts = Q(text__contains=short)
    head = long_key(long)[:_HEAD]
    if head:
        texts |= Q(text__icontains=head)
    queries = Query.objects.filter(texts, expand=True).values_list("pk", "text")
    found = [pk for pk, text in queries.iterator() if describe_reach(text, pair)]
    confirmed = Subscriber.Status.CONFIRMED
    return Interest.objects.filter(query__in=found, subscriber__status=confirmed).count()
